"""Face of the evaluate stage for regressions to Kubeflow."""

from kfp.dsl import HTML, ClassificationMetrics, Dataset, Input, Metrics, Model, Output

from components.common.component import component


@component(image="gpu")
def evaluate_regression(
    dataset: Input[Dataset],
    model: Input[Model],
    results: Output[Dataset],
    metrics: Output[Metrics],
    confidence: Output[ClassificationMetrics],
    report: Output[HTML],
    target: str,
    title: str,
    slug: str,
    external: str,
    external_version: str,
    bootstrap: int,
    seed: int,
) -> None:
    """Score a model on the test set beside the baselines, validate it on external spectra and write the report."""
    from pathlib import Path

    from components.evaluate.regression.dashboard import show
    from components.evaluate.regression.evaluation import Settings, evaluate

    found = evaluate(
        Path(dataset.path),
        Path(model.path),
        Path(results.path),
        Settings(
            target=target,
            title=title,
            slug=slug,
            external=external,
            data_version=external_version,
            bootstrap=bootstrap,
            seed=seed,
        ),
    )
    show(found, Path(results.path) / "report.html", metrics, confidence, report)

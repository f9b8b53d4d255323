"""Face of the evaluate stage for classes to Kubeflow."""

from kfp.dsl import HTML, ClassificationMetrics, Dataset, Input, Metrics, Model, Output

from components.common.component import component


@component(image="gpu")
def evaluate_classification(
    dataset: Input[Dataset],
    model: Input[Model],
    results: Output[Dataset],
    metrics: Output[Metrics],
    classes: Output[ClassificationMetrics],
    report: Output[HTML],
    headline: str,
    title: str,
    slug: str,
    external: str,
    external_version: str,
    bootstrap: int,
    seed: int,
) -> None:
    """Score a classifier on test rows beside baselines, validate it on real objects and write the report."""
    from pathlib import Path

    from components.evaluate.classification.dashboard import show
    from components.evaluate.classification.evaluation import Settings, evaluate

    found = evaluate(
        Path(dataset.path),
        Path(model.path),
        Path(results.path),
        Settings(
            headline=headline,
            title=title,
            slug=slug,
            external=external,
            data_version=external_version,
            bootstrap=bootstrap,
            seed=seed,
        ),
    )
    show(found, Path(results.path) / "report.html", metrics, classes, report)

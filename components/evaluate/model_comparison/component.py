"""Face of the evaluate stage for comparisons of models to Kubeflow."""

from kfp.dsl import HTML, ClassificationMetrics, Dataset, Input, Metrics, Model, Output

from components.common.component import component


@component(image="gpu")
def evaluate_model_comparison(
    dataset: Input[Dataset],
    models: Input[Model],
    results: Output[Dataset],
    metrics: Output[Metrics],
    confidence: Output[ClassificationMetrics],
    report: Output[HTML],
    title: str,
    slug: str,
    external: str,
    external_version: str,
    bootstrap: int,
    seed: int,
) -> None:
    """Compare trained regressors with each other and with baselines on the test set, and write the report."""
    from pathlib import Path

    from components.evaluate.model_comparison.evaluation import evaluate
    from components.evaluate.regression.dashboard import show
    from components.evaluate.settings import Settings

    found = evaluate(
        Path(dataset.path),
        Path(models.path),
        Path(results.path),
        Settings(title, slug, seed, bootstrap, external, external_version),
    )
    show(found, Path(results.path) / "report.html", metrics, confidence, report)

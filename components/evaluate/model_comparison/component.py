"""Face of the evaluate stage for comparisons of models to Kubeflow."""

from kfp.dsl import HTML, ClassificationMetrics, Dataset, Input, Metrics, Model, Output

from components.common.component import component


@component(image="gpu")
def evaluate_model_comparison(
    dataset: Input[Dataset],
    models: Input[list[Model]],
    results: Output[Dataset],
    best: Output[Model],
    metrics: Output[Metrics],
    confidence: Output[ClassificationMetrics],
    report: Output[HTML],
    title: str,
    slug: str,
    bootstrap: int,
    seed: int,
) -> None:
    """Compare trained regressors on the test set, keep the one that was best in validation, write the report."""
    from pathlib import Path

    from components.evaluate.model_comparison.evaluation import Settings, evaluate
    from components.evaluate.regression.dashboard import show

    found = evaluate(
        Path(dataset.path),
        [Path(model.path) for model in models],
        Path(results.path),
        Path(best.path),
        Settings(bootstrap=bootstrap, seed=seed, title=title, slug=slug),
    )
    show(found, Path(results.path) / "report.html", metrics, confidence, report)

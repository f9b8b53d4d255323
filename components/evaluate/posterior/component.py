"""Face of the evaluate stage for parameters of universes to Kubeflow."""

from kfp.dsl import HTML, Dataset, Input, Metrics, Model, Output

from components.common.component import component


@component(image="gpu")
def evaluate_posterior(
    dataset: Input[Dataset],
    model: Input[Model],
    results: Output[Dataset],
    metrics: Output[Metrics],
    report: Output[HTML],
    title: str,
    slug: str,
    external: str,
    external_version: str,
    bootstrap: int,
    seed: int,
) -> None:
    """Score means and deviations of parameters beside baselines, ask which maps matter, and write the report."""
    from pathlib import Path

    from components.evaluate.dashboard import show
    from components.evaluate.posterior.evaluation import Settings, evaluate

    settings = Settings(
        title=title, slug=slug, seed=seed, bootstrap=bootstrap, external=external, data_version=external_version
    )
    found = evaluate(Path(dataset.path), Path(model.path), Path(results.path), settings)
    show(found, Path(results.path) / "report.html", metrics, report)

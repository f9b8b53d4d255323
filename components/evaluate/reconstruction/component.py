"""Face of the evaluate stage for reconstructions of initial fields to Kubeflow."""

from kfp.dsl import HTML, Dataset, Input, Metrics, Model, Output

from components.common.component import component


@component(image="gpu")
def evaluate_reconstruction(
    dataset: Input[Dataset],
    model: Input[Model],
    results: Output[Dataset],
    metrics: Output[Metrics],
    report: Output[HTML],
    title: str,
    slug: str,
    samples: int,
    external: str,
    external_version: str,
    bootstrap: int,
    seed: int,
) -> None:
    """Compare reconstructed with true initial fields scale by scale, beside baselines, and write the report."""
    from pathlib import Path

    from components.evaluate.dashboard import show
    from components.evaluate.reconstruction.evaluation import Settings, evaluate

    settings = Settings(
        title=title,
        slug=slug,
        samples=samples,
        bootstrap=bootstrap,
        external=external,
        data_version=external_version,
        seed=seed,
    )
    found = evaluate(Path(dataset.path), Path(model.path), Path(results.path), settings)
    show(found, Path(results.path) / "report.html", metrics, report)

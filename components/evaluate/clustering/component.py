"""Face of the evaluate stage for clusters to Kubeflow."""

from kfp.dsl import HTML, Dataset, Input, Metrics, Model, Output

from components.common.component import component


@component(image="cpu")
def evaluate_clustering(
    dataset: Input[Dataset],
    model: Input[Model],
    results: Output[Dataset],
    metrics: Output[Metrics],
    report: Output[HTML],
    title: str,
    slug: str,
    bootstrap: int,
    control_fields: int,
    shifted_fields: int,
    samples: int,
    test_fraction: float,
    external: str,
    external_version: str,
    seed: int,
) -> None:
    """Judge found clusters by truth, by fields without any and by resampling, and write the report."""
    from pathlib import Path

    from components.evaluate.clustering.evaluation import Settings, evaluate
    from components.evaluate.dashboard import show

    found = evaluate(
        Path(dataset.path),
        Path(model.path),
        Path(results.path),
        Settings(
            title=title,
            slug=slug,
            bootstrap=bootstrap,
            control_fields=control_fields,
            shifted_fields=shifted_fields,
            samples=samples,
            test_fraction=test_fraction,
            external=external,
            data_version=external_version,
            seed=seed,
        ),
    )
    show(found, Path(results.path) / "report.html", metrics, report)

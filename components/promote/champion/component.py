"""Face of champion and challenger to Kubeflow."""

from kfp.dsl import HTML, Dataset, Input, Metrics, Model, Output

from components.common.component import component


@component(image="gpu")
def promote_champion(
    source: Input[Dataset],
    model: Input[Model],
    results: Input[Dataset],
    decision: Output[Metrics],
    comparison: Output[HTML],
    slug: str,
    bootstrap: int,
    seed: int,
) -> None:
    """Store the model, compare it with the champion on the same test objects, and promote it if it is better."""
    from pathlib import Path

    from components.promote.champion.outputs import show
    from components.promote.champion.promotion import Settings, promote

    settings = Settings(slug=slug, bootstrap=bootstrap, seed=seed)
    decided = promote(Path(source.path), Path(model.path), Path(results.path), settings)
    show(decided, Path(results.path), decision, comparison)

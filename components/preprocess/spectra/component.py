"""Face of the preprocess stage for spectra to Kubeflow."""

from kfp.dsl import Dataset, Input, Output

from components.common.component import component


@component(image="cpu")
def preprocess_spectra(
    spectra: Input[Dataset],
    dataset: Output[Dataset],
    bin_pixels: int,
    normalisation: str,
    fill: str,
    clip_sigma: float,
    minimum_coverage: float,
    minimum_sn: float,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
    classes: list[str] = [],  # noqa: B006 (kfp copies defaults into the compiled pipeline)
    group_by: str = "object",
) -> None:
    """Place spectra on one wavelength grid, normalise them and assign each object to train, validation or test."""
    from pathlib import Path

    from components.preprocess.spectra.preprocessing import Settings, preprocess

    preprocess(
        Path(spectra.path),
        Path(dataset.path),
        Settings(
            bin_pixels=bin_pixels,
            normalisation=normalisation,
            fill=fill,
            clip_sigma=clip_sigma,
            minimum_coverage=minimum_coverage,
            minimum_sn=minimum_sn,
            validation_fraction=validation_fraction,
            test_fraction=test_fraction,
            seed=seed,
            classes=tuple(classes),
            group_by=group_by,
        ),
    )

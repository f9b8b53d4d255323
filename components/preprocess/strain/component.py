"""Face of the preprocess stage for strain to Kubeflow."""

from kfp.dsl import Dataset, Input, Output

from components.common.component import component


@component(image="cpu")
def preprocess_strain(
    strain: Input[Dataset],
    dataset: Output[Dataset],
    taper: float,
    band: str,
    low_hz: float,
    high_hz: float,
    psd_average: str,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
) -> None:
    """Whiten strain by the noise of the training rows, cut the band, and keep shared noise and waves together."""
    from pathlib import Path

    from components.preprocess.strain.preprocessing import Settings, preprocess

    preprocess(
        Path(strain.path),
        Path(dataset.path),
        Settings(
            taper=taper,
            band=band,
            low_hz=low_hz,
            high_hz=high_hz,
            psd_average=psd_average,
            validation_fraction=validation_fraction,
            test_fraction=test_fraction,
            seed=seed,
        ),
    )

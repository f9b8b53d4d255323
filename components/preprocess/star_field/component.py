"""Face of the preprocess stage for stars to Kubeflow."""

from kfp.dsl import Dataset, Input, Output

from components.common.component import component


@component(image="cpu")
def preprocess_star_field(
    stars: Input[Dataset],
    dataset: Output[Dataset],
    maximum_magnitude: float,
    maximum_ruwe: float,
    minimum_visibility_periods: int,
    maximum_parallax_error: float,
    maximum_pm_error: float,
    zero_point: str,
    intrinsic_pm: float,
    intrinsic_parallax: float,
    intrinsic_position: float,
    weight_pm: float,
    weight_parallax: float,
    weight_position: float,
) -> None:
    """Keep the well-measured stars of a region, correct their parallaxes and scale what clusters are found in."""
    from pathlib import Path

    from components.preprocess.star_field.preprocessing import Settings, preprocess

    preprocess(
        Path(stars.path),
        Path(dataset.path),
        Settings(
            maximum_magnitude=maximum_magnitude,
            maximum_ruwe=maximum_ruwe,
            minimum_visibility_periods=minimum_visibility_periods,
            maximum_parallax_error=maximum_parallax_error,
            maximum_pm_error=maximum_pm_error,
            zero_point=zero_point,
            intrinsic_pm=intrinsic_pm,
            intrinsic_parallax=intrinsic_parallax,
            intrinsic_position=intrinsic_position,
            weight_pm=weight_pm,
            weight_parallax=weight_parallax,
            weight_position=weight_position,
        ),
    )

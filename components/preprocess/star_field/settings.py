"""What the preprocess stage does to stars."""

from dataclasses import dataclass

from components.common.checks import require_one_of
from components.common.errors import ParameterError

ZERO_POINTS = ("correct", "none")


@dataclass(frozen=True)
class Settings:
    """Quality cuts, and what a distance between stars means.

    Attributes
    ----------
    maximum_magnitude : float
        Faintest G; 0 for no cut, as everywhere here.
    maximum_ruwe, minimum_visibility_periods : float, int
        Stars for which they are unknown pass.
    maximum_parallax_error, maximum_pm_error : float
        In mas and mas/yr. There is no cut by parallax over error, which would delete all that is distant.
    zero_point : {"correct", "none"}
        Whether the zero-point of the parallax is subtracted.
    intrinsic_pm, intrinsic_parallax, intrinsic_position : float
        How much members of one cluster differ, in mas/yr, mas and degrees: with the median error added in
        quadrature, the unit of length of each feature. Stars of a cluster that is as wide as this and measured as
        well as the median then scatter by about one in every feature.
    weight_pm, weight_parallax, weight_position : float
        Factors on features: a difference in a feature of weight 0.5 counts half. Weight 0 leaves a feature out.
    """

    maximum_magnitude: float = 18.0
    maximum_ruwe: float = 1.4
    minimum_visibility_periods: int = 10
    maximum_parallax_error: float = 0.0
    maximum_pm_error: float = 0.3
    zero_point: str = "correct"
    intrinsic_pm: float = 0.2
    intrinsic_parallax: float = 0.02
    intrinsic_position: float = 0.2
    weight_pm: float = 1.0
    weight_parallax: float = 1.0
    weight_position: float = 0.5

    def __post_init__(self) -> None:
        require_one_of(ZERO_POINTS, zero_point=self.zero_point)
        names = [name for name in self.__dataclass_fields__ if name != "zero_point"]
        if bad := [name for name in names if getattr(self, name) < 0]:
            raise ParameterError(f"{bad[0]} is negative.", "Give 0 or a positive number.")
        if not (self.weight_pm or self.weight_parallax or self.weight_position):
            raise ParameterError("All weights are 0.", "Leave at least one feature in.")
        if self.weight_position and not self.intrinsic_position:
            raise ParameterError(
                "intrinsic_position is 0, and positions have no errors worth adding.",
                "Give the size of a cluster in degrees, or weight_position=0.",
            )

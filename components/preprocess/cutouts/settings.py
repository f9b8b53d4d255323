"""What can be asked of the preprocess stage for pictures."""

from dataclasses import dataclass

from components.common.errors import ParameterError
from components.common.splits import Splitting

LIMITS = ("maximum_offset", "minimum_contrast")
"""Settings by which pictures are left out, in prediction as in training: stored with table and model."""


@dataclass(frozen=True)
class Settings(Splitting):
    """What the stage does to pictures.

    Attributes
    ----------
    size : int
        Pixels along each side; larger pictures are cut around their middle. 0 keeps what there is.
    maximum_offset : float
        Arcseconds from the middle to the top of what it shows, beyond which a picture is left out.
    minimum_contrast : float
        Height of the object in the middle above the border, in units of the noise of a picture smoothed to a
        star's width.
    validation_fraction, test_fraction : float
        Fractions of the fields (not of the pictures) in these splits.
    seed : int
        Seed of the split.
    """

    size: int = 0
    maximum_offset: float = 2.0
    minimum_contrast: float = 5.0
    validation_fraction: float = 0.1
    test_fraction: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ParameterError(f"size is {self.size}.", "Give a number of pixels, or 0 to keep what there is.")
        if not self.maximum_offset > 0:
            raise ParameterError(
                f"maximum_offset is {self.maximum_offset}.", "Give a positive angle in arcseconds."
            )

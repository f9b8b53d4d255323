"""Features: places, motions and parallaxes in units of what members of one cluster differ by."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.common.tables import Columns
from components.preprocess.star_field.settings import Settings

_OF_COLUMNS = {
    "feature_x": ("x_deg", "weight_position"),
    "feature_y": ("y_deg", "weight_position"),
    "feature_pm_x": ("pm_x", "weight_pm"),
    "feature_pm_y": ("pm_y", "weight_pm"),
    "feature_parallax": ("parallax_corrected", "weight_parallax"),
}


@dataclass(frozen=True)
class Scaling:
    """Scales and weights of features.

    Scaling by the standard deviation of the field, as is usual, would make the weight of a feature depend on how
    far apart field stars are in it, which has nothing to do with clusters: a region twice as wide would count
    places half. Here the units are a cluster's own.

    Attributes
    ----------
    scales : dict of str to float
        By feature, in the unit of its column.
    weights : dict of str to float
        By feature.
    """

    scales: dict[str, float]
    weights: dict[str, float]

    @classmethod
    def of(cls, settings: Settings, median_pm_error: float, median_parallax_error: float) -> "Scaling":
        """Find the scales for a field with these errors."""
        motion = float(np.hypot(settings.intrinsic_pm, median_pm_error))
        scales = {
            "x_deg": settings.intrinsic_position,
            "y_deg": settings.intrinsic_position,
            "pm_x": motion,
            "pm_y": motion,
            "parallax_corrected": float(np.hypot(settings.intrinsic_parallax, median_parallax_error)),
        }
        weights = {name: float(getattr(settings, weight)) for name, (_, weight) in _OF_COLUMNS.items()}
        weights = {name: weight for name, weight in weights.items() if weight > 0}
        return cls({name: scales[_OF_COLUMNS[name][0]] for name in weights}, weights)

    def apply(self, stars: Columns) -> dict[str, npt.NDArray[np.float32]]:
        """Return the features of stars."""
        return {
            name: (stars[_OF_COLUMNS[name][0]] * (weight / self.scales[name])).astype(np.float32)
            for name, weight in self.weights.items()
        }

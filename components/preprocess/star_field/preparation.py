"""Prepare stars in memory as a data set was prepared: for a new list of stars, or a control field."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.common.rejections import Rejections
from components.common.tables import Columns
from components.physics.celestial import tangent_axes, to_tangent_plane
from components.preprocess.star_field.parallaxes import ZeroPoint
from components.preprocess.star_field.quality import QualityCuts
from components.preprocess.star_field.scaling import Scaling
from components.preprocess.star_field.settings import Settings


def prepare(
    stars: Columns, stored: Mapping[str, Any], rejections: Rejections, release: str = ""
) -> tuple[Columns, npt.NDArray[np.float32]]:
    """Cut, correct and scale stars.

    Parameters
    ----------
    stars : dict of str to ndarray
        Columns as an ingest of stars writes them.
    stored : mapping
        Settings of the prepared table: `settings`, `scales`, `weights`, `region`, `release`.
    rejections : Rejections
        Takes the stars that do not pass the cuts.
    release : str
        Of these stars, where it is another than the table's.

    Returns
    -------
    dict of str to ndarray
        The stars that pass, with `parallax_corrected` and places and motions on the tangent plane.
    ndarray of float32, shape (n, k)
        Their features.

    Raises
    ------
    InputError
        When the stored settings are not those of a star field.
    """
    try:
        settings = Settings(**stored["settings"])
        scaling = Scaling(dict(stored["scales"]), dict(stored["weights"]))
        centre = float(stored["region"]["ra"]), float(stored["region"]["dec"])
    except (KeyError, TypeError) as error:
        raise InputError(
            f"The settings {dict(stored)} are not those of a prepared star field: {error}.",
            "Give what preprocess of star-clusters wrote.",
        ) from error
    keep = QualityCuts(settings).keep(stars, rejections)
    kept = {name: values[keep] for name, values in stars.items()}
    offset = 0.0 if settings.zero_point == "none" else ZeroPoint(release or str(stored["release"])).of(kept)
    x, y = to_tangent_plane(kept["ra"], kept["dec"], *centre)
    east, north = tangent_axes(kept["ra"], kept["dec"])
    motion = kept["pmra"][:, None] * east + kept["pmdec"][:, None] * north
    axes = tangent_axes(*centre)
    kept |= {"x_deg": x, "y_deg": y, "parallax_corrected": kept["parallax"] - offset}
    kept |= {name: motion @ axis for name, axis in zip(("pm_x", "pm_y"), axes, strict=True)}
    features = list(scaling.apply(kept).values())
    return kept, np.column_stack(features).astype(np.float32)

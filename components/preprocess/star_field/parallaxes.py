"""The zero-point of parallaxes, with what is assumed where something is missing."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from components.common.tables import Columns
from components.physics.gaia_astrometry import (
    DR2_ZERO_POINT_MAS,
    FIVE_PARAMETERS,
    SIX_PARAMETERS,
    effective_wavenumber,
    parallax_zero_point,
)

COLUMNS = (
    "phot_g_mean_mag",
    "bp_rp",
    "nu_eff_used_in_astrometry",
    "pseudocolour",
    "astrometric_params_solved",
    "ecl_lat",
)
_TYPICAL_MAS = -0.03


@dataclass
class ZeroPoint:
    """Find zero-points batch by batch, and count how they were found.

    Attributes
    ----------
    release : {"dr2", "dr3"}
        DR2's zero-point is one number; DR3's depends on magnitude, colour and place.
    counts : dict of str to int
        Stars by the way their zero-point was found.
    """

    release: str
    counts: dict[str, int] = field(default_factory=dict)

    def of(self, stars: Columns) -> npt.NDArray[np.float64]:
        """Return zero-points in mas, to be subtracted; finite for all stars."""
        if self.release == "dr2":
            self._count("DR2: one value for all", len(stars["parallax"]))
            return np.full(len(stars["parallax"]), DR2_ZERO_POINT_MAS)
        wavenumber, solved, guessed = _wavenumbers(stars)
        values = parallax_zero_point(
            stars["phot_g_mean_mag"].astype(np.float64),
            wavenumber,
            stars["pseudocolour"].astype(np.float64),
            stars["ecl_lat"].astype(np.float64),
            solved,
        )
        outside = ~np.isfinite(values)
        self._count("by magnitude, wavenumber and place", int((~outside & ~guessed).sum()))
        self._count("wavenumber taken from the colour", int((~outside & guessed).sum()))
        self._count("outside the range of the fit, or without a colour: -0.03 mas", int(outside.sum()))
        return np.where(outside, _TYPICAL_MAS, values)

    def _count(self, way: str, stars: int) -> None:
        if stars:
            self.counts[way] = self.counts.get(way, 0) + stars


def _wavenumbers(
    stars: Columns,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int16], npt.NDArray[np.bool_]]:
    """Wavenumber and kind of solution; where a file lacks them, the colour and a solution of 5 parameters."""
    wavenumber = stars["nu_eff_used_in_astrometry"].astype(np.float64)
    solved = stars["astrometric_params_solved"]
    six = (solved == SIX_PARAMETERS) & np.isfinite(stars["pseudocolour"])
    guessed = ~six & ~np.isfinite(wavenumber)
    wavenumber = np.where(guessed, effective_wavenumber(stars["bp_rp"]), wavenumber)
    return wavenumber, np.where(six, SIX_PARAMETERS, FIVE_PARAMETERS).astype(np.int16), guessed

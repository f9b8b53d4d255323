"""How well Gaia DR3 measures: formal errors by magnitude, zero-point of the parallax, and what is wrong with some.

Formal errors of astrometry follow the performance pages of DR3, as PyGaia has them. Those of photometry are read
at whole magnitudes off the curves that DPAC fitted (Carrasco et al., GAIA-C5-TN-UB-JMC-031, to the data of Riello
et al. 2021, A&A 649, A3); between them they are right to 5 % in BP and RP, and to a third in G. The correction of
the parallax is that of Lindegren et al. 2021 (A&A 649, A4), by its authors' package.
"""

from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

PMRA_PER_PARALLAX, PMDEC_PER_PARALLAX = 1.03, 0.89
"""Error of a proper motion [mas/yr] over that of the parallax [mas]."""
FIVE_PARAMETERS, SIX_PARAMETERS, TWO_PARAMETERS = 31, 95, 3
"""Values of astrometric_params_solved: with the colour known, with it fitted, and no parallax at all."""
DR2_ZERO_POINT_MAS = -0.029
"""Mean offset of DR2's parallaxes (Lindegren et al. 2018, A&A 616, A2)."""

_ROWS_AT_ONCE = 1 << 18

_MAGNITUDES = np.arange(8, 22)
_MILLIMAG = {
    "g": (0.279, 0.217, 0.242, 0.230, 0.230, 0.251, 0.255, 0.363, 0.581, 0.976, 1.68, 3.12, 5.98, 12.5),
    "bp": (0.846, 0.626, 0.606, 0.666, 0.868, 0.881, 1.11, 1.79, 3.27, 6.43, 13.4, 29.6, 62.8, 133.0),
    "rp": (0.456, 0.390, 0.369, 0.475, 0.514, 0.728, 1.18, 2.20, 4.45, 9.83, 20.9, 44.7, 102.0, 160.0),
}
"""Medians at 200 observations in G and 20 in BP and RP, which is about what most stars have."""


def parallax_error(magnitude_g: npt.ArrayLike) -> FloatArray:
    """Median formal error of a parallax in DR3, in mas, for G above 3."""
    magnitude = np.asarray(magnitude_g, dtype=np.float64)
    z = np.maximum(10 ** (0.4 * (13 - 15)), 10 ** (0.4 * (magnitude - 15)))
    return np.asarray(np.sqrt(40 + 800 * z + 30 * z**2) / 1000)


def proper_motion_errors(magnitude_g: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Median formal errors of pmra and pmdec in DR3, in mas/yr."""
    error = parallax_error(magnitude_g)
    return PMRA_PER_PARALLAX * error, PMDEC_PER_PARALLAX * error


def photometric_error(band: str, magnitude: npt.ArrayLike) -> FloatArray:
    """Median error of a magnitude in DR3, in mag; beyond 21 that at 21.

    Parameters
    ----------
    band : {"g", "bp", "rp"}
        Of the magnitude.
    magnitude : array_like
        In that very band: a red star is far fainter, and worse, in BP than in G.
    """
    logarithm = np.interp(np.asarray(magnitude, dtype=np.float64), _MAGNITUDES, np.log(_MILLIMAG[band]))
    return np.asarray(np.exp(logarithm) / 1000)


def effective_wavenumber(bp_rp: npt.ArrayLike) -> FloatArray:
    """Effective wavenumber in 1/micron of a colour (Lindegren et al. 2021, A&A 649, A2, equation 3)."""
    return np.asarray(1.76 - 1.61 / np.pi * np.arctan(0.531 * np.asarray(bp_rp, dtype=np.float64)))


def parallax_zero_point(
    magnitude_g: FloatArray,
    wavenumber: FloatArray,
    pseudocolour: FloatArray,
    ecliptic_latitude_deg: FloatArray,
    params_solved: npt.NDArray[np.integer],
) -> FloatArray:
    """Zero-point of DR3 parallaxes in mas, to be subtracted.

    Parameters
    ----------
    magnitude_g, wavenumber, pseudocolour, ecliptic_latitude_deg, params_solved : ndarray, shape (stars,)
        As in gaia_source. Of wavenumber and pseudocolour each star needs the one of its kind of solution.

    Returns
    -------
    ndarray, shape (stars,)
        NaN outside the range of the fit (G 6 to 21, wavenumber 1.1 to 1.9, pseudocolour 1.24 to 1.72) and where
        something needed is missing.
    """
    result = np.full(len(magnitude_g), np.nan)
    usable = np.isin(params_solved, (FIVE_PARAMETERS, SIX_PARAMETERS)) & np.isfinite(magnitude_g)
    with_colour = np.where(params_solved == FIVE_PARAMETERS, wavenumber, pseudocolour)
    rows = np.flatnonzero(usable & np.isfinite(with_colour) & np.isfinite(ecliptic_latitude_deg))
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        part = rows[start : start + _ROWS_AT_ONCE]
        columns = (magnitude_g, wavenumber, pseudocolour, ecliptic_latitude_deg, params_solved)
        result[part] = _package().get_zpt(*(c[part].astype(np.float64) for c in columns), _warnings=False)
    return result


@cache
def _package() -> Any:
    package = import_module("zero_point.zpt")
    package.load_tables()
    return package

"""How well Gaia DR3 measures: formal errors by magnitude, zero-point of the parallax, and what is wrong with some.

Formal errors follow the performance pages of DR3, as PyGaia has them; the correction of the parallax is that of
Lindegren et al. 2021 (A&A 649, A4), by its authors' package.
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


def parallax_error(magnitude_g: npt.ArrayLike) -> FloatArray:
    """Median formal error of a parallax in DR3, in mas, for G above 3."""
    magnitude = np.asarray(magnitude_g, dtype=np.float64)
    z = np.maximum(10 ** (0.4 * (13 - 15)), 10 ** (0.4 * (magnitude - 15)))
    return np.asarray(np.sqrt(40 + 800 * z + 30 * z**2) / 1000)


def proper_motion_errors(magnitude_g: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Median formal errors of pmra and pmdec in DR3, in mas/yr."""
    error = parallax_error(magnitude_g)
    return PMRA_PER_PARALLAX * error, PMDEC_PER_PARALLAX * error


def photometric_errors(magnitude_g: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Rough median errors of G and of BP or RP, in mag: 0.03 in BP at G = 18, growing as the sky takes over.

    Beside 900 stars of DR3, BP is right to a quarter from G = 16 to 19 and twice too large at 20; RP, and G beyond
    18, are about twice too large.
    """
    magnitude = np.asarray(magnitude_g, dtype=np.float64)
    broad = 0.0003 * np.sqrt(1 + 10 ** (0.8 * (magnitude - 15.5)))
    narrow = np.sqrt(0.003**2 + (0.03 * 10 ** (0.4 * (magnitude - 18) * 1.25)) ** 2)
    return np.asarray(broad), np.asarray(narrow)


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

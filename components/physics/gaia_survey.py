"""What Gaia DR3 would publish about stars: noise, its correlations, bad solutions, nulls, derived parameters."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.physics.celestial import GAIA_SHIFT, ecliptic_latitude, healpix_pixels, icrs_to_galactic
from components.physics.gaia_astrometry import (
    FIVE_PARAMETERS,
    SIX_PARAMETERS,
    TWO_PARAMETERS,
    effective_wavenumber,
    parallax_error,
    parallax_zero_point,
    photometric_error,
    proper_motion_errors,
)
from components.physics.spectral_types import FAINTEST_G, spectral_letters

FloatArray = npt.NDArray[np.float64]
Observed = dict[str, npt.NDArray[np.generic]]

_SUSPECT_SHARE = 0.08
_CORRELATION_SPREAD = 0.15


@dataclass(frozen=True)
class TrueStars:
    """Stars as they are; arrays of shape (stars,).

    Attributes
    ----------
    ra, dec : ndarray
        In degrees.
    distance_kpc, pmra, pmdec : ndarray
        In kpc and mas/yr.
    magnitude_g, colour : ndarray
        Apparent, with dust.
    temperature, gravity, metallicity : ndarray
        In K, log g, [M/H].
    crowding : ndarray
        Factor by which real errors exceed the formal ones: 1 in the field, 1.1 to 1.2 in dense cores.
    """

    ra: FloatArray
    dec: FloatArray
    distance_kpc: FloatArray
    pmra: FloatArray
    pmdec: FloatArray
    magnitude_g: FloatArray
    colour: FloatArray
    temperature: FloatArray
    gravity: FloatArray
    metallicity: FloatArray
    crowding: FloatArray


def observe(stars: TrueStars, first_number: int, rng: np.random.Generator) -> Observed:
    """Measure stars.

    Parameters
    ----------
    stars : TrueStars
        What there is.
    first_number : int
        Of the running numbers in the lower bits of source_id, which make it unique.
    rng : Generator
        Source of all noise.

    Returns
    -------
    dict of str to ndarray
        Columns named as in gaia_source and astrophysical_parameters, NaN (or "") where DR3 would have null.
    """
    number = len(stars.ra)
    # G lies between BP and RP: 0.4 of the colour below BP, in the middle of what real stars show.
    true = {"g": stars.magnitude_g, "bp": stars.magnitude_g + 0.4 * stars.colour}
    true["rp"] = true["bp"] - stars.colour
    error = {band: photometric_error(band, values) for band, values in true.items()}
    magnitude, blue, red = (true[band] + error[band] * rng.normal(size=number) for band in true)
    no_colour = rng.random(number) < 0.004 + 0.02 * (magnitude > 20)
    blue, red = (np.where(no_colour, np.nan, m) for m in (blue, red))
    solution = _solutions(magnitude, no_colour, rng)
    columns = {
        **_place(stars, first_number),
        **_astrometry(stars, magnitude, solution, rng),
        "phot_g_mean_mag": magnitude,
        "phot_bp_mean_mag": blue,
        "phot_rp_mean_mag": red,
        "bp_rp": blue - red,
        "phot_bp_rp_excess_factor": 1.16
        + 0.03 * (blue - red)
        + np.hypot(error["bp"], error["rp"]) * np.abs(rng.normal(size=number)),
        **_parameters(stars, magnitude, rng),
    }
    return {name: np.asarray(values) for name, values in columns.items()}


def _place(stars: TrueStars, first_number: int) -> Observed:
    longitude, latitude = icrs_to_galactic(stars.ra, stars.dec)
    running = first_number + np.arange(len(stars.ra))
    identifiers = (healpix_pixels(stars.ra, stars.dec) << GAIA_SHIFT) + running
    return {
        "source_id": identifiers,
        "ra": stars.ra,
        "dec": stars.dec,
        "l": longitude,
        "b": latitude,
        "ecl_lat": ecliptic_latitude(stars.ra, stars.dec),
    }


def _solutions(
    magnitude: FloatArray, no_colour: npt.NDArray[np.bool_], rng: np.random.Generator
) -> npt.NDArray[np.int16]:
    """Kind of the astrometric solution: without a parallax for some faint stars, without a colour for others."""
    share = rng.random(len(magnitude))
    none = 0.002 + 0.25 / (1 + np.exp(-(magnitude - 20.6) / 0.25))
    six = 0.02 + 0.45 / (1 + np.exp(-(magnitude - 20.0) / 0.5))
    kinds = np.where(no_colour | (share < none + six), SIX_PARAMETERS, FIVE_PARAMETERS)
    return np.where(share < none, TWO_PARAMETERS, kinds).astype(np.int16)


def _astrometry(
    stars: TrueStars, magnitude: FloatArray, solution: npt.NDArray[np.int16], rng: np.random.Generator
) -> Observed:
    number = len(stars.ra)
    six = solution == SIX_PARAMETERS
    scatter = np.exp(rng.normal(0, 0.12, number)) * np.where(six, 1.25, 1.0)
    wavenumber = effective_wavenumber(stars.colour)
    pseudocolour = wavenumber + 0.03 * rng.normal(size=number)
    wavenumber = np.where(solution == FIVE_PARAMETERS, wavenumber, np.nan)
    pseudocolour = np.where(six, pseudocolour, np.nan)
    latitude = ecliptic_latitude(stars.ra, stars.dec)
    zero_point = parallax_zero_point(magnitude, wavenumber, pseudocolour, latitude, solution)
    formal = np.stack([parallax_error(magnitude), *proper_motion_errors(magnitude)], axis=1) * scatter[:, None]
    ruwe, excess = _ruwe(number, rng)
    correlations = np.clip(rng.normal(0, _CORRELATION_SPREAD, (number, 3)), -0.5, 0.5)
    noise = _correlated(correlations, rng) * formal * (stars.crowding * excess)[:, None]
    true = np.stack([1 / stars.distance_kpc + np.nan_to_num(zero_point), stars.pmra, stars.pmdec], axis=1)
    measured = true + noise
    missing = solution == TWO_PARAMETERS
    values = {
        "parallax": measured[:, 0],
        "parallax_error": formal[:, 0],
        "pmra": measured[:, 1],
        "pmra_error": formal[:, 1],
        "pmdec": measured[:, 2],
        "pmdec_error": formal[:, 2],
        "parallax_pmra_corr": correlations[:, 0],
        "parallax_pmdec_corr": correlations[:, 1],
        "pmra_pmdec_corr": correlations[:, 2],
        "ruwe": ruwe,
    }
    visits = np.maximum(rng.poisson(18, number) - 2 * (magnitude > 20), 5).astype(np.int32)
    return {
        **{name: np.where(missing, np.nan, column) for name, column in values.items()},
        "nu_eff_used_in_astrometry": wavenumber,
        "pseudocolour": pseudocolour,
        "astrometric_params_solved": solution,
        "visibility_periods_used": visits,
    }


def _ruwe(number: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """RUWE, near 1 with a lognormal tail, and the factor by which the errors of the tail are too small."""
    good = 1.02 + 0.05 * rng.normal(size=number)
    tail = np.exp(np.abs(rng.normal(0, 0.7, number)))
    suspect = rng.random(number) < _SUSPECT_SHARE
    return np.where(suspect, good * tail, good), np.where(suspect, tail, 1.0)


def _correlated(correlations: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draw unit noise of three quantities with correlations (01, 02, 12), shape (stars, 3)."""
    first, second, third = rng.normal(size=(3, len(correlations)))
    c01, c02, c12 = correlations.T
    s1 = np.sqrt(1 - c01**2)
    a = (c12 - c01 * c02) / s1
    s2 = np.sqrt(np.maximum(1 - c02**2 - a**2, 1e-6))
    return np.stack([first, c01 * first + s1 * second, c02 * first + a * second + s2 * third], axis=1)


def _parameters(stars: TrueStars, magnitude: FloatArray, rng: np.random.Generator) -> Observed:
    """Temperature and the like of GSP-Phot to G = 19, spectral letter of ESP-HS to 17.65; some are missing."""
    number = len(stars.ra)
    known = (magnitude < 19) & (rng.random(number) < 0.85)
    temperature = np.where(known, stars.temperature * np.exp(rng.normal(0, 0.03, number)), np.nan)
    typed = (magnitude < FAINTEST_G) & (rng.random(number) < 0.95)
    seen = np.where(typed, stars.temperature * np.exp(rng.normal(0, 0.03, number)), np.nan)
    return {
        "spectraltype_esphs": spectral_letters(seen),
        "teff_gspphot": temperature,
        "logg_gspphot": np.where(known, stars.gravity + rng.normal(0, 0.2, number), np.nan),
        "mh_gspphot": np.where(known, stars.metallicity + rng.normal(0, 0.3, number), np.nan),
    }

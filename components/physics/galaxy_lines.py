"""How one galaxy differs from the mixture of templates that has its colours.

Emission lines scatter about their average, the more so the ratios that tell what excites the gas; absorption lines
and the 4000 angstrom break are deeper or shallower; and the continuum has a texture of its own.
"""

import numpy as np
import numpy.typing as npt

from components.physics.galaxy_templates import LINE_WAVELENGTHS_ANGSTROM
from components.physics.quasar_lines import Components

FloatArray = npt.NDArray[np.float64]

_LINE_SCATTER_DEX = 0.3
_OWN_SCATTER_DEX = 0.08
_EXCITATION_DEX = 0.35

# wavelength [angstrom], how much log10 of the line's strength grows with excitation
_EXCITATION = {3869.9: 1.0, 4960.3: 1.0, 5008.2: 1.0, 6549.9: -0.5, 6585.3: -0.5, 6718.3: -0.2, 6732.7: -0.2}
_ABOUT_LINES = np.array([_EXCITATION.get(float(line), 0.0) for line in LINE_WAVELENGTHS_ANGSTROM])
_NUCLEUS_SHARE = 0.1
_NUCLEUS_BOOST_DEX = 0.4
_NUCLEUS_LINES = np.isin(LINE_WAVELENGTHS_ANGSTROM, [3869.9, 4960.3, 5008.2, 6302.0, 6549.9, 6585.3])

# wavelength [angstrom], width [angstrom], standard deviation of the depth: Ca II K and H, G band, Mg b, Na D, and
# H delta and H beta, which tell the age of young stars
_ABSORPTION = np.array(
    [
        (3934.8, 8.0, 0.06),
        (3969.6, 8.0, 0.06),
        (4102.9, 8.0, 0.04),
        (4305.6, 12.0, 0.03),
        (4862.7, 8.0, 0.03),
        (5176.6, 14.0, 0.03),
        (5895.6, 5.0, 0.05),
    ]
)
_MAGNESIUM_WITH_DISPERSION = 0.02
"""Mg b deepens with velocity dispersion (Bender, Burstein & Faber 1993, ApJ 411, 153), here per 60 km/s."""

_BREAK_ANGSTROM, _BREAK_WIDTH_ANGSTROM, _BREAK_DEPTH = 3850.0, 60.0, 0.06
_RIPPLES, _RIPPLE_HEIGHT = 24, 0.015


def draw_line_flux(typical: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draw the fluxes of emission lines about their average, in its shape (galaxies, lines).

    All lines of a galaxy share a scatter of 0.3 dex, [O III] and [N II] follow the excitation in opposite senses
    as along the sequence of star-forming galaxies, and an active nucleus in one of ten strengthens both (Baldwin,
    Phillips & Terlevich 1981, PASP 93, 5).
    """
    galaxies = len(typical)
    dex = _LINE_SCATTER_DEX * rng.standard_normal((galaxies, 1))
    dex = dex + _OWN_SCATTER_DEX * rng.standard_normal(typical.shape)
    dex += _EXCITATION_DEX * rng.standard_normal((galaxies, 1)) * _ABOUT_LINES
    dex += _NUCLEUS_BOOST_DEX * (rng.random((galaxies, 1)) < _NUCLEUS_SHARE) * _NUCLEUS_LINES
    return np.asarray(typical * 10**dex)


def draw_absorption(dispersion_km_s: FloatArray, rng: np.random.Generator) -> Components:
    """Draw how much deeper absorption lines are than the templates', relative to the light there."""
    wavelength, width, scatter = _ABSORPTION.T
    depth = scatter * rng.standard_normal((len(dispersion_km_s), len(_ABSORPTION)))
    magnesium = _MAGNESIUM_WITH_DISPERSION * (dispersion_km_s - 150.0) / 60.0
    depth += np.where(wavelength == 5176.6, magnesium[:, None], 0.0)
    return _gaussians(wavelength, width, depth)


def draw_texture(galaxies: int, rng: np.random.Generator) -> Components:
    """Draw departures of the continuum: of the flux below the 4000 angstrom break, and ripples everywhere."""
    break_depth = _BREAK_DEPTH * rng.standard_normal((galaxies, 1))
    centre = np.exp(rng.uniform(np.log(2500.0), np.log(10000.0), (galaxies, _RIPPLES)))
    width = centre * np.exp(rng.uniform(np.log(0.005), np.log(0.03), (galaxies, _RIPPLES)))
    ripples = _gaussians(centre, width, _RIPPLE_HEIGHT * rng.standard_normal((galaxies, _RIPPLES)))
    at, sigma = np.array([_BREAK_ANGSTROM]), np.array([_BREAK_WIDTH_ANGSTROM])
    return _gaussians(at, sigma, break_depth).join(ripples)


def _gaussians(wavelength: FloatArray, width: FloatArray, depth: FloatArray) -> Components:
    centre = np.broadcast_to(np.log(wavelength), depth.shape)
    return Components(centre, np.broadcast_to(width / wavelength, depth.shape), depth)

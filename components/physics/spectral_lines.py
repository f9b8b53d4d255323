"""Lines of the optical and ultraviolet spectra of quasars and galaxies.

Vacuum wavelengths of the transitions, means of multiplets, as in the line list of Vanden Berk et al. 2001 (AJ 122,
549, tables 2 and 4). "Si IV" is its blend with O IV], where it peaks in their composite.
"""

from typing import NamedTuple


class Line(NamedTuple):
    """A spectral line.

    Attributes
    ----------
    name : str
        Usual name; brackets mark forbidden and semi-forbidden transitions.
    wavelength_angstrom : float
        Rest-frame vacuum wavelength.
    """

    name: str
    wavelength_angstrom: float


LYMAN_LIMIT_ANGSTROM = 911.75
LYMAN_ALPHA_ANGSTROM = 1215.67
LYMAN_BETA_ANGSTROM = 1025.72

EMISSION_LINES = (
    Line("Ly\N{GREEK SMALL LETTER BETA}/O VI", 1033.8),
    Line("Ly\N{GREEK SMALL LETTER ALPHA}", LYMAN_ALPHA_ANGSTROM),
    Line("Si IV", 1398.3),
    Line("C IV", 1549.1),
    Line("C III]", 1908.7),
    Line("Mg II", 2799.1),
    Line("[O II]", 3728.5),
    Line("H\N{GREEK SMALL LETTER BETA}", 4862.7),
    Line("[O III]", 5008.2),
    Line("H\N{GREEK SMALL LETTER ALPHA}", 6564.6),
)
"""The strong lines by which a redshift is recognised, and mistaken: what diagrams mark."""

ABSORPTION_LINES = (
    Line("Ca II K", 3934.8),
    Line("Ca II H", 3969.6),
    Line("G band", 4305.6),
    Line("Mg b", 5176.6),
    Line("Na D", 5895.6),
)
"""Absorption lines of an old stellar population."""

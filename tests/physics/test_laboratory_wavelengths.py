"""Lines lie where the laboratory has them, in vacuum: a wavelength in air would shift them by 80 km/s."""

import numpy as np
import pytest

from components.physics.galaxy_templates import LINE_WAVELENGTHS_ANGSTROM
from components.physics.spectral_lines import ABSORPTION_LINES, EMISSION_LINES, LYMAN_ALPHA_ANGSTROM

# Wavelengths in air of the atomic spectra database of NIST, angstrom; multiplets that spectra do not resolve are
# given by their first and last member.
AIR = {
    "[O II]": (3726.03, 3728.82), "[Ne III]": (3868.76,), "H delta": (4101.73,), "H gamma": (4340.46,),
    "H beta": (4861.33,), "[O III] 4960": (4958.91,), "[O III]": (5006.84,), "He I": (5875.62,),
    "[O I]": (6300.30,), "[N II] 6550": (6548.05,), "H alpha": (6562.80,), "[N II]": (6583.45,),
    "[S II] 6718": (6716.44,), "[S II] 6733": (6730.82,), "[Ar III]": (7135.79,), "[S III] 9071": (9068.6,),
    "[S III] 9533": (9530.6,),
}  # fmt: skip
ABSORPTION_AIR = {"Ca II K": (3933.66,), "Ca II H": (3968.47,), "Na D": (5889.95, 5895.92)}
ULTRAVIOLET = {"C IV": (1548.19, 1550.77), "C III]": (1908.73,), "Mg II": (2796.35, 2803.53)}
ROUNDED = 0.06


def to_vacuum(air: float) -> float:
    """Morton 2000 (ApJS 130, 403), whose wave number may be that in air without harm."""
    square = (1e4 / air) ** 2
    return air * (1 + 8.34254e-5 + 2.406147e-2 / (130 - square) + 1.5998e-4 / (38.9 - square))


def _is_within(wavelength: float, members: tuple[float, ...]) -> bool:
    return members[0] - ROUNDED <= wavelength <= members[-1] + ROUNDED


def test_the_conversion_to_vacuum_is_that_of_a_line_that_is_known_in_both() -> None:
    assert to_vacuum(5006.843) == pytest.approx(5008.239, abs=0.003)


def test_every_line_that_galaxies_are_given_lies_at_its_vacuum_wavelength() -> None:
    laboratory = [tuple(to_vacuum(air) for air in members) for members in AIR.values()]
    for wavelength in LINE_WAVELENGTHS_ANGSTROM:
        assert any(_is_within(wavelength, members) for members in laboratory), wavelength
    assert len(LINE_WAVELENGTHS_ANGSTROM) == len(AIR)


def test_lines_that_diagrams_mark_lie_at_their_vacuum_wavelengths() -> None:
    named = {line.name: line.wavelength_angstrom for line in (*EMISSION_LINES, *ABSORPTION_LINES)}
    for name, members in ULTRAVIOLET.items():
        assert _is_within(named[name], members), name
    for name, members in (ABSORPTION_AIR | {"[O II]": AIR["[O II]"], "[O III]": AIR["[O III]"]}).items():
        assert _is_within(named[name], tuple(to_vacuum(air) for air in members)), name
    hydrogen = sorted(value for name, value in named.items() if name.startswith("H"))
    assert hydrogen == pytest.approx([to_vacuum(AIR["H beta"][0]), to_vacuum(AIR["H alpha"][0])], abs=ROUNDED)


def test_hydrogen_follows_rydbergs_formula() -> None:
    # 1 / (1 - 1 / 4) of the limit is Ly alpha, whose fine structure lies within a hundredth of an angstrom
    limit = 911.7634
    assert np.abs(LYMAN_ALPHA_ANGSTROM - limit * 4 / 3) < 0.02

"""Stars of clusters: masses, light, places and motions have the distributions they claim."""

import numpy as np
import pytest

from components.physics.spectral_types import LETTERS, spectral_letters
from components.physics.star_populations import (
    KM_S_PER_MAS_YR_KPC,
    Cluster,
    distance_modulus,
    kroupa_masses,
    place_members,
    plummer_positions,
    shine,
)
from components.physics.star_sequences import StarSequence, globular_sequence, open_sequence, turnoff_mass

SEQUENCES = {
    "globular": globular_sequence(),
    **{f"{age} Gyr": open_sequence(turnoff_mass(age)) for age in (0.1, 0.5, 1.5, 5, 12)},
}


def test_masses_follow_kroupa() -> None:
    masses = kroupa_masses(400_000, np.random.default_rng(0))
    assert masses.min() >= 0.1
    assert masses.max() <= 8
    for low, high, slope in ((0.12, 0.45, 1.3), (0.6, 3.0, 2.3)):
        some = np.log(masses[(masses > low) & (masses < high)])
        middle = (np.log(low) + np.log(high)) / 2
        # Of a power law the counts on both sides of the middle in log m tell the slope.
        ratio = np.sum(some < middle) / np.sum(some > middle)
        assert np.log(ratio) / (middle - np.log(low)) == pytest.approx(slope - 1, abs=0.03)
    below, above = (np.sum((masses > a) & (masses < b)) for a, b in ((0.49, 0.50), (0.50, 0.51)))
    assert below / above == pytest.approx(1.03, abs=0.1), "the density is continuous at the break"
    assert kroupa_masses(1000, np.random.default_rng(0), 0.7).min() >= 0.7


@pytest.mark.parametrize("sequence", SEQUENCES.values(), ids=SEQUENCES)
def test_sequences_are_in_order(sequence: StarSequence) -> None:
    assert (np.diff(sequence.masses) > 0).all()
    dwarfs = sequence.masses <= sequence.turnoff_mass
    magnitude, colour, temperature, _ = sequence.values[dwarfs].T
    assert (np.diff(magnitude) < 0).all(), "heavier dwarfs are brighter"
    assert (np.diff(colour)[:-1] < 0).all(), "and bluer, but for the turn-off itself"
    assert (np.diff(temperature)[:-1] > 0).all()
    assert sequence.turnoff == (pytest.approx(magnitude[-1]), pytest.approx(colour[-1]))
    assert np.isinf(sequence.at(np.array([sequence.masses[-1] + 0.01]))[0]), "remnants are dark"
    giants = sequence.values[~dwarfs]
    assert giants[:, 1].max() > 1.1
    assert giants[:, 0].min() < 0.5


def test_younger_populations_turn_off_brighter_and_bluer() -> None:
    turnoffs = [SEQUENCES[f"{age} Gyr"].turnoff for age in (0.1, 0.5, 1.5, 5, 12)]
    assert turnoffs == sorted(turnoffs)
    assert [colour for _, colour in turnoffs] == sorted(colour for _, colour in turnoffs)


def test_pairs_are_brighter_by_at_most_a_factor_of_two() -> None:
    sequence, masses = SEQUENCES["1.5 Gyr"], np.linspace(0.3, 1.5, 20_000)
    single = sequence.at(masses)[0]
    light = shine(masses, sequence, 0.3, np.random.default_rng(1))
    gain = single - light.magnitude
    assert light.is_pair.mean() == pytest.approx(0.3, abs=0.02)
    assert (gain[~light.is_pair] == 0).all()
    assert gain[light.is_pair].min() >= 0
    assert 0.7 < gain.max() <= 2.5 * np.log10(2) + 1e-9
    assert (light.colour[light.is_pair] >= sequence.at(masses)[1][light.is_pair] - 1e-9).all(), "and redder"


def test_half_of_a_plummer_sphere_is_seen_within_its_radius() -> None:
    places = plummer_positions(200_000, np.random.default_rng(2))
    seen = np.hypot(places[:, 0], places[:, 1])
    # Projected: N(<R) = R^2 / (R^2 + 1), but for the 2 % of stars beyond 8 radii, which are cut off.
    for radius in (0.5, 1.0, 2.0):
        assert np.mean(seen < radius) == pytest.approx(radius**2 / (radius**2 + 1), abs=0.022)
    assert np.linalg.norm(places, axis=1).max() <= 8 + 1e-9


@pytest.mark.parametrize(("ra", "dec"), [(0.0, 0.0), (110.0, -25.0), (40.0, 89.99)])
def test_members_move_with_their_cluster(ra: float, dec: float) -> None:
    cluster = Cluster("c", ra, dec, 2.0, 3.0, -5.0, 0.05, 1.0, SEQUENCES["globular"], 0.0)
    *_, distance, pmra, pmdec = place_members(cluster, 20_000, np.random.default_rng(3))
    if dec < 89:  # at the pole east and north of each star are other directions
        sigma = 1 / (KM_S_PER_MAS_YR_KPC * 2.0)
        assert (np.mean(pmra), np.mean(pmdec)) == (pytest.approx(3.0, abs=0.01), pytest.approx(-5.0, abs=0.01))
        assert (np.std(pmra), np.std(pmdec)) == (pytest.approx(sigma, rel=0.03), pytest.approx(sigma, rel=0.03))
    assert np.median(np.hypot(pmra, pmdec)) == pytest.approx(np.hypot(3, 5), abs=0.05)
    assert np.median(distance) == pytest.approx(2.0, rel=1e-3)


def test_a_wide_cluster_converges() -> None:
    """Seen apart from its centre, a cluster that recedes or moves sideways shows other proper motions."""
    cluster = Cluster("near", 50.0, 20.0, 0.05, 100.0, 0.0, 3.0, 0.0, SEQUENCES["0.5 Gyr"], 0.0)
    ra, *_, pmra, _ = place_members(cluster, 4000, np.random.default_rng(4))
    x = (ra - 50.0) * np.cos(np.radians(20))
    near = np.abs(x) < 5
    assert np.std(pmra[near]) > 1


def test_distance_modulus() -> None:
    np.testing.assert_allclose(distance_modulus([0.01, 1.0, 10.0]), [0, 10, 15], atol=1e-12)


def test_letters_run_from_hot_to_cool() -> None:
    temperatures = [35000, 20000, 9000, 6500, 5700, 4500, 3000, np.nan]
    assert spectral_letters(temperatures).tolist() == [*LETTERS, ""]

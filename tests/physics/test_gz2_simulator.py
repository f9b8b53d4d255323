"""The simulated galaxies and volunteers: what is computed about them exactly, against what is drawn."""

from itertools import product

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multinomial, norm

from components.physics.galaxy_distances import (
    comoving_mpc,
    distance_modulus,
    kpc_per_arcsec,
    redshift_of_comoving,
)
from components.physics.galaxy_population import (
    FAINTEST_R,
    NODES,
    PSF_ARCSEC,
    VARIABLES,
    blurred_axis_ratio,
    draw,
    node_probabilities,
    nodes,
)
from components.physics.gz2_classes import TRUNKS, parse
from components.physics.gz2_tasks import TASKS, VOTE_COLUMNS
from components.physics.gz2_volunteers import OUTCOMES, SIZES, answers, outcome_probabilities, size_step, vote
from components.physics.gz2_votes import class_of
from components.physics.multinomial_winner import winner_probabilities


def test_winners_are_those_of_counting_all_ways_to_vote() -> None:
    chances = np.array([[0.5, 0.2, 0.3], [0.1, 0.1, 0.8]])
    got = winner_probabilities(chances, 7)
    for row, p in enumerate(chances):
        for voters in (0, 1, 4, 7):
            expected = np.zeros(3)
            for counts in product(range(voters + 1), repeat=3):
                if sum(counts) == voters:
                    expected[np.argmax(counts)] += multinomial.pmf(counts, voters, p)
            np.testing.assert_allclose(got[row, voters], expected, atol=1e-12)


def test_winners_of_many_voters_add_up_to_one() -> None:
    chances = np.random.default_rng(0).dirichlet(np.ones(4), 20)
    np.testing.assert_allclose(winner_probabilities(chances, 95).sum(axis=2), 1, rtol=1e-9)


def test_outcomes_of_votes_are_those_of_many_draws() -> None:
    """Every trunk at three sizes, for nodes of all kinds, to four standard deviations of the draws."""
    table = outcome_probabilities()
    assert table.shape == (SIZES, NODES, len(OUTCOMES))
    np.testing.assert_allclose(table.sum(axis=2), 1, atol=1e-9)
    rng, draws = np.random.default_rng(1), 2000
    node = np.repeat(rng.choice(NODES, 24, replace=False), draws)
    for step in (3, 10, 20):
        trunks = parse(class_of(vote(node, np.full(node.size, step), rng))).trunk
        for number, outcome in enumerate(OUTCOMES):
            seen = (trunks == outcome).reshape(-1, draws).mean(axis=1)
            expected = table[step, node[::draws], number]
            allowed = 4.5 * np.sqrt(expected * (1 - expected) / draws) + 2 / draws
            assert (np.abs(seen - expected) < allowed).all(), (step, outcome)


def test_votes_follow_the_tree_and_fill_all_columns() -> None:
    rng = np.random.default_rng(2)
    votes = vote(rng.integers(0, NODES, 3000), rng.integers(0, SIZES, 3000), rng)
    assert set(VOTE_COLUMNS) <= set(votes)

    def counts(task: str) -> np.ndarray:
        return np.column_stack([votes[name] for name in TASKS[task].columns("count")])

    first, edge_on, spiral = counts("t01"), counts("t02"), counts("t04")
    assert (first.sum(axis=1) == votes["total_classifications"]).all()
    assert abs(votes["total_classifications"].mean() - 43) < 0.5
    assert (counts("t07").sum(axis=1) == first[:, 0]).all()
    assert (edge_on.sum(axis=1) == first[:, 1]).all()
    assert (counts("t09").sum(axis=1) == edge_on[:, 0]).all()
    for task in ("t03", "t04", "t05"):
        assert (counts(task).sum(axis=1) == edge_on[:, 1]).all()
    for task in ("t10", "t11"):
        assert (counts(task).sum(axis=1) == spiral[:, 0]).all()
    assert (counts("t06").sum(axis=1) == first[:, 0] + first[:, 1]).all()
    assert sum(counts(task).sum() for task in TASKS) == votes["total_votes"].sum()
    fraction, debiased = (
        votes[f"t01_smooth_or_features_a02_features_or_disk_{s}"] for s in ("fraction", "debiased")
    )
    assert (debiased >= fraction - 1e-6).all(), "debiasing finds features that were too small to be seen"


def test_detail_is_missed_in_small_galaxies() -> None:
    chances = answers()
    barred = (nodes().barred > 0) & (nodes().type > 0.6)
    bar, features = (chances[task][:, barred, answer].mean(axis=1) for task, answer in (("t03", 0), ("t01", 1)))
    assert (np.diff(bar) > 0).all()
    assert (np.diff(features) > 0).all()


def test_node_probabilities_are_bayes_theorem() -> None:
    rng = np.random.default_rng(3)
    galaxies = draw(200, rng)
    got = node_probabilities(galaxies.normals)
    grid = nodes()
    for row in range(0, 200, 20):
        log = np.log(grid.prior)
        for number, name in enumerate(VARIABLES):
            if np.isfinite(galaxies.normals[row, number]):
                log = log + norm.logpdf(galaxies.normals[row, number], grid.means[name], grid.spreads[name])
        np.testing.assert_allclose(got[row], np.exp(log - logsumexp(log)), atol=1e-10)


def test_posterior_is_calibrated() -> None:
    """Of galaxies with a probability of a class, so many are of the class."""
    rng = np.random.default_rng(4)
    galaxies = draw(20000, rng)
    size = size_step(galaxies.radius_arcsec)
    trunks = parse(class_of(vote(galaxies.node, size, rng))).trunk
    weights, table = node_probabilities(galaxies.normals), outcome_probabilities()
    posterior = np.concatenate([weights[i : i + 1] @ table[size[i]] for i in range(20000)])
    for name in ("Er", "Ser", "Sb", "Sc", "SBc"):
        p, hit = posterior[:, OUTCOMES.index(name)], trunks == name
        assert abs(p.mean() - hit.mean()) < 4 * np.sqrt(p.mean() / len(p))
        for low in np.arange(0, 1, 0.2):
            some = (p >= low) & (p < low + 0.2)
            if some.sum() > 100:
                assert abs(p[some].mean() - hit[some].mean()) < 4.5 * np.sqrt(0.25 / some.sum())


def test_population_looks_like_galaxies() -> None:
    galaxies = draw(20000, np.random.default_rng(5))
    measured, kind = galaxies.measured, nodes().type[galaxies.node]
    early, late = kind < 0.2, kind > 0.6
    assert measured["petro_mag_r"].max() <= FAINTEST_R + 1e-6
    assert (measured["redshift"] > 0).all()
    assert (measured["redshift"] <= 0.25).all()
    rest = measured["g_r"] - 1.5 * measured["redshift"]
    assert abs(np.median(rest[early]) - 0.75) < 0.05, "the red sequence"
    assert abs(np.median(rest[late]) - 0.50) < 0.1, "the blue cloud, reddened by dust"
    large = galaxies.radius_arcsec > 5
    concentration = measured["concentration_r"]
    assert abs(np.median(concentration[early & large]) - 3.1) < 0.25
    assert abs(np.median(concentration[late & large]) - 2.35) < 0.2
    small = galaxies.radius_arcsec < 2
    assert measured["axis_ratio_exp"][late & small].min() > measured["axis_ratio_exp"][late & large].min()
    assert measured["local_density"][early].mean() > measured["local_density"][late].mean()
    for name, chance in (("velocity_dispersion", 0.08), ("m_rr_cc", 0.01), ("redshift", 0.0)):
        assert abs(np.isnan(measured[name]).mean() - chance) < 0.01
    assert set(parse(list(TRUNKS)).trunk) == set(TRUNKS)


def test_blur_makes_round() -> None:
    q = blurred_axis_ratio(np.full(3, 0.2), np.array([0.3, 3.0, 30.0]), PSF_ARCSEC)
    assert q[0] > 0.9
    assert q[2] == pytest.approx(0.2, abs=0.01)
    assert (np.diff(q) < 0).all()


def test_distances_are_those_of_astropy() -> None:
    cosmology = pytest.importorskip("astropy.cosmology").FlatLambdaCDM(H0=70, Om0=0.3, Tcmb0=0)
    z = np.array([0.003, 0.05, 0.1, 0.25, 1.0])
    np.testing.assert_allclose(comoving_mpc(z), cosmology.comoving_distance(z).value, rtol=1e-5)
    np.testing.assert_allclose(distance_modulus(z), cosmology.distmod(z).value, atol=1e-4)
    np.testing.assert_allclose(kpc_per_arcsec(z), 1 / cosmology.arcsec_per_kpc_proper(z).value, rtol=1e-5)
    np.testing.assert_allclose(redshift_of_comoving(comoving_mpc(z)), z, rtol=1e-6)
    assert np.isnan(distance_modulus(-0.1))

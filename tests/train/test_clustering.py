"""Clusters found among toy stars: methods, fit, tests, and what is no cluster."""

import numpy as np
import pytest
from scipy import stats
from toy_stars import CENTRE, toy_region

from components.common.errors import ParameterError
from components.train.clustering.candidates import examine
from components.train.clustering.colour_magnitude import cmd_test
from components.train.clustering.inference import ClusteringModel, load_model, save_model
from components.train.clustering.methods import NOISE, group, knee
from components.train.clustering.mixture import invert, normal
from components.train.clustering.plummer import Footprint, Plummer
from components.train.clustering.search import search
from components.train.clustering.settings import METHODS, Settings
from components.train.clustering.stars import Stars, deproject, polar_centre, project, rotate, turn
from components.train.clustering.training import to_model

SETTINGS = Settings(library="hdbscan")


def quality(members: np.ndarray, label: np.ndarray, which: int) -> tuple[float, float]:
    """Return purity and completeness."""
    right = (label[members] == which).sum()
    return right / max(len(members), 1), right / (label == which).sum()


def test_three_clusters_are_found_with_their_parameters() -> None:
    stars, label = toy_region(clusters=3)
    found = search(stars, "hdbscan", SETTINGS).clusters
    assert len(found) == 3
    for cluster in found:
        which = int(np.bincount(label[cluster.members] + 1).argmax()) - 1
        purity, completeness = quality(cluster.members, label, which)
        assert min(purity, completeness) > 0.95
        # Fixed seed; four standard errors of a mean of 150 stars.
        pull = (cluster.fit.cluster.mean - [-3.0 + 2 * which, 4.0 - which, 1.0]) / cluster.errors
        assert np.abs(pull).max() < 4
        assert cluster.fit.cluster.covariance[0, 0] ** 0.5 == pytest.approx(0.12, abs=0.03)


def test_a_field_without_clusters_has_none_which_is_an_answer() -> None:
    for seed in range(5):
        stars, _ = toy_region(clusters=0, seed=seed)
        found = search(stars, "hdbscan", SETTINGS)
        assert found.clusters == []
        assert all(candidate.reason for candidate in found.candidates)


@pytest.mark.parametrize("number", [0, 1, 5, 25])
@pytest.mark.parametrize("method", METHODS)
def test_too_few_stars_have_no_cluster(method: str, number: int) -> None:
    stars, _ = toy_region()
    assert search(stars[np.arange(number)], method, SETTINGS).clusters == []


def test_nulls_in_colour_and_correlation_do_no_harm() -> None:
    stars, label = toy_region()
    stars.columns["bp_rp"][::3] = np.nan
    (found,) = search(stars, "hdbscan", SETTINGS).clusters
    assert min(quality(found.members, label, 0)) > 0.95


@pytest.mark.parametrize("centre", [(0.1, 10.0), (359.9, -40.0), (200.0, 70.0)])
def test_a_region_may_lie_across_ra_0(centre: tuple[float, float]) -> None:
    here, _ = search(toy_region(seed=3)[0], "hdbscan", SETTINGS).clusters, None
    stars, label = toy_region(seed=3, centre=centre)
    (there,) = search(stars, "hdbscan", SETTINGS).clusters
    assert min(quality(there.members, label, 0)) > 0.95
    assert abs(len(there.members) - len(here[0].members)) <= 2
    expected = deproject(0.4, 0.0, centre)
    x, y = project(np.array([there.ra]), np.array([there.dec]), expected)
    assert np.hypot(x[0], y[0]) < 0.02


def test_a_region_may_hold_a_pole() -> None:
    """Stars that move together there have motions in right ascension and declination that differ."""
    centre = (200.0, 89.3)
    faced, label = toy_region(seed=3, centre=centre)
    angle = turn(faced.columns["ra"], faced.columns["dec"], centre)
    pmra, pmdec = rotate(faced.columns["pmra"], faced.columns["pmdec"], -angle)
    published = Stars({**faced.columns, "pmra": pmra, "pmdec": pmdec}, faced.features)
    assert pmra[label == 0].std() > 2 * faced.columns["pmra"][label == 0].std()
    stars = published.facing(polar_centre({"region": {"ra": 200.0, "dec": 89.3, "radius_deg": 1.0}}))
    np.testing.assert_allclose(stars.columns["pmra"], faced.columns["pmra"], atol=1e-9)
    (found,) = to_model(search(stars, "hdbscan", SETTINGS).clusters, stars, centre)
    assert min(quality(np.flatnonzero(found.probability(stars) > 0.5), label, 0)) > 0.95
    own = label == 0
    near = own & (np.abs(stars.columns["ra"] - found.facts["ra"]) < 3)
    assert found.facts["pmra"] == pytest.approx(np.median(pmra[near]), abs=0.3)
    assert polar_centre({"region": {"ra": 0.0, "dec": 40.0, "radius_deg": 5.0}}) is None


def test_where_no_star_has_a_colour_motion_and_place_decide() -> None:
    stars, label = toy_region()
    stars.columns["bp_rp"][:] = np.nan
    (found,) = search(stars, "hdbscan", SETTINGS).clusters
    assert min(quality(found.members, label, 0)) > 0.95
    field, _ = toy_region(clusters=0)
    field.columns["bp_rp"][:] = np.nan
    assert search(field, "hdbscan", SETTINGS).clusters == []


def test_a_clump_in_motion_alone_does_not_pass() -> None:
    """Stars that move together but are all over the region are a stream of the field at best."""
    stars, label = toy_region(clusters=1)
    rng = np.random.default_rng(1)
    own = np.flatnonzero(label == 0)
    other = rng.choice(np.flatnonzero(label < 0), own.size, replace=False)
    for name in ("ra", "dec"):
        stars.columns[name][own] = stars.columns[name][other] + rng.normal(0, 1e-4, own.size)
    candidate = examine(stars, own, SETTINGS)
    assert candidate.reason == "does not gather on the sky"


def test_measurement_errors_are_in_the_probability() -> None:
    """Of two stars equally far from the mean the one that is measured better is less probably a member."""
    stars, label = toy_region()
    (found,) = to_model(search(stars, "hdbscan", SETTINGS).clusters, stars)
    pair = stars[np.flatnonzero(label == 0)[:2]]
    pair.columns["ra"][:], pair.columns["dec"][:] = found.facts["ra"], found.facts["dec"]
    for name in ("pmra", "pmdec", "parallax"):
        pair.columns[name][:] = found.facts[name]
        pair.columns[f"{name}_error"][:] = [0.02, 0.3]
    pair.columns["pmra"][:] += 0.8
    exact, blurred = found.probability(pair)
    assert exact < 0.5 < blurred


def test_same_seed_same_clusters() -> None:
    stars, _ = toy_region(clusters=2, seed=5)
    first, second = (search(stars, "hdbscan", SETTINGS).clusters for _ in range(2))
    assert [c.members.tolist() for c in first] == [c.members.tolist() for c in second]


def test_a_stored_model_gives_the_same_memberships(tmp_path) -> None:
    stars, _ = toy_region(clusters=2)
    clusters = to_model(search(stars, "hdbscan", SETTINGS).clusters, stars)
    model = ClusteringModel(clusters, {"features": []}, {"settings": {"method": "hdbscan"}})
    save_model(tmp_path / "model", model)
    loaded = load_model(tmp_path / "model")
    for ours, theirs in zip(model.membership(stars), loaded.membership(stars), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert loaded.names == ["cluster-1", "cluster-2"]


@pytest.mark.parametrize("library", ["fast_hdbscan", "hdbscan", "scikit-learn"])
def test_the_three_libraries_agree(library: str) -> None:
    from sklearn.metrics import adjusted_rand_score

    stars, _ = toy_region(clusters=2, field=1000)
    ours = group("hdbscan", stars.features, Settings(library=library)).labels
    theirs = group("hdbscan", stars.features, Settings(library="hdbscan")).labels
    assert adjusted_rand_score(ours, theirs) > 0.95


def test_dbscan_is_that_of_scikit_learn() -> None:
    """All but border stars, which may go to one of two neighbouring groups."""
    from sklearn.cluster import DBSCAN
    from sklearn.metrics import adjusted_rand_score

    stars, _ = toy_region(clusters=2, field=1000)
    ours = group("dbscan", stars.features, SETTINGS)
    theirs = DBSCAN(eps=ours.choices["eps"], min_samples=SETTINGS.min_samples).fit_predict(stars.features)
    small = np.isin(
        theirs, [k for k in range(theirs.max() + 1) if (theirs == k).sum() < SETTINGS.min_cluster_size]
    )
    assert adjusted_rand_score(np.where(small, NOISE, theirs), ours.labels) > 0.99


def test_k_means_leaves_no_star_out_and_fails_for_it() -> None:
    stars, label = toy_region(clusters=1)
    found = group("kmeans", stars.features, SETTINGS)
    assert (found.labels != NOISE).all()
    best = max(
        2 * ((found.labels == k) & (label == 0)).sum() / ((found.labels == k).sum() + 150) for k in range(9)
    )
    assert best < 0.5


def test_the_knee_is_where_the_curve_turns() -> None:
    curve = np.concatenate([np.linspace(0, 1, 900), np.linspace(1, 20, 100)])
    assert knee(curve) in (899, 900)
    assert knee(np.ones(5)) == 4


def test_plummer_radius_of_drawn_stars() -> None:
    rng = np.random.default_rng(0)
    u = rng.uniform(0, 1, 20_000)
    radius, angle = 0.1 * np.sqrt(u / (1 - u)), rng.uniform(0, 2 * np.pi, u.size)
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    inside = radius < 1
    edge = np.linspace(0, 2 * np.pi, 200)
    footprint = Footprint.of(np.cos(edge), np.sin(edge), 1.0)
    assert footprint.area == pytest.approx(np.pi, rel=0.01)
    found = Plummer.fit(x[inside], y[inside], np.ones(int(inside.sum())), footprint)
    assert found.radius == pytest.approx(0.1, rel=0.03)


def test_normal_densities_are_those_of_scipy() -> None:
    rng = np.random.default_rng(2)
    factor = rng.normal(size=(20, 3, 3))
    covariance = factor @ factor.transpose(0, 2, 1) + 0.1 * np.eye(3)
    values, mean = rng.normal(size=(20, 3)), rng.normal(size=3)
    expected = [stats.multivariate_normal(mean, c).pdf(v) for v, c in zip(values, covariance, strict=True)]
    np.testing.assert_allclose(normal(values, mean, covariance), expected, rtol=1e-9)
    np.testing.assert_allclose(invert(covariance)[0], np.linalg.inv(covariance), rtol=1e-6, atol=1e-9)


def test_projection_and_back() -> None:
    for centre in (CENTRE, (0.0, 89.5), (359.9, 0.0)):
        ra, dec = deproject(0.7, -0.3, centre)
        x, y = project(np.array([ra]), np.array([dec]), centre)
        np.testing.assert_allclose([x[0], y[0]], [0.7, -0.3], atol=1e-9)


def test_a_sequence_is_tighter_than_the_field_and_a_part_of_the_field_is_not() -> None:
    stars, label = toy_region()
    colour, magnitude = stars.columns["bp_rp"], stars.columns["phot_g_mean_mag"]
    assert cmd_test(colour, magnitude, (label == 0).astype(float), 0).score > 5
    rng = np.random.default_rng(4)
    some = np.zeros(len(label))
    some[rng.choice(np.flatnonzero(label < 0), 150, replace=False)] = 1
    assert abs(cmd_test(colour, magnitude, some, 0).score) < 4


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ParameterError, match="no method 'friends'"):
        Settings(method="friends")
    with pytest.raises(ParameterError, match="to compare with"):
        Settings(compare=("friends",))
    with pytest.raises(ParameterError, match="at least 2"):
        Settings(min_cluster_size=1)

import numpy as np

from components.ingest.sdss_spectra.objects import group_objects

_ARCSEC = 1 / 3600


def _group(rows: list[tuple[str, int, float, float]]) -> list[str]:
    ids, things, ra, dec = (np.array(column) for column in zip(*rows, strict=True))
    return list(group_objects(ids.astype(object), things, ra, dec))


def test_spectra_of_one_thing_are_one_object() -> None:
    assert _group([("a", 7, 1.0, 1.0), ("b", 8, 50.0, 1.0), ("c", 7, 90.0, 1.0)]) == [
        "thing-7",
        "thing-8",
        "thing-7",
    ]


def test_spectra_within_an_arcsecond_are_one_object_also_across_the_pole_and_the_meridian() -> None:
    names = _group(
        [
            ("b", -1, 359.99999, 0.0),
            ("a", -1, 0.00001, 0.0),
            ("d", -1, 10.0, 90 - 0.4 * _ARCSEC),
            ("c", -1, 190.0, 90 - 0.4 * _ARCSEC),
            ("e", -1, 0.0, 1.5 * _ARCSEC),
        ]
    )
    assert names == ["a", "a", "c", "c", "e"]


def test_friends_of_friends_share_an_object_and_its_thing() -> None:
    names = _group([("a", -1, 0, 0), ("b", -1, 0, 0.8 * _ARCSEC), ("c", 9, 0, 1.6 * _ARCSEC)])
    assert names == ["thing-9"] * 3


def test_nothing_is_shared_between_objects_that_know_neither_thing_nor_place() -> None:
    assert _group([("b", -1, np.nan, np.nan), ("a", 0, np.nan, np.nan)]) == ["b", "a"]
    assert group_objects(np.array([], object), np.array([], int), np.array([]), np.array([])).size == 0


def test_groups_do_not_depend_on_the_order_of_rows() -> None:
    rng = np.random.default_rng(3)
    n = 400
    ra, dec = rng.uniform(0, 4 * _ARCSEC * 10, n), rng.uniform(0, 4 * _ARCSEC * 10, n)
    ids, things = (
        np.array([f"s{i:03d}" for i in range(n)], object),
        np.where(rng.random(n) < 0.2, rng.integers(1, 60, n), -1),
    )
    order = rng.permutation(n)
    straight = group_objects(ids, things, ra, dec)
    shuffled = group_objects(ids[order], things[order], ra[order], dec[order])
    np.testing.assert_array_equal(straight[order], shuffled)
    assert 1 < len(set(straight)) < n

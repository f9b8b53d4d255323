"""Maps prepared: floors, scales of training maps alone, universes that stay whole, and new maps treated alike."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.common.errors import InputError, ParameterError
from components.common.provenance import Provenance
from components.common.splits import splits_of
from components.common.tables import Columns, TableWriter, read_provenance, read_settings, read_table
from components.ingest.camels_maps.schema import fields_of, rows_of, settings_of
from components.preprocess.field_maps.logarithms import BINS_PER_DEX, LogHistogram
from components.preprocess.field_maps.preparation import prepare
from components.preprocess.field_maps.preprocessing import Settings, preprocess
from components.preprocess.field_maps.universes import split_universes

FIELDS = ("Mtot", "Mstar")
SIDE = 8


def _write(
    folder: Path, simulations: Sequence[tuple[str, str, int]] = tuple(("SIMBA", "LH", n) for n in range(20))
) -> Columns:
    """Write maps of which the brightness of a simulation grows with its place; a third of Mstar is zero."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    with TableWriter(
        folder / "dataset.parquet",
        fields_of(FIELDS, SIDE),
        Provenance("simulated", "test", requested=15 * len(simulations)),
        settings_of(FIELDS, SIDE),
    ) as writer:
        for place, (suite, camels_set, number) in enumerate(simulations):
            maps = 10 ** rng.normal(10 + 0.1 * place, 0.5, (15, 2, SIDE, SIDE))
            maps[:, 1] *= rng.random((15, SIDE, SIDE)) > 1 / 3
            writer.write(rows_of(suite, camels_set, number, (0.3, 0.8, 1, 1, 1, 1), maps.astype(np.float32)))
    return read_table(folder / "dataset.parquet")


def _prepare(folder: Path, **settings: Any) -> tuple[Columns, dict[str, Any]]:
    preprocess(folder / "in", folder / "out", Settings(**settings))
    return read_table(folder / "out" / "dataset.parquet"), read_settings(folder / "out" / "dataset.parquet")


def test_training_maps_have_mean_0_and_deviation_1_and_others_need_not(tmp_path: Path) -> None:
    raw = _write(tmp_path / "in")
    table, settings = _prepare(tmp_path, seed=2)
    np.testing.assert_array_equal(table["id"], raw["id"])
    training = table["split"] == "train"
    maps = table["maps"].astype(np.float64)
    assert np.abs(maps[training].mean((0, 2, 3))).max() < 5e-3
    assert np.abs(maps[training].std((0, 2, 3)) - 1).max() < 5e-3
    logarithms = np.log10(raw["maps"][training, 0].astype(np.float64))
    assert settings["scaling"]["Mtot"]["mean"] == pytest.approx(logarithms.mean(), abs=1e-4)
    assert settings["scaling"]["Mtot"]["std"] == pytest.approx(logarithms.std(), abs=1e-4)
    everything = np.log10(raw["maps"][:, 0].astype(np.float64))
    assert abs(everything.mean() - logarithms.mean()) > 1e-3, "or this could not tell training maps from all"


def test_test_maps_do_not_touch_the_scales(tmp_path: Path) -> None:
    raw = _write(tmp_path / "in")
    _, before = _prepare(tmp_path, seed=2)
    split = splits_of(raw["phases"], 0.1, 0.2, 2)
    (tmp_path / "other").mkdir()
    raw["maps"] = raw["maps"].copy()
    raw["maps"][split != "train"] *= 1e-6
    with TableWriter(
        tmp_path / "other" / "dataset.parquet",
        fields_of(FIELDS, SIDE),
        read_provenance(tmp_path / "in" / "dataset.parquet"),
        settings_of(FIELDS, SIDE),
    ) as writer:
        writer.write(raw)
    preprocess(tmp_path / "other", tmp_path / "again", Settings(seed=2))
    after = read_settings(tmp_path / "again" / "dataset.parquet")
    assert after["scaling"] == before["scaling"]


def test_zeros_count_as_the_floor_of_the_training_maps(tmp_path: Path) -> None:
    raw = _write(tmp_path / "in")
    table, settings = _prepare(tmp_path, floor_quantile=0.05)
    scaling = settings["scaling"]["Mstar"]
    pixels = raw["maps"][table["split"] == "train", 1]
    positive = pixels[pixels > 0]
    assert scaling["floor"] == pytest.approx(np.quantile(positive, 0.05), rel=0.02)
    assert scaling["floored"] == pytest.approx((pixels < scaling["floor"]).mean(), abs=1e-9)
    lowest = (np.log10(scaling["floor"]) - scaling["mean"]) / scaling["std"]
    assert table["maps"][:, 1].min() == pytest.approx(lowest, abs=2e-3)
    assert (table["maps"][:, 1][raw["maps"][:, 1] == 0] == table["maps"][:, 1].min()).all()
    without_zeros = settings["scaling"]["Mtot"]
    assert without_zeros["floored"] == 0
    assert without_zeros["floor"] <= raw["maps"][table["split"] == "train", 0].min()


def test_fifteen_maps_stay_together_and_counts_add_up(tmp_path: Path) -> None:
    raw = _write(tmp_path / "in")
    table, _ = _prepare(tmp_path, seed=3)
    for simulation in set(table["simulation_id"]):
        assert len(set(table["split"][table["simulation_id"] == simulation])) == 1
    assert set(table["split"]) == {"train", "validation", "test"}
    rejected = read_table(tmp_path / "out" / "rejected.parquet")
    assert len(table["id"]) + len(rejected["id"]) == len(raw["id"])


def test_twins_of_a_universe_are_on_one_side(tmp_path: Path) -> None:
    """N-body twins, CV of all suites and the hypercube of IllustrisTNG share initial conditions."""
    simulations = [
        *(("IllustrisTNG", "LH", number) for number in range(30)),
        *(("Nbody_IllustrisTNG", "LH", number) for number in range(30)),
        *((suite, "CV", number) for suite in ("IllustrisTNG", "SIMBA") for number in range(9)),
        *((suite, "1P", number) for suite in ("IllustrisTNG", "SIMBA") for number in range(3)),
    ]
    _write(tmp_path / "in", simulations)
    table, _ = _prepare(tmp_path)
    sides = {name: set(table["split"][table["phases"] == name]) for name in set(table["phases"])}
    assert all(len(side) == 1 for side in sides.values())
    number = {(s, c, n): table["split"][15 * i] for i, (s, c, n) in enumerate(simulations)}
    for i in range(9):
        alike = {number["SIMBA", "CV", i], number["IllustrisTNG", "CV", i], number["IllustrisTNG", "LH", i + 1]}
        assert len(alike) == 1
    assert len({number[suite, "1P", n] for suite in ("IllustrisTNG", "SIMBA") for n in range(3)}) == 1


def test_a_suite_for_testing_alone_has_no_universe_that_is_trained_on(tmp_path: Path) -> None:
    suites = ("IllustrisTNG", "Nbody_IllustrisTNG", "SIMBA")
    raw = _write(tmp_path / "in", [(suite, "LH", number) for suite in suites for number in range(20)])
    table, _ = _prepare(tmp_path, train_suites=("IllustrisTNG",))
    for suite in suites[1:]:
        assert set(table["split"][table["suite"] == suite]) == {"test"}
    assert (table["suite"] == "SIMBA").sum() == 300, "its universes are its own"
    learnt = set(table["phases"][table["split"] != "test"])
    assert not learnt & set(table["phases"][table["split"] == "test"])
    rejected = read_table(tmp_path / "out" / "rejected.parquet")
    assert set(rejected["reason"]) == {"universe trained on"}
    assert len(table["id"]) + len(rejected["id"]) == len(raw["id"])
    provenance = read_provenance(tmp_path / "out" / "dataset.parquet")
    assert provenance.rejected == {"universe trained on": len(rejected["id"])}


def test_sets_for_testing_alone(tmp_path: Path) -> None:
    _write(tmp_path / "in", [*(("SIMBA", "LH", n) for n in range(20)), *(("SIMBA", "EX", n) for n in range(4))])
    table, _ = _prepare(tmp_path, train_sets=("LH",))
    assert set(table["split"][table["set"] == "EX"]) == {"test"}
    assert (table["split"] == "train").any()


def test_a_new_map_is_prepared_as_the_table_was(tmp_path: Path) -> None:
    raw = _write(tmp_path / "in")
    table, settings = _prepare(tmp_path)
    again = prepare(raw["maps"], settings)
    assert again.dtype == np.float32
    np.testing.assert_array_equal(again.astype(np.float16), table["maps"])
    finer = np.repeat(np.repeat(raw["maps"][:3], 4, axis=2), 4, axis=3)
    np.testing.assert_allclose(prepare(finer, settings), again[:3], atol=1e-4)


@pytest.mark.parametrize("pixel", [-1.0, np.nan, np.inf])
def test_an_impossible_new_map_is_named(tmp_path: Path, pixel: float) -> None:
    raw = _write(tmp_path / "in")
    _, settings = _prepare(tmp_path)
    maps = raw["maps"][:4].copy()
    maps[2, 1, 0, 0] = pixel
    with pytest.raises(InputError, match="Map 2 of Mstar has pixels"):
        prepare(maps, settings)
    with pytest.raises(InputError, match="do not fit the fields Mtot, Mstar"):
        prepare(maps[:, :1], settings)
    with pytest.raises(InputError, match="cannot be averaged"):
        prepare(np.ones((1, 2, 12, 12)), settings)
    with pytest.raises(InputError, match="not those of prepared maps"):
        prepare(maps, {"fields": ["Mtot"]})


def test_fewer_fields_in_another_order(tmp_path: Path) -> None:
    raw = _write(tmp_path / "in")
    table, settings = _prepare(tmp_path, fields=("Mstar",))
    assert settings["fields"] == ["Mstar"]
    assert list(settings["units"]) == ["Mstar"]
    assert table["maps"].shape == (300, 1, SIDE, SIDE)
    np.testing.assert_array_equal(prepare(raw["maps"][:, 1:], settings).astype(np.float16), table["maps"])
    preprocess(tmp_path / "in", tmp_path / "two", Settings(fields=("Mstar", "Mtot")))
    swapped = read_table(tmp_path / "two" / "dataset.parquet")["maps"]
    np.testing.assert_array_equal(swapped[:, :1], table["maps"])


def test_what_cannot_be_prepared(tmp_path: Path) -> None:
    _write(tmp_path / "in", [("SIMBA", "1P", number) for number in range(9)])
    with pytest.raises(InputError, match="The 1 universes leave no"):
        _prepare(tmp_path)
    with pytest.raises(InputError, match="no maps of T, only of Mtot, Mstar"):
        _prepare(tmp_path, fields=("T",))
    with pytest.raises(InputError, match="no maps of the suite Astrid to train on"):
        _prepare(tmp_path, train_suites=("Astrid",))
    with pytest.raises(InputError, match="There is no table"):
        preprocess(tmp_path / "nowhere", tmp_path / "out", Settings())
    assert not (tmp_path / "out").exists()
    with pytest.raises(ParameterError, match="floor_quantile"):
        Settings(floor_quantile=0)
    with pytest.raises(ParameterError, match="named twice"):
        Settings(fields=("T", "T"))
    with pytest.raises(ParameterError, match="leave a split empty"):
        _prepare(tmp_path, test_fraction=0.0)


def test_maps_without_contrast_are_refused(tmp_path: Path) -> None:
    histogram = LogHistogram()
    histogram.add(np.full(100, 3.0, dtype=np.float32))
    with pytest.raises(InputError, match="of HI are the same everywhere"):
        histogram.scaling("HI", 0.01)
    empty = LogHistogram()
    empty.add(np.zeros(100, dtype=np.float32))
    with pytest.raises(InputError, match="of Mstar are the same everywhere"):
        empty.scaling("Mstar", 0.01)


def test_histograms_hold_all_that_a_float_can() -> None:
    extremes = np.array([np.finfo(np.float32).smallest_subnormal, 1.0, np.finfo(np.float32).max], dtype=np.float32)
    histogram = LogHistogram()
    histogram.add(extremes)
    scaling = histogram.scaling("T", 0.01)
    expected = np.log10(extremes.astype(np.float64))
    assert scaling.mean == pytest.approx(expected.mean(), abs=1 / BINS_PER_DEX)
    assert scaling.std == pytest.approx(expected.std(), rel=1e-3)


def test_splits_are_those_of_the_common_function() -> None:
    """So that another program can say what a model has learnt from, by the settings in it."""
    phases = np.array([f"seed-{n}" for n in range(100)], dtype=object)
    suites, sets = np.full(100, "SIMBA", dtype=object), np.full(100, "LH", dtype=object)
    np.testing.assert_array_equal(
        split_universes(phases, suites, sets, Settings(seed=9)), splits_of(phases, 0.1, 0.2, 9)
    )

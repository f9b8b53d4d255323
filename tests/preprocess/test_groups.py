"""Which spectra stay together when data are divided."""

from pathlib import Path

import numpy as np
import pytest

from components.common.errors import ParameterError
from components.common.splits import assign_splits
from components.common.tables import read_table
from components.preprocess.spectra.groups import group_rows
from components.preprocess.spectra.preprocessing import Settings, preprocess

OBJECTS = np.array(["a", "b", "c", "a", "d", "e", "e"], dtype=object)
PLATES = np.array([3, 3, 5, 7, 9, -1, -1])


def test_objects_are_groups_of_their_own() -> None:
    assert group_rows(OBJECTS, PLATES, "object") is OBJECTS


def test_a_plate_is_a_group_and_an_object_on_two_plates_joins_them() -> None:
    groups = group_rows(OBJECTS, PLATES, "plate")
    assert groups.tolist() == ["plate-3", "plate-3", "plate-5", "plate-3", "plate-9", "e", "e"]


def test_an_object_with_a_plate_takes_its_spectra_without_one_along() -> None:
    groups = group_rows(np.array(["a", "a"], dtype=object), np.array([-1, 4]), "plate")
    assert groups.tolist() == ["plate-4", "plate-4"]


def test_neither_plate_nor_object_crosses_a_split() -> None:
    rng = np.random.default_rng(0)
    plates = rng.integers(300, 360, 4000)
    objects = np.array([f"o-{i}" for i in range(4000)], dtype=object)
    again = rng.choice(4000, 20, replace=False)
    objects = np.concatenate([objects, objects[again]])
    plates = np.concatenate([plates, rng.integers(300, 360, 20)])
    split = assign_splits(group_rows(objects, plates, "plate"), 0.2, 0.2, 1)
    for names in (objects, plates):
        for split_a, split_b in (("train", "test"), ("train", "validation"), ("validation", "test")):
            assert not set(names[split == split_a]) & set(names[split == split_b])


def test_plates_that_hang_together_are_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    group_rows(np.array(["a", "a", "a"], dtype=object), np.array([1, 2, 3]), "plate")
    assert "cannot be divided" in capsys.readouterr().err


def test_the_table_says_how_it_was_divided(galaxies: Path, tmp_path: Path) -> None:
    preprocess(galaxies / "raw", tmp_path / "out", Settings(bin_pixels=16, group_by="plate"))
    table = read_table(tmp_path / "out" / "dataset.parquet", ["object_id", "group", "split"])
    assert (table["group"] == table["object_id"]).all(), "simulated galaxies have no plate"


def test_unknown_grouping() -> None:
    with pytest.raises(ParameterError, match="no group_by 'night'"):
        Settings(group_by="night")

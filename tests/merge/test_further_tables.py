"""Tables that some ingests write beside the dataset, such as truth, are merged too."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.shards import Shard
from components.common.tables import TableWriter, column, open_table, read_settings, read_table
from components.merge.shards.merging import merge

FIELDS = (column("source_id", "int64", "name"),)
TRUTH = (*FIELDS, column("cluster", "string", "where it belongs"))


def _part(folder: Path, number: int, truth: bool = True) -> Path:
    provenance = Provenance("simulated", "a test", requested=1000, received=1000)
    marks = Shard(number, 2).to_settings({"seed": 1})
    folder.mkdir()
    ids = np.arange(1000) + 1000 * number
    with TableWriter(folder / "dataset.parquet", FIELDS, provenance, {"region": "here", **marks}, 4096) as writer:
        writer.write({"source_id": ids})
    if truth:
        with TableWriter(
            folder / "truth.parquet", TRUTH, provenance, {"clusters": ["a"], **marks}, 4096
        ) as writer:
            writer.write({"source_id": ids, "cluster": [f"{number}"] * 1000})
    Rejections().write(folder / "rejected.parquet", dataclasses.replace(provenance))
    return folder


def test_truth_is_merged_with_its_settings_and_in_large_pieces(tmp_path: Path) -> None:
    merge([_part(tmp_path / "b", 1), _part(tmp_path / "a", 0)], tmp_path / "out")
    stars, truth = (read_table(tmp_path / "out" / f"{name}.parquet") for name in ("dataset", "truth"))
    np.testing.assert_array_equal(stars["source_id"], np.arange(2000))
    np.testing.assert_array_equal(truth["source_id"], np.arange(2000))
    assert truth["cluster"].tolist() == ["0"] * 1000 + ["1"] * 1000
    assert read_settings(tmp_path / "out" / "dataset.parquet") == {"region": "here"}
    assert read_settings(tmp_path / "out" / "truth.parquet") == {"clusters": ["a"]}
    with open_table(tmp_path / "out" / "dataset.parquet") as file:
        assert file.num_row_groups == 2, "row groups stay as large as they were written"


def test_truth_in_some_shards_alone_is_refused(tmp_path: Path) -> None:
    parts = [_part(tmp_path / "a", 0), _part(tmp_path / "b", 1, truth=False)]
    with pytest.raises(InputError, match=r"Not every shard has truth\.parquet"):
        merge(parts, tmp_path / "out")
    assert not (tmp_path / "out").exists()

"""What it means that shards add up to the whole: the same bytes, but for the time of the retrieval."""

import dataclasses
import re
from pathlib import Path

import numpy as np

from components.common.provenance import Provenance
from components.common.tables import read_provenance, read_table


def contents(path: Path) -> bytes:
    """Bytes of a table without the time at which its rows were retrieved."""
    return re.sub(rb'"retrieved_at": "[^"]*"', b"", path.read_bytes())


def timeless(provenance: Provenance) -> Provenance:
    """Leave out what differs from run to run."""
    return dataclasses.replace(provenance, retrieved_at="")


def assert_same(whole: Path, merged: Path) -> None:
    """Compare what an ingest wrote with what a merge of its shards did."""
    assert timeless(read_provenance(merged / "dataset.parquet")) == timeless(
        read_provenance(whole / "dataset.parquet")
    )
    first, second = (read_table(folder / "dataset.parquet") for folder in (whole, merged))
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
    assert contents(whole / "dataset.parquet") == contents(merged / "dataset.parquet"), "row groups and metadata"
    rejected, again = (read_table(folder / "rejected.parquet") for folder in (whole, merged))
    for name in rejected:
        np.testing.assert_array_equal(rejected[name], again[name], err_msg=name)
    assert timeless(read_provenance(merged / "rejected.parquet")) == timeless(
        read_provenance(merged / "dataset.parquet")
    )

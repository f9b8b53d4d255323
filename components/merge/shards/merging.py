"""The merge stage: the shards of a data set, put together as if it had never been cut.

What is merged are the tables that every ingest writes, `dataset.parquet` and `rejected.parquet`, and those that
some write beside them, such as `truth.parquet`, whatever their columns. Each part says in its file which shard it
is; names and addresses that Kubeflow gives it say nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from components.common.errors import InputError
from components.common.files import whole
from components.common.provenance import Provenance, merged
from components.common.shards import Shard
from components.common.tables import TableWriter, open_table, read_provenance, read_settings
from components.common.telemetry import report_counts, report_progress, stage

DATASET, REJECTED = "dataset.parquet", "rejected.parquet"


@dataclass(frozen=True)
class _Part:
    folder: Path
    shard: Shard
    request: Mapping[str, Any]
    provenance: Provenance


def merge(parts: Sequence[Path], output: Path) -> Provenance:
    """Write `dataset.parquet` and `rejected.parquet` into the folder `output`, from those of all shards.

    Memory does not grow with the number of rows.

    Parameters
    ----------
    parts : sequence of Path
        Folders that the shards wrote, in any order.
    output : Path
        Folder to create; it appears when it is complete.

    Returns
    -------
    Provenance
        That of an ingest without shards, but for the time.

    Raises
    ------
    InputError
        When shards are missing, double or not of the same request, or when all of them together are empty.
    """
    with stage("merge", output), whole(output) as folder:
        ordered = _in_order([_read(part) for part in parts])
        provenance = merged([part.provenance for part in ordered])
        if not provenance.received:
            raise InputError(
                f"All {len(ordered)} shards are empty: {dict(provenance.rejected) or 'nothing was found'}.",
                "Widen what is wanted, and look at what the log of ingest says about the files.",
            )
        folder.mkdir()
        rows = _join([part.folder / DATASET for part in ordered], folder / DATASET, provenance)
        if rows != provenance.received:
            raise InputError(
                f"The shards hold {rows} rows, but say that they received {provenance.received}.",
                "Run ingest again: a table was altered after it was written.",
            )
        rejected = _join([part.folder / REJECTED for part in ordered], folder / REJECTED, provenance)
        for name in _others(ordered):
            _join([part.folder / name for part in ordered], folder / name, provenance)
        report_counts(rows_in=rows, rows_out=rows, rejected=rejected)
    return provenance


def _others(parts: Sequence[_Part]) -> list[str]:
    """Name the further tables, which all parts must have if one has them."""
    names = [{path.name for path in part.folder.glob("*.parquet")} for part in parts]
    if odd := sorted({name for some in names for name in some if any(name not in others for others in names)}):
        raise InputError(f"Not every shard has {', '.join(odd)}.", "Merge the shards of one run only.")
    return sorted(names[0] - {DATASET, REJECTED})


def _read(folder: Path) -> _Part:
    table = folder / DATASET
    shard, request = Shard.from_settings(read_settings(table), f"{table}")
    return _Part(folder, shard, request, read_provenance(table))


def _in_order(parts: Sequence[_Part]) -> list[_Part]:
    if not parts:
        raise InputError("There is no shard to merge.", "Give what the shards of one ingest wrote.")
    by_number: dict[int, _Part] = {}
    for part in parts:
        _require_kin(part, parts[0])
        if (twin := by_number.setdefault(part.shard.number, part)) is not part:
            raise InputError(
                f"Shard {part.shard.number} is there twice: {twin.folder} and {part.folder}.",
                "Give each shard of one run once.",
            )
    count = parts[0].shard.count
    if missing := [str(number) for number in range(count) if number not in by_number]:
        raise InputError(
            f"Of {count} shards these are missing: {', '.join(missing)}.", "Run ingest for them, and merge again."
        )
    return [by_number[number] for number in range(count)]


def _require_kin(part: _Part, other: _Part) -> None:
    mine, theirs = ({"shards": p.shard.count, **p.request} for p in (part, other))
    for name in dict.fromkeys([*mine, *theirs]):
        if mine.get(name) != theirs.get(name):
            raise InputError(
                f"{part.folder}, shard {part.shard.number}, is of another request than {other.folder}: {name} is "
                f"{mine.get(name)!r}, not {theirs.get(name)!r}.",
                "Merge the shards of one run only.",
            )


def _join(tables: Sequence[Path], output: Path, provenance: Provenance) -> int:
    """Append tables to each other, row group by row group, and return the number of rows."""
    with open_table(tables[0]) as file:
        schema = file.schema_arrow.remove_metadata()
    settings = Shard.without(read_settings(tables[0]))
    with TableWriter(output, list(schema), provenance, settings, _largest_group(tables)) as writer:
        for number, path in enumerate(tables):
            with open_table(path) as file:
                _copy(file, path, writer, schema.names)
            report_progress(number + 1, len(tables), "shards", rows=writer.rows)
    return writer.rows


def _largest_group(tables: Sequence[Path]) -> int:
    """Rows of a row group, so that a merged table is read in pieces as large as those it was written in."""
    largest = 1
    for path in tables:
        with open_table(path) as file:
            groups = range(min(1, file.num_row_groups))  # the first is a full one, if there is a full one
            largest = max(largest, *(file.metadata.row_group(i).num_rows for i in groups), 1)
    return largest


def _copy(file: pq.ParquetFile, path: Path, writer: TableWriter, names: Sequence[str]) -> None:
    if file.schema_arrow.names != list(names):
        raise InputError(
            f"{path} has other columns than the first shard: {', '.join(file.schema_arrow.names)}.",
            "Merge the shards of one run only.",
        )
    for group in range(file.num_row_groups):
        rows = file.read_row_group(group)
        writer.write({name: rows[name].combine_chunks() for name in names})

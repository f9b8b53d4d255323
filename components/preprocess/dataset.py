"""What preprocess stages that stream have in common: rows arrive in batches, are kept or rejected, and written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from components.common.rejections import Noun, Rejections
from components.common.tables import Columns, TableWriter, count_rows, read_provenance
from components.common.telemetry import report_counts, report_progress

_BYTES_PER_GROUP = 8 << 20
"""What is read at once later on: small enough for memory, and large enough not to be felt."""


@dataclass(frozen=True)
class Dataset:
    """A table to be written.

    Attributes
    ----------
    fields : sequence of pyarrow.Field
        Its columns.
    about : dict
        Its settings.
    batches : iterable of Columns
        Its rows, those that are kept; `rejections` grow while they are read.
    rejections : Rejections
        The other rows of the source.
    """

    fields: Sequence[pa.Field]
    about: Mapping[str, Any]
    batches: Iterable[Columns]
    rejections: Rejections


def write_dataset(folder: Path, source: Path, dataset: Dataset, noun: Noun) -> None:
    """Write `dataset.parquet` and `rejected.parquet`: together they have the rows of `source`.

    Parameters
    ----------
    folder : Path
        Where to; created if need be.
    source : Path
        The table that the rows are from, and whose provenance they keep.
    dataset : Dataset
        What to write.
    noun : Noun
        What the rows are.

    Raises
    ------
    InputError
        When no row is left.
    """
    provenance, rejections, rows = read_provenance(source), dataset.rejections, count_rows(source)
    folder.mkdir(parents=True, exist_ok=True)
    with TableWriter(folder / "dataset.parquet", dataset.fields, provenance, dataset.about) as writer:
        for columns in grouped(dataset.batches):
            writer.write(columns)
            report_progress(writer.rows + len(rejections), rows, noun.many, rejected=len(rejections))
        rejections.require_rest(writer.rows, source, noun)
        writer.provenance = provenance.with_rejected(rejections.counts)
    rejections.write(folder / "rejected.parquet", writer.provenance)
    report_counts(rows_in=rows, rows_out=writer.rows, rejected=len(rejections))


def grouped(batches: Iterable[Columns]) -> Iterator[Columns]:
    """Put small batches together, such as those of single simulations: each becomes a row group of the file."""
    waiting: list[Columns] = []
    size = 0
    for batch in batches:
        if len(batch["id"]):
            waiting.append(batch)
            size += sum(values.nbytes for values in batch.values())
        if size >= _BYTES_PER_GROUP:
            yield _together(waiting)
            waiting, size = [], 0
    if waiting:
        yield _together(waiting)


def _together(batches: Sequence[Columns]) -> Columns:
    if len(batches) == 1:
        return batches[0]
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}

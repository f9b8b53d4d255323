"""The objects of an evaluation, looked up in the raw data that they came from."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from components.common.errors import InputError
from components.common.tables import Columns, read_marked, read_table
from components.common.telemetry import report_progress
from components.promote.champion.answers import Answers, Rows


def find_objects(
    source: Path, objects: Answers, noun: str, columns: Sequence[str] | None = None
) -> Iterator[tuple[Columns, Rows]]:
    """Read the raw rows of some objects, batch by batch; what holds none of them is not read but for the names.

    Parameters
    ----------
    source : Path
        Folder that the ingest stage wrote.
    objects : Answers
        Which objects.
    noun : str
        What they are, for a reader.
    columns : sequence of str, optional
        What to read besides `id`; everything by default.

    Yields
    ------
    dict of str to ndarray
        Raw rows.
    ndarray of int
        Which of the objects they are.

    Raises
    ------
    InputError
        At the end, when not every object was there.
    """
    table, seen = source / "dataset.parquet", 0
    position = pd.Index(objects.ids).get_indexer(pd.Index(read_table(table, ["id"])["id"]))
    which = position[position >= 0]
    for batch in read_marked(table, position >= 0, ["id", *columns] if columns else None):
        own = which[seen : seen + len(batch["id"])]
        seen += own.size
        yield batch, own
        report_progress(seen, len(objects), noun)
    if seen != len(objects):
        raise InputError(
            f"Of {len(objects)} {noun} that were tested, {seen} are in {source}.",
            "Give the raw data of the run that was evaluated.",
        )

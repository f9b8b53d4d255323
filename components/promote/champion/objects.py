"""The objects of an evaluation, looked up in the raw data that they came from."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from components.common.errors import InputError
from components.common.tables import Columns, read_batches
from components.common.telemetry import report_progress
from components.promote.champion.answers import Answers, Rows


def find_objects(
    source: Path, objects: Answers, noun: str, columns: Sequence[str] | None = None
) -> Iterator[tuple[Columns, Rows]]:
    """Read the raw rows of some objects, batch by batch.

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
    wanted, seen = pd.Index(objects.ids), 0
    for batch in read_batches(source / "dataset.parquet", ["id", *columns] if columns else None):
        position = wanted.get_indexer(pd.Index(batch["id"]))
        chosen = np.flatnonzero(position >= 0)
        if chosen.size:
            seen += chosen.size
            yield {name: values[chosen] for name, values in batch.items()}, position[chosen]
            report_progress(seen, len(objects), noun)
    if seen != len(objects):
        raise InputError(
            f"Of {len(objects)} {noun} that were tested, {seen} are in {source}.",
            "Give the raw data of the run that was evaluated.",
        )

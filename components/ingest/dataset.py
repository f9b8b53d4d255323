"""What the ingest stages have in common: rows arrive in batches, and become a table with provenance."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from components.common.contents import content_hash
from components.common.errors import InputError
from components.common.files import whole
from components.common.provenance import Provenance
from components.common.rejections import Noun, Rejections
from components.common.shards import Shard
from components.common.tables import ROWS_PER_GROUP, Columns, TableWriter
from components.common.telemetry import report_counts, report_progress, stage


@dataclass
class Source:
    """Rows on their way into the table.

    Attributes
    ----------
    provenance : Provenance
        Complete but for the counts.
    asked : int
        Rows of this shard that will arrive or be rejected; what `requested` says in the provenance. Grows while
        the batches are read where nobody can know it before.
    batches : iterator of Columns
        Not read before the table is written; rejections grow while it runs.
    """

    provenance: Provenance
    asked: int
    batches: Iterator[Columns]


@dataclass(frozen=True)
class Truth:
    """What a simulator or a catalogue knows of every row and no stage is to learn from: `truth.parquet`.

    Attributes
    ----------
    fields : sequence of pyarrow.Field
        Its columns, which the batches of the rows have too.
    about : dict
        Its settings.
    """

    fields: Sequence[Any]
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Dataset:
    """A table to be written.

    Attributes
    ----------
    source : Source
        Its rows.
    fields : sequence of pyarrow.Field
        Its columns.
    about : dict
        Its settings.
    truth : Truth or None
        What is known of its rows and lies beside it, in their order, so that no stage reads it by mistake.
    """

    source: Source
    fields: Sequence[Any]
    about: Mapping[str, Any] = field(default_factory=dict)
    truth: Truth | None = None


class Settings(Protocol):
    """What is wanted, and from where."""

    @property
    def source(self) -> str:
        """Name of the source."""
        ...

    @property
    def part(self) -> Shard:
        """Which share."""
        ...

    @property
    def request(self) -> dict[str, Any]:
        """What all shares have to agree in."""
        ...


def _marks_of(settings: Settings) -> dict[str, Any]:
    """Return what a table says of its shard; nothing where it is the whole."""
    return settings.part.to_settings({**settings.request, "contents": content_hash()})


def write_dataset(
    output: Path,
    settings: Settings,
    open_dataset: Callable[[Rejections], Dataset],
    noun: Noun,
    rows_per_group: int = ROWS_PER_GROUP,
) -> Provenance:
    """Write `dataset.parquet`, `rejected.parquet` and, if known, `truth.parquet`, as the ingest stage.

    Memory does not grow with the number of rows. A shard may come out empty; that the whole is not, the stage that
    merges them sees to.

    Parameters
    ----------
    output : Path
        Folder to create; it appears when it is complete.
    settings : Settings
        What is wanted.
    open_dataset : callable
        Takes the rejections, which its batches add to, and opens the source.
    noun : Noun
        What the rows are.
    rows_per_group : int
        Rows that are written, and later read, at a time.

    Returns
    -------
    Provenance
        As stored in all tables. Rows requested = received + rejected.

    Raises
    ------
    InputError
        When not one row can be used.
    """
    part = settings.part
    with stage(part.stage_name("ingest"), output), whole(output) as folder:
        rejections = Rejections()
        dataset = open_dataset(rejections)
        source = dataset.source
        with ExitStack() as stack:
            writers = _writers(folder, dataset, _marks_of(settings), rows_per_group)
            for writer in writers:
                stack.enter_context(writer)
            rows = 0
            for columns in source.batches:
                for writer in writers:
                    writer.write(columns)
                rows = writers[0].rows
                report_progress(rows + len(rejections), source.asked, noun.many, rejected=len(rejections))
            if not rows and part.is_whole:
                raise _nothing(settings, rejections, noun)
            provenance = dataclasses.replace(
                source.provenance, requested=source.asked, received=rows, rejected=rejections.counts
            )
            for writer in writers:
                writer.provenance = provenance
        rejections.write(folder / "rejected.parquet", provenance)
        report_counts(rows_in=source.asked, rows_out=rows, rejected=len(rejections))
    return provenance


def _writers(folder: Path, dataset: Dataset, marks: dict[str, Any], rows_per_group: int) -> list[TableWriter]:
    tables = [("dataset.parquet", dataset.fields, dataset.about)]
    if dataset.truth is not None:
        tables.append(("truth.parquet", dataset.truth.fields, dataset.truth.about))
    return [
        TableWriter(folder / name, fields, dataset.source.provenance, {**about, **marks}, rows_per_group)
        for name, fields, about in tables
    ]


def _nothing(settings: Settings, rejections: Rejections, noun: Noun) -> InputError:
    """Say that not one row can be used, and why."""
    first, counts = next(iter(rejections.details), ""), rejections.in_words or "none was found"
    return InputError(
        f"Not one {noun.one} from the source {settings.source} can be used: {counts}."
        + (f" {first}" if first else ""),
        noun.remedy,
    )

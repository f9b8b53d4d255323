"""What predictions of all kinds have in common: how they are written down."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pandas as pd

from components.common.errors import InputError
from components.common.files import whole
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.tables import Columns, TableWriter
from components.common.telemetry import report_counts, report_progress


@dataclass(frozen=True)
class Settings:
    """What to write.

    Attributes
    ----------
    csv : bool
        Also write `predictions.csv`.
    plots : bool
        Also draw every object into `plots/`.
    """

    csv: bool = False
    plots: bool = False


class Predicted(Protocol):
    """Predictions for some objects."""

    @property
    def columns(self) -> Columns:
        """Rows of the table of predictions."""
        ...


P = TypeVar("P", bound=Predicted)

_PLACES = {"ra", "dec"}
"""Columns in degrees: with six digits, like the others, a place would be off by up to two arcseconds."""


def of_files(inputs: Path | Sequence[Path], asked: int, model: Path) -> Provenance:
    """Return the provenance of objects that somebody gave as files.

    Parameters
    ----------
    inputs : Path or sequence of Path
        Files and folders, as they were given.
    asked : int
        Number of objects in them.
    model : Path
        What predicts.
    """
    return Provenance(
        origin="real",
        archive="files",
        query=" ".join(str(path) for path in listed(inputs)),
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        requested=asked,
        notes=(f"Predicted with the model in {model}.",),
    )


def listed(inputs: Path | Sequence[Path]) -> list[Path]:
    """Return one path or several as a list."""
    return [inputs] if isinstance(inputs, Path) else list(inputs)


def write_predictions(
    output: Path,
    fields: Sequence[Any],
    asked: int,
    predictions: Iterable[P],
    rejections: Rejections,
    provenance: Provenance,
    settings: Settings,
    draw: Callable[[P, int, Path], None],
    noun: str = "spectra",
) -> None:
    """Write predictions as they come, and what could not be used.

    Parameters
    ----------
    output : Path
        Folder for `predictions.parquet` and `rejected.parquet`, with `predictions.csv` and `plots/` as the
        settings say.
    fields : sequence of pyarrow.Field
        Of the table.
    asked : int
        Number of objects that there are.
    predictions : iterable
        Batches of predicted objects. While it goes on it adds to `rejections`.
    rejections : Rejections
        Objects that cannot be used.
    provenance : Provenance
        Of the objects.
    settings : Settings
        What to write.
    draw : callable
        Takes a batch, the number of its first row and the folder `plots`.
    noun : str
        What the objects are, for a reader.

    Raises
    ------
    InputError
        When not one object can be used: the reasons are then in `rejected.parquet`.
    """
    names = [field.name for field in fields]
    tables = [pd.DataFrame(columns=names)]
    output.mkdir(parents=True, exist_ok=True)
    with TableWriter(output / "predictions.parquet", fields, provenance) as writer:
        for predicted in predictions:
            if settings.plots:
                draw(predicted, writer.rows, output / "plots")
            if settings.csv:
                tables.append(pd.DataFrame(predicted.columns))
            writer.write(predicted.columns)
            report_progress(writer.rows + len(rejections), asked, noun, rejected=len(rejections))
        writer.provenance = provenance.with_rejected(rejections.counts)
    rejections.write(output / "rejected.parquet", writer.provenance)
    if settings.csv:
        with whole(output / "predictions.csv") as part:
            table = pd.concat(tables[1:] or tables)[names]
            for name in _PLACES & set(names):
                table[name] = table[name].round(7).astype(object)  # objects are written with all their digits
            table.to_csv(part, index=False, float_format="%.6g")
    report_counts(rows_in=asked, rows_out=writer.rows, rejected=len(rejections))
    if not asked:
        raise InputError(f"The files hold no {noun}.", "Give others.")
    if not writer.rows:
        raise InputError(
            f"None of the {asked} {noun} can be used: {rejections.in_words}.",
            f"Read why in {output / 'rejected.parquet'}.",
        )


def write_pictures(folder: Path, first: int, names: Iterable[Any], pictures: Iterable[str]) -> list[Path]:
    """Write one SVG for each object, named by its number and id, as two objects may have the same id.

    Parameters
    ----------
    folder : Path
        Where to.
    first : int
        Rows before these.
    names : iterable
        Ids of the objects.
    pictures : iterable of str
        In the same order.
    """
    files = []
    for number, (name, picture) in enumerate(zip(names, pictures, strict=True), start=first + 1):
        path = folder / f"{number:06d}-{re.sub(r'[^A-Za-z0-9.-]+', '_', str(name))}.svg"
        with whole(path) as part:
            part.write_text(picture, encoding="utf-8")
        files.append(path)
    return files

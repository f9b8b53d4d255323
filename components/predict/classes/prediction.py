"""Classes of new spectra: files in, a table with probabilities and warnings out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from components.common.errors import InputError
from components.common.files import whole
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.tables import Columns, TableWriter, column
from components.common.telemetry import report_counts, report_progress, stage
from components.ingest.sdss_spectra.batches import SPECTRA_PER_BATCH, read_spectra
from components.predict.classes.warnings import describe, find_warnings
from components.predict.spectra.prediction import Settings, find_inputs
from components.preprocess.spectra.preparation import REASONS, Preparation, Prepared, prepare

__all__ = ["Settings", "predict"]


class Model(Protocol):
    """What prediction needs of a model, whoever trained it."""

    @property
    def preprocess_settings(self) -> Mapping[str, Any]:
        """How the spectra that it was trained on were prepared."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of its classes."""
        ...

    def predict(self, *data: npt.NDArray[np.float32]) -> Any:
        """Predict probabilities from normalised flux and inverse variance, both of shape (n, pixels)."""
        ...


@dataclass(frozen=True)
class Predicted:
    """Predictions for those of n spectra that can be used.

    Attributes
    ----------
    columns : dict of str to ndarray
        As of `fields`.
    probability : ndarray, shape (m, classes)
        Of the same rows.
    prepared : Prepared
        What the model was given, of the same rows.
    preparation : Preparation
        How it was prepared, and where its pixels lie.
    rows : ndarray of int
        Which of the n spectra these rows are.
    rejected : list of (str, str, str)
        Id, reason and detail of the others.
    """

    columns: Columns
    probability: npt.NDArray[np.float64]
    prepared: Prepared
    preparation: Preparation
    rows: npt.NDArray[np.intp]
    rejected: list[tuple[str, str, str]]


def fields(classes: Sequence[str]) -> list[pa.Field]:
    """Fields of `predictions.parquet`."""
    return [
        column("id", "string", "plate-mjd-fiber, or the name of the file"),
        column("file", "string", "the spectrum's file"),
        column("label", "string", "most probable class"),
        column("probability", "float64", "its probability"),
        *(column(f"probability_{name}", "float64", f"probability of {name}") for name in classes),
        column("warning", "int64", "sum of the bits in components/predict/classes/warnings.py; 0 is good"),
        column("warnings", "string", "names of the bits that are set, separated by spaces"),
        column("sn_median", "float32", "median signal-to-noise ratio per lattice pixel"),
        column("coverage", "float32", "fraction of the model's grid that is observed"),
        column("file_class", "string", "what the survey's pipeline says in the file"),
        column("file_redshift", "float64", "what the survey's pipeline says in the file; NaN where nothing"),
    ]


def predict_table(spectra: Columns, model: Model, files: Sequence[str] | None = None) -> Predicted:
    """Predict the classes of spectra in memory.

    Parameters
    ----------
    spectra : dict of str to ndarray
        Columns as of the ingest stage, such as `read_spectra(paths).columns`.
    model : Model
        Such as `load_model(folder)`.
    files : sequence of str, optional
        File of each spectrum, for the table.

    Returns
    -------
    Predicted
        Its rows and its rejected ones together are the spectra.
    """
    if not model.classes:
        raise InputError(
            "The model was trained to predict a number, not classes.", "Give a model of an exercise with classes."
        )
    preparation = Preparation.from_settings(model.preprocess_settings)
    every = prepare(spectra["flux"], spectra["ivar"], spectra["first_pixel"], spectra["pixels"], preparation)
    rows, unusable = np.flatnonzero(every.good), np.flatnonzero(~every.good)
    rejected = [(str(spectra["id"][row]), *REASONS[int(every.status[row])]) for row in unusable]
    prepared = every[rows]
    own = {name: values[rows] for name, values in spectra.items() if name not in ("flux", "ivar")}
    own["file"] = np.array(list(files) if files else [""] * len(every.status), dtype=object)[rows]
    probability = np.zeros((0, len(model.classes)))
    if rows.size:
        probability = model.predict(prepared.flux, prepared.ivar)
    columns = _columns(probability, own, prepared, model.classes)
    return Predicted(columns, probability, prepared, preparation, rows, rejected)


def predict(inputs: Path | Sequence[Path], model: Path, output: Path, settings: Settings) -> None:
    """Predict the classes of spectrum files.

    Parameters
    ----------
    inputs : Path or sequence of Path
        Folders, searched for spectra, and files.
    model : Path
        Folder that a train stage wrote.
    output : Path
        Folder for `predictions.parquet` and `rejected.parquet`, the files that could not be used and why; with
        `predictions.csv` and `plots/` as the settings say.
    settings : Settings
        What to write.

    Raises
    ------
    InputError
        When there is no spectrum in the inputs, or not one of them can be used: the reasons are then in
        `rejected.parquet`.
    """
    from components.train.conv1d.inference import load_model  # imports torch

    with stage("predict", output):
        files = find_inputs(inputs)
        provenance = Provenance(
            origin="real",
            archive="files",
            query=" ".join(str(path) for path in ([inputs] if isinstance(inputs, Path) else inputs)),
            retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
            requested=len(files),
            notes=(f"Predicted with the model in {model}.",),
        )
        write_predictions(files, load_model(model), output, settings, provenance)


def write_predictions(
    files: Sequence[Path], model: Model, output: Path, settings: Settings, provenance: Provenance
) -> None:
    """Predict for files with a model in memory; otherwise as `predict`."""
    rejections = Rejections()
    tables: list[pd.DataFrame] = []
    output.mkdir(parents=True, exist_ok=True)
    with TableWriter(output / "predictions.parquet", fields(model.classes), provenance) as writer:
        for predicted in _predictions(files, model, rejections):
            if settings.plots:
                _draw(predicted, writer.rows, output / "plots")
            if settings.csv:
                tables.append(pd.DataFrame(predicted.columns))
            writer.write(predicted.columns)
            report_progress(writer.rows + len(rejections), len(files), "spectra", rejected=len(rejections))
        writer.provenance = provenance.with_rejected(rejections.counts)
    rejections.write(output / "rejected.parquet", writer.provenance)
    if settings.csv:
        names = [field.name for field in fields(model.classes)]
        with whole(output / "predictions.csv") as part:
            table = pd.concat(tables) if tables else pd.DataFrame(columns=names)
            table[names].to_csv(part, index=False, float_format="%.6g")
    report_counts(rows_in=len(files), rows_out=writer.rows, rejected=len(rejections))
    if not writer.rows:
        raise InputError(
            f"None of the {len(files)} spectra can be used: {rejections.counts}.",
            f"Read why in {output / 'rejected.parquet'}.",
        )


def _predictions(files: Sequence[Path], model: Model, rejections: Rejections) -> Iterator[Predicted]:
    for start in range(0, len(files), SPECTRA_PER_BATCH):
        reading = read_spectra(files[start : start + SPECTRA_PER_BATCH])
        rejected = list(reading.rejected)
        if reading.files:
            predicted = predict_table(reading.columns, model, [str(file) for file in reading.files])
            rejected += predicted.rejected
            if predicted.rows.size:
                yield predicted
        for row in rejected:
            rejections.add(*row)


def _columns(
    probability: npt.NDArray[np.float64], own: Columns, prepared: Prepared, classes: Sequence[str]
) -> Columns:
    bits = find_warnings(probability, prepared.coverage, own)
    names = {value: " ".join(describe(int(value))) for value in np.unique(bits)}
    return {
        "id": own["id"],
        "file": own["file"],
        "label": np.array(classes, dtype=object)[probability.argmax(axis=1)],
        "probability": probability.max(axis=1, initial=0.0),
        **{f"probability_{name}": probability[:, k] for k, name in enumerate(classes)},
        "warning": bits,
        "warnings": np.array([names[value] for value in bits], dtype=object),
        "sn_median": own["sn_median"],
        "coverage": prepared.coverage,
        "file_class": own["spectral_class"],
        "file_redshift": own["redshift"],
    }


def _draw(predicted: Predicted, first: int, folder: Path) -> None:
    from components.predict.classes.plots import draw_predictions  # matplotlib, only where asked for

    draw_predictions(predicted, first, folder)

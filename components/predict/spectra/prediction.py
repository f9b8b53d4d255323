"""Redshifts of new spectra: files in, a table with uncertainties and warnings out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.common.distributions import ONE_SIGMA, BinnedDistribution
from components.common.errors import InputError
from components.common.files import whole
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.tables import Columns, TableWriter, column
from components.common.telemetry import report_counts, report_progress, stage
from components.ingest.sdss_spectra.batches import SPECTRA_PER_BATCH, read_spectra
from components.ingest.sdss_spectra.files_source import LABELS, find_spectra
from components.predict.spectra.peaks import find_peaks
from components.predict.spectra.warnings import LINE_WIDTH_KM_S, describe, find_warnings
from components.preprocess.spectra.preparation import REASONS, Preparation, Prepared, prepare

FIELDS = (
    column("id", "string", "plate-mjd-fiber, or the name of the file"),
    column("file", "string", "the spectrum's file"),
    column("redshift", "float64", "mean of the strongest peak of the predicted distribution"),
    column("sigma", "float64", "half the central 68.27 % interval"),
    column("low68", "float64", "lower end of the central 68.27 % interval"),
    column("high68", "float64", "upper end of the central 68.27 % interval"),
    column("confidence", "float64", f"probability within {LINE_WIDTH_KM_S:.0f} km/s of the redshift"),
    column("second_redshift", "float64", "the next best peak; NaN where it has below one per cent"),
    column("warning", "int64", "sum of the bits in components/predict/spectra/warnings.py; 0 is good"),
    column("warnings", "string", "names of the bits that are set, separated by spaces"),
    column("sn_median", "float32", "median signal-to-noise ratio per lattice pixel"),
    column("coverage", "float32", "fraction of the model's grid that is observed"),
    column("file_redshift", "float64", "what the survey's pipeline says in the file; NaN where nothing"),
)
"""Fields of `predictions.parquet`."""


class Model(Protocol):
    """What prediction needs of a model, whoever trained it."""

    @property
    def preprocess_settings(self) -> Mapping[str, Any]:
        """How the spectra that it was trained on were prepared."""
        ...

    def predict(self, flux: npt.NDArray[np.float32], ivar: npt.NDArray[np.float32]) -> BinnedDistribution:
        """Predict from prepared spectra, both of shape (n, pixels)."""
        ...


_NO_DISTRIBUTION = BinnedDistribution(np.array([0.0, 1.0]), np.empty((0, 1), dtype=np.float32))


@dataclass(frozen=True)
class Settings:
    """What to write.

    Attributes
    ----------
    csv : bool
        Also write `predictions.csv`.
    plots : bool
        Also draw every spectrum, with the lines at its redshift and the distribution, into `plots/`.
    """

    csv: bool = False
    plots: bool = False


@dataclass(frozen=True)
class Predicted:
    """Predictions for those of n spectra that can be used.

    Attributes
    ----------
    columns : dict of str to ndarray
        As in `FIELDS`.
    distribution : BinnedDistribution
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
    distribution: BinnedDistribution
    prepared: Prepared
    preparation: Preparation
    rows: npt.NDArray[np.intp]
    rejected: list[tuple[str, str, str]]


def predict_table(spectra: Columns, model: Model, files: Sequence[str] | None = None) -> Predicted:
    """Predict the redshifts of spectra in memory.

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
    preparation = Preparation.from_settings(model.preprocess_settings)
    every = prepare(spectra["flux"], spectra["ivar"], spectra["first_pixel"], spectra["pixels"], preparation)
    rows, unusable = np.flatnonzero(every.good), np.flatnonzero(~every.good)
    rejected = [(str(spectra["id"][row]), *REASONS[int(every.status[row])]) for row in unusable]
    prepared = every[rows]
    own = {name: values[rows] for name, values in spectra.items() if name not in ("flux", "ivar")}
    own["file"] = np.array(list(files) if files else [""] * len(every.status), dtype=object)[rows]
    distribution = model.predict(prepared.flux, prepared.ivar) if rows.size else _NO_DISTRIBUTION
    return Predicted(_columns(distribution, own, prepared), distribution, prepared, preparation, rows, rejected)


def predict(inputs: Path | Sequence[Path], model: Path, output: Path, settings: Settings) -> None:
    """Predict the redshifts of spectrum files.

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
            query=" ".join(str(path) for path in _listed(inputs)),
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
    with TableWriter(output / "predictions.parquet", FIELDS, provenance) as writer:
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
        _write_csv(output / "predictions.csv", tables)
    report_counts(rows_in=len(files), rows_out=writer.rows, rejected=len(rejections))
    if not writer.rows:
        raise InputError(
            f"None of the {len(files)} spectra can be used: {rejections.counts}.",
            f"Read why in {output / 'rejected.parquet'}.",
        )


def find_inputs(inputs: Path | Sequence[Path]) -> list[Path]:
    """List files as they are given, and the spectra below folders."""
    files: list[Path] = []
    for path in _listed(inputs):
        files += find_spectra(path) if path.is_dir() else [path]
    files = [path for path in files if path.name != LABELS]  # comes with spec-* and *.csv on a command line
    if not files:
        raise InputError("There is no spectrum to predict for.", "Name spec-*.fits files, or a folder with some.")
    return files


def _listed(inputs: Path | Sequence[Path]) -> list[Path]:
    return [inputs] if isinstance(inputs, Path) else list(inputs)


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


def _columns(distribution: BinnedDistribution, own: Columns, prepared: Prepared) -> Columns:
    peaks = find_peaks(distribution, LINE_WIDTH_KM_S)
    low, high = distribution.interval(ONE_SIGMA)
    columns: Columns = {
        "id": own["id"],
        "file": own["file"],
        "redshift": peaks.redshift,
        "sigma": (high - low) / 2,
        "low68": low,
        "high68": high,
        "confidence": peaks.mass,
        "second_redshift": peaks.second_redshift,
        "sn_median": own["sn_median"],
        "coverage": prepared.coverage,
        "file_redshift": own["redshift"],
    }
    bits = find_warnings(columns, own, peaks.second_mass, peaks.at_edge)
    names = {value: " ".join(describe(int(value))) for value in np.unique(bits)}
    return {**columns, "warning": bits, "warnings": np.array([names[value] for value in bits], dtype=object)}


def _write_csv(path: Path, tables: list[pd.DataFrame]) -> None:
    empty = pd.DataFrame(columns=[field.name for field in FIELDS])
    table = pd.concat(tables) if tables else empty
    with whole(path) as part:
        table[empty.columns].to_csv(part, index=False, float_format="%.6g")


def _draw(predicted: Predicted, first: int, folder: Path) -> None:
    from components.predict.spectra.plots import draw_predictions  # matplotlib, only where asked for

    draw_predictions(
        predicted.columns,
        predicted.distribution,
        predicted.prepared,
        predicted.preparation,
        first,
        folder,
    )

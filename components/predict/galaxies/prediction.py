"""Redshifts and magnitudes of new spectra: files in, a table with uncertainties out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.common.errors import InputError
from components.common.files import whole
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.tables import Columns, TableWriter, column
from components.common.telemetry import report_counts, report_progress, stage
from components.ingest.sdss_spectra.batches import SPECTRA_PER_BATCH, read_spectra
from components.predict.galaxies.warnings import describe, find_warnings
from components.predict.spectra.prediction import find_inputs
from components.preprocess.spectra.preparation import REASONS, Preparation, Prepared, prepare
from components.train.regressors.inference import RegressorModel, load_model

FIELDS = (
    column("id", "string", "plate-mjd-fiber, or the name of the file"),
    column("file", "string", "the spectrum's file"),
    column("redshift", "float64", "predicted"),
    column(
        "sigma", "float64", "half the central 68.27 % interval; NaN where the model knows of none (UNFAMILIAR)"
    ),
    column("low68", "float64", "lower end of that interval"),
    column("high68", "float64", "upper end of that interval"),
    column("magnitude_r", "float64", "predicted r magnitude of the light in the fibre", "mag"),
    column("magnitude_r_sigma", "float64", "half the central 68.27 % interval, NaN as sigma", "mag"),
    column("warning", "int64", "sum of the bits in components/predict/galaxies/warnings.py; 0 is good"),
    column("warnings", "string", "names of the bits that are set, separated by spaces"),
    column("sn_median", "float32", "median signal-to-noise ratio per lattice pixel"),
    column("coverage", "float32", "fraction of the model's grid that is observed"),
    column("file_redshift", "float64", "what the survey's pipeline says in the file; NaN where nothing"),
)
"""Fields of `predictions.parquet`."""


@dataclass(frozen=True)
class Predicted:
    """Predictions for those of n spectra that can be used.

    Attributes
    ----------
    columns : dict of str to ndarray
        As of `FIELDS`.
    inputs : dict of str to ndarray
        What the model was given, of the same rows: `features.COLUMNS`.
    prepared : Prepared
        The same, as it was prepared.
    preparation : Preparation
        How, and where its pixels lie.
    rows : ndarray of int
        Which of the n spectra these rows are.
    rejected : list of (str, str, str)
        Id, reason and detail of the others.
    """

    columns: Columns
    inputs: Columns
    prepared: Prepared
    preparation: Preparation
    rows: npt.NDArray[np.intp]
    rejected: list[tuple[str, str, str]]


def predict(inputs: Sequence[Path], model: Path, output: Path, *, csv: bool = False, plots: bool = False) -> None:
    """Predict for spectrum files.

    Parameters
    ----------
    inputs : sequence of Path
        Folders, searched for spectra, and files.
    model : Path
        Folder of a trained regressor.
    output : Path
        Folder for `predictions.parquet` and `rejected.parquet`, the files that could not be used and why.
    csv : bool
        Also write `predictions.csv`.
    plots : bool
        Also draw every spectrum, with the lines at its redshift, into `plots/`.

    Raises
    ------
    InputError
        When there is no spectrum in the inputs, or not one of them can be used.
    """
    with stage("predict", output):
        files = find_inputs(inputs)
        provenance = Provenance(
            origin="real",
            archive="files",
            query=" ".join(str(path) for path in inputs),
            retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
            requested=len(files),
            notes=(f"Predicted with the model in {model}.",),
        )
        rejections = Rejections()
        tables: list[pd.DataFrame] = []
        output.mkdir(parents=True, exist_ok=True)
        regressor = load_model(model)
        with TableWriter(output / "predictions.parquet", FIELDS, provenance) as writer:
            for predicted in _predictions(files, regressor, rejections):
                if plots:
                    _draw(predicted, output / "plots")
                tables.append(pd.DataFrame(predicted.columns))
                writer.write(predicted.columns)
                report_progress(writer.rows + len(rejections), len(files), "spectra", rejected=len(rejections))
            writer.provenance = provenance.with_rejected(rejections.counts)
        rejections.write(output / "rejected.parquet", writer.provenance)
        if csv:
            _write_csv(output / "predictions.csv", tables)
        report_counts(rows_in=len(files), rows_out=writer.rows, rejected=len(rejections))
        if not writer.rows:
            raise InputError(
                f"None of the {len(files)} spectra can be used: {rejections.counts}.",
                f"Read why in {output / 'rejected.parquet'}.",
            )


def predict_table(spectra: Columns, model: RegressorModel, files: Sequence[str] | None = None) -> Predicted:
    """Predict for spectra in memory.

    Parameters
    ----------
    spectra : dict of str to ndarray
        Columns as of the ingest stage, such as `read_spectra(paths).columns`.
    model : RegressorModel
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
    inputs: Columns = {name: getattr(prepared, name) for name in ("flux", "ivar", "offset", "scale", "coverage")}
    own = {name: values[rows] for name, values in spectra.items() if name not in ("flux", "ivar")}
    own["file"] = np.array(list(files) if files else [""] * len(every.status), dtype=object)[rows]
    return Predicted(_columns(own, inputs, model), inputs, prepared, preparation, rows, rejected)


def _columns(own: Columns, inputs: Columns, model: RegressorModel) -> Columns:
    found = model.predict(inputs)
    redshift, magnitude = found["redshift"], found["magnitude_r"]
    unfamiliar = model.familiarity.departure(inputs) > model.familiarity.limit
    bits = find_warnings(redshift.value, model.record["redshift_range"], inputs["coverage"], unfamiliar, own)
    names = {value: " ".join(describe(int(value))) for value in np.unique(bits)}

    def if_familiar(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Withhold what was never measured for such spectra."""
        return np.where(unfamiliar, np.nan, values)

    return {
        "id": own["id"],
        "file": own["file"],
        "redshift": redshift.value,
        "sigma": if_familiar(redshift.sigma),
        "low68": if_familiar(redshift.low68),
        "high68": if_familiar(redshift.high68),
        "magnitude_r": magnitude.value,
        "magnitude_r_sigma": if_familiar(magnitude.sigma),
        "warning": bits,
        "warnings": np.array([names[value] for value in bits], dtype=object),
        "sn_median": own["sn_median"],
        "coverage": inputs["coverage"],
        "file_redshift": own["redshift"],
    }


def _predictions(files: Sequence[Path], model: RegressorModel, rejections: Rejections) -> Iterator[Predicted]:
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


def _write_csv(path: Path, tables: list[pd.DataFrame]) -> None:
    empty = pd.DataFrame(columns=[field.name for field in FIELDS])
    table = pd.concat(tables) if tables else empty
    with whole(path) as part:
        table[empty.columns].to_csv(part, index=False, float_format="%.6g")


def _draw(predicted: Predicted, folder: Path) -> None:
    from components.predict.galaxies.plots import draw_spectra  # matplotlib, only where asked for

    draw_spectra(predicted.columns, predicted.prepared, predicted.preparation, folder)

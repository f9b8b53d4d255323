"""Redshifts and magnitudes of new spectra: files in, a table with uncertainties out."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from components.common.errors import InputError
from components.common.files import whole
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.tables import Columns, TableWriter, column
from components.common.telemetry import report_counts, report_progress, stage
from components.ingest.sdss_spectra.batches import SPECTRA_PER_BATCH, read_spectra
from components.predict.spectra.prediction import find_inputs
from components.preprocess.spectra.preparation import REASONS, Preparation, Prepared, prepare
from components.train.regressors.inference import RegressorModel, load_model

FIELDS = (
    column("id", "string", "plate-mjd-fiber, or the name of the file"),
    column("file", "string", "the spectrum's file"),
    column("redshift", "float64", "predicted"),
    column("sigma", "float64", "half the central 68.27 % interval"),
    column("low68", "float64", "lower end of that interval"),
    column("high68", "float64", "upper end of that interval"),
    column("magnitude_r", "float64", "predicted r magnitude of the light in the fibre", "mag"),
    column("magnitude_r_sigma", "float64", "half the central 68.27 % interval", "mag"),
    column("sn_median", "float32", "median signal-to-noise ratio per lattice pixel"),
    column("coverage", "float32", "fraction of the model's grid that is observed"),
    column("file_redshift", "float64", "what the survey's pipeline says in the file; NaN where nothing"),
)
"""Fields of `predictions.parquet`."""


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
            for columns, prepared, preparation in _predictions(files, regressor, rejections):
                if plots:
                    _draw(columns, prepared, preparation, output / "plots")
                tables.append(pd.DataFrame(columns))
                writer.write(columns)
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


def predict_table(
    spectra: Columns, model: RegressorModel, files: Sequence[str] | None = None
) -> tuple[Columns, Prepared, Preparation, list[tuple[str, str, str]], np.ndarray[tuple[int], np.dtype[np.intp]]]:
    """Predict for spectra in memory.

    Returns
    -------
    dict of str to ndarray
        Columns of `FIELDS`, for the spectra that can be used.
    Prepared, Preparation
        What the model was given of them.
    list of (str, str, str)
        Id, reason and detail of the others.
    ndarray of int
        Which of the spectra can be used.
    """
    preparation = Preparation.from_settings(model.preprocess_settings)
    every = prepare(spectra["flux"], spectra["ivar"], spectra["first_pixel"], spectra["pixels"], preparation)
    rows, unusable = np.flatnonzero(every.good), np.flatnonzero(~every.good)
    rejected = [(str(spectra["id"][row]), *REASONS[int(every.status[row])]) for row in unusable]
    prepared = every[rows]
    inputs = {name: getattr(prepared, name) for name in ("flux", "ivar", "offset", "scale", "coverage")}
    found = model.predict(inputs)
    redshift, magnitude = found["redshift"], found["magnitude_r"]
    names = np.array(list(files) if files else [""] * len(every.status), dtype=object)
    columns: Columns = {
        "id": spectra["id"][rows],
        "file": names[rows],
        "redshift": redshift.value,
        "sigma": redshift.sigma,
        "low68": redshift.low68,
        "high68": redshift.high68,
        "magnitude_r": magnitude.value,
        "magnitude_r_sigma": magnitude.sigma,
        "sn_median": spectra["sn_median"][rows],
        "coverage": prepared.coverage,
        "file_redshift": spectra["redshift"][rows],
    }
    return columns, prepared, preparation, rejected, rows


def _predictions(
    files: Sequence[Path], model: RegressorModel, rejections: Rejections
) -> Iterator[tuple[Columns, Prepared, Preparation]]:
    for start in range(0, len(files), SPECTRA_PER_BATCH):
        reading = read_spectra(files[start : start + SPECTRA_PER_BATCH])
        rejected = list(reading.rejected)
        if reading.files:
            names = [str(file) for file in reading.files]
            columns, prepared, preparation, unusable, rows = predict_table(reading.columns, model, names)
            rejected += unusable
            if rows.size:
                yield columns, prepared, preparation
        for row in rejected:
            rejections.add(*row)


def _write_csv(path: Path, tables: list[pd.DataFrame]) -> None:
    empty = pd.DataFrame(columns=[field.name for field in FIELDS])
    table = pd.concat(tables) if tables else empty
    with whole(path) as part:
        table[empty.columns].to_csv(part, index=False, float_format="%.6g")


def _draw(columns: Columns, prepared: Prepared, preparation: Preparation, folder: Path) -> None:
    from components.predict.galaxies.plots import draw_spectra  # matplotlib, only where asked for

    draw_spectra(columns, prepared, preparation, folder)

"""Redshifts of new spectra: files in, a table with uncertainties and warnings out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from components.common.distributions import ONE_SIGMA, BinnedDistribution
from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.tables import Columns, column
from components.common.telemetry import stage
from components.predict import writing
from components.predict.spectra.peaks import find_peaks
from components.predict.spectra.spectrum_files import Ready, find_inputs, make_ready, predict_files
from components.predict.spectra.warnings import BITS, LINE_WIDTH_KM_S, find_warnings
from components.predict.warning_bits import warning_columns
from components.predict.writing import Settings

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
class Predicted:
    """Predictions for those of n spectra that can be used.

    Attributes
    ----------
    columns : dict of str to ndarray
        As in `FIELDS`.
    distribution : BinnedDistribution
        Of the same rows.
    ready : Ready
        What the model was given, and the spectra that cannot be used.
    """

    columns: Columns
    distribution: BinnedDistribution
    ready: Ready


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
    ready = make_ready(spectra, model.preprocess_settings, files)
    prepared = ready.prepared
    distribution = model.predict(prepared.flux, prepared.ivar) if ready.rows.size else _NO_DISTRIBUTION
    return Predicted(_columns(distribution, ready), distribution, ready)


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
        provenance = writing.of_files(inputs, len(files), model)
        network = load_model(model)
        if network.classes:
            raise InputError(
                f"The model in {model} tells {', '.join(network.classes)} apart and knows no redshifts.",
                "Give a model of quasar-redshift.",
            )
        write_predictions(files, network, output, settings, provenance)


def write_predictions(
    files: Sequence[Path], model: Model, output: Path, settings: Settings, provenance: Provenance
) -> None:
    """Predict for files with a model in memory; otherwise as `predict`."""
    rejections = Rejections()
    predictions = predict_files(files, lambda *spectra: predict_table(spectra[0], model, spectra[1]), rejections)
    writing.write_predictions(output, FIELDS, len(files), predictions, rejections, provenance, settings, _draw)


def _columns(distribution: BinnedDistribution, ready: Ready) -> Columns:
    own = ready.own
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
        "coverage": ready.prepared.coverage,
        "file_redshift": own["redshift"],
    }
    bits = find_warnings(columns, own, peaks.second_mass, peaks.at_edge)
    return {**columns, **warning_columns(bits, BITS)}


def _draw(predicted: Predicted, first: int, folder: Path) -> None:
    from components.predict.spectra.plots import draw_predictions  # matplotlib, only where asked for

    draw_predictions(
        predicted.columns,
        predicted.distribution,
        predicted.ready.prepared,
        predicted.ready.preparation,
        first,
        folder,
    )

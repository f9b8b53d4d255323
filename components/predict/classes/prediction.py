"""Classes of new spectra: files in, a table with probabilities and warnings out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.tables import Columns, column
from components.common.telemetry import stage
from components.predict import writing
from components.predict.classes.warnings import BITS, find_warnings
from components.predict.spectra.spectrum_files import Ready, find_inputs, make_ready, predict_files
from components.predict.warning_bits import warning_columns
from components.predict.writing import Settings


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
    ready : Ready
        What the model was given, and the spectra that cannot be used.
    """

    columns: Columns
    probability: npt.NDArray[np.float64]
    ready: Ready


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
    ready = make_ready(spectra, model.preprocess_settings, files)
    probability = np.zeros((0, len(model.classes)))
    if ready.rows.size:
        probability = model.predict(ready.prepared.flux, ready.prepared.ivar)
    return Predicted(_columns(probability, ready, model.classes), probability, ready)


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
        provenance = writing.of_files(inputs, len(files), model)
        write_predictions(files, load_model(model), output, settings, provenance)


def write_predictions(
    files: Sequence[Path], model: Model, output: Path, settings: Settings, provenance: Provenance
) -> None:
    """Predict for files with a model in memory; otherwise as `predict`."""
    rejections = Rejections()
    predictions = predict_files(files, lambda *spectra: predict_table(spectra[0], model, spectra[1]), rejections)
    writing.write_predictions(
        output, fields(model.classes), len(files), predictions, rejections, provenance, settings, _draw
    )


def _columns(probability: npt.NDArray[np.float64], ready: Ready, classes: Sequence[str]) -> Columns:
    own, coverage = ready.own, ready.prepared.coverage
    return {
        "id": own["id"],
        "file": own["file"],
        "label": np.array(classes, dtype=object)[probability.argmax(axis=1)],
        "probability": probability.max(axis=1, initial=0.0),
        **{f"probability_{name}": probability[:, k] for k, name in enumerate(classes)},
        **warning_columns(find_warnings(probability, coverage, own), BITS),
        "sn_median": own["sn_median"],
        "coverage": coverage,
        "file_class": own["spectral_class"],
        "file_redshift": own["redshift"],
    }


def _draw(predicted: Predicted, first: int, folder: Path) -> None:
    from components.predict.classes.plots import draw_predictions  # matplotlib, only where asked for

    draw_predictions(predicted, first, folder)

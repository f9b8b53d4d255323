"""Redshifts and magnitudes of new spectra: files in, a table with uncertainties out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from components.common.rejections import Rejections
from components.common.tables import Columns, column
from components.common.telemetry import stage
from components.predict import writing
from components.predict.galaxies.warnings import BITS, find_warnings
from components.predict.spectra.spectrum_files import Ready, find_inputs, make_ready, predict_files
from components.predict.warning_bits import warning_columns
from components.predict.writing import Settings
from components.train.regressors.features import FURTHER
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
"""Fields of `predictions.parquet`, and then those of the further targets that the model has."""

FURTHER_FIELDS = {
    "velocity_dispersion": (
        column("velocity_dispersion", "float64", "predicted, of the stars", "km/s"),
        column("velocity_dispersion_sigma", "float64", "half the central 68.27 % interval, NaN as sigma", "km/s"),
    ),
    "stellar_mass": (
        column("stellar_mass", "float64", "predicted, log10 of the mass of all stars", "log10(solMass)"),
        column("stellar_mass_sigma", "float64", "half the central 68.27 % interval, NaN as sigma", "dex"),
    ),
}


@dataclass(frozen=True)
class Predicted:
    """Predictions for those of n spectra that can be used.

    Attributes
    ----------
    columns : dict of str to ndarray
        As of `FIELDS`.
    inputs : dict of str to ndarray
        What the model was given, of the same rows: `features.COLUMNS`.
    ready : Ready
        The same as it was prepared, and the spectra that cannot be used.
    """

    columns: Columns
    inputs: Columns
    ready: Ready


def predict(inputs: Path | Sequence[Path], model: Path, output: Path, settings: Settings) -> None:
    """Predict for spectrum files.

    Parameters
    ----------
    inputs : Path or sequence of Path
        Folders, searched for spectra, and files.
    model : Path
        Folder of a trained regressor.
    output : Path
        Folder for `predictions.parquet` and `rejected.parquet`, the files that could not be used and why.
    settings : Settings
        What to write.

    Raises
    ------
    InputError
        When there is no spectrum in the inputs, or not one of them can be used.
    """
    with stage("predict", output):
        files = find_inputs(inputs)
        provenance = writing.of_files(inputs, len(files), model)
        rejections, regressor, further = Rejections(), load_model(model), load_further(model)
        predictions = predict_files(
            files, lambda *spectra: predict_table(spectra[0], regressor, spectra[1], further), rejections
        )
        fields = (*FIELDS, *(field for name in further for field in FURTHER_FIELDS[name]))
        writing.write_predictions(output, fields, len(files), predictions, rejections, provenance, settings, _draw)


def load_further(model: Path) -> dict[str, RegressorModel]:
    """Read the models of further targets that a training put beside its best model; none where there are none."""
    return {name: load_model(model / "further" / name) for name in FURTHER if (model / "further" / name).is_dir()}


def predict_table(
    spectra: Columns,
    model: RegressorModel,
    files: Sequence[str] | None = None,
    further: Mapping[str, RegressorModel] | None = None,
) -> Predicted:
    """Predict for spectra in memory.

    Parameters
    ----------
    spectra : dict of str to ndarray
        Columns as of the ingest stage, such as `read_spectra(paths).columns`.
    model : RegressorModel
        Such as `load_model(folder)`.
    files : sequence of str, optional
        File of each spectrum, for the table.
    further : mapping of str to RegressorModel, optional
        Such as `load_further(folder)`.

    Returns
    -------
    Predicted
        Its rows and its rejected ones together are the spectra.
    """
    ready = make_ready(spectra, model.preprocess_settings, files)
    names = ("flux", "ivar", "offset", "scale", "coverage")
    inputs: Columns = {name: getattr(ready.prepared, name) for name in names}
    return Predicted(_columns(ready.own, inputs, model, further or {}), inputs, ready)


def _columns(
    own: Columns, inputs: Columns, model: RegressorModel, further: Mapping[str, RegressorModel]
) -> Columns:
    found = model.predict(inputs)
    redshift, magnitude = found["redshift"], found["magnitude_r"]
    unfamiliar = model.familiarity.departure(inputs) > model.familiarity.limit
    bits = find_warnings(redshift.value, model.record["redshift_range"], inputs["coverage"], unfamiliar, own)

    def if_familiar(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Withhold what was never measured for such spectra."""
        return np.where(unfamiliar, np.nan, values)

    beside: Columns = {}
    for name, other in further.items():
        answer = other.predict(inputs)[name]
        beside |= {name: answer.value, f"{name}_sigma": if_familiar(answer.sigma)}
    return {
        "id": own["id"],
        "file": own["file"],
        "redshift": redshift.value,
        "sigma": if_familiar(redshift.sigma),
        "low68": if_familiar(redshift.low68),
        "high68": if_familiar(redshift.high68),
        "magnitude_r": magnitude.value,
        "magnitude_r_sigma": if_familiar(magnitude.sigma),
        **warning_columns(bits, BITS),
        "sn_median": own["sn_median"],
        "coverage": inputs["coverage"],
        "file_redshift": own["redshift"],
        **beside,
    }


def _draw(predicted: Predicted, first: int, folder: Path) -> None:
    from components.predict.galaxies.plots import draw_spectra  # matplotlib, only where asked for

    draw_spectra(predicted.columns, predicted.ready.prepared, predicted.ready.preparation, first, folder)

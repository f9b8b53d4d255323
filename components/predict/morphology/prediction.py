"""Classes of new galaxies: tables in, a table with probabilities and warnings out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.common.rejections import Rejections
from components.common.tables import Columns, column
from components.common.telemetry import stage, warn
from components.ingest.galaxy_zoo.files_source import paths_of, read_whole
from components.predict import writing
from components.predict.morphology.warnings import BITS, find_warnings
from components.predict.warning_bits import warning_columns
from components.predict.writing import Settings
from components.preprocess.morphology_table.columns import features_of, needed
from components.train.boosted_trees.inference import BoostedTreesModel, load_model
from components.train.boosted_trees.rows import stack

NOTHING_MEASURED = "nothing measured"


@dataclass(frozen=True)
class Predicted:
    """Predictions for those of n galaxies that can be used.

    Attributes
    ----------
    columns : dict of str to ndarray
        As of `fields`.
    probability : ndarray, shape (m, classes)
        Of the same rows.
    features : ndarray, shape (m, features)
        What the model was given, of the same rows.
    rows : ndarray of int
        Which of the n galaxies these rows are.
    rejected : list of (str, str, str)
        Id, reason and detail of the others.
    model : BoostedTreesModel
        What predicted.
    """

    columns: Columns
    probability: npt.NDArray[np.float64]
    features: npt.NDArray[np.float32]
    rows: npt.NDArray[np.intp]
    rejected: list[tuple[str, str, str]]
    model: BoostedTreesModel


def fields(classes: Sequence[str]) -> list[pa.Field]:
    """Fields of `predictions.parquet`."""
    return [
        column("id", "string", "identifier in the table, or the number of the row"),
        column("file", "string", "the table"),
        column("label", "string", "most probable class"),
        column("probability", "float64", "its probability"),
        *(column(f"probability_{name}", "float64", f"probability of {name}") for name in classes),
        column("warning", "int64", "sum of the bits in components/predict/morphology/warnings.py; 0 is good"),
        column("warnings", "string", "names of the bits that are set, separated by spaces"),
        column("measured", "int64", "how many of the model's features the table has for it"),
        column("gz2_class", "string", "what the table says, where it says something"),
    ]


def predict_table(galaxies: Columns, model: BoostedTreesModel, file: str = "") -> Predicted:
    """Predict the classes of galaxies in memory.

    Parameters
    ----------
    galaxies : dict of str to ndarray
        Columns named as of the ingest stage, such as `read_whole(path)`; what is missing counts as not measured.
    model : BoostedTreesModel
        Such as `load_model(folder)`.
    file : str
        Where they are from, for the table.

    Returns
    -------
    Predicted
        Its rows and its rejected ones together are the galaxies.

    Raises
    ------
    InputError
        When the table has not one of the columns that the model needs.
    """
    names = _identify(galaxies)
    features = stack(features_of(galaxies, model.features), model.features)
    measured = np.isfinite(features).sum(axis=1)
    rows = np.flatnonzero(measured > 0)
    why = "not one of the model's features has a value"
    rejected = [(str(names[row]), NOTHING_MEASURED, why) for row in np.flatnonzero(measured == 0)]
    probability = model.predict(features[rows])
    bits = find_warnings(probability, features[rows], model.features, model.record.get("ranges", {}))
    told = galaxies.get("gz2_class", np.full(len(names), "", dtype=object))
    columns = {
        "id": names[rows],
        "file": np.full(len(rows), file, dtype=object),
        "label": np.array(model.classes, dtype=object)[probability.argmax(axis=1)],
        "probability": probability.max(axis=1, initial=0.0),
        **{f"probability_{name}": probability[:, k] for k, name in enumerate(model.classes)},
        **warning_columns(bits, BITS),
        "measured": measured[rows].astype(np.int64),
        "gz2_class": told[rows],
    }
    return Predicted(columns, probability, features[rows], rows, rejected, model)


def predict(inputs: Path | Sequence[Path], model: Path, output: Path, settings: Settings) -> None:
    """Predict the classes of galaxies in files.

    Parameters
    ----------
    inputs : Path or sequence of Path
        CSV, FITS or Parquet files, also .gz, with columns named as SkyServer or our ingest stage names them, and
        folders of such files.
    model : Path
        Folder that a train stage wrote.
    output : Path
        Folder for `predictions.parquet` and `rejected.parquet`; with `predictions.csv` and `plots/` as settings
        say.
    settings : Settings
        What to write.

    Raises
    ------
    InputError
        When there is no table, it has none of the columns, or not one galaxy can be used.
    """
    with stage("predict", output):
        found = load_model(model, rivals=False)
        paths = [path for given in writing.listed(inputs) for path in paths_of(str(given))]
        tables = [(path, read_whole(path, ())) for path in paths]
        asked = sum(_count(table) for _, table in tables)
        rejections = Rejections()

        def predictions() -> Iterator[Predicted]:
            for path, table in tables:
                _warn_of_missing(table, found.features, path.name)
                predicted = predict_table(table, found, path.name)
                for row in predicted.rejected:
                    rejections.add(*row)
                if predicted.rows.size:
                    yield predicted

        provenance = writing.of_files(inputs, asked, model)
        writing.write_predictions(
            output,
            fields(found.classes),
            asked,
            predictions(),
            rejections,
            provenance,
            settings,
            _draw,
            "galaxies",
        )


def _warn_of_missing(galaxies: Columns, features: Sequence[str], file: str) -> None:
    """Say which features a table lacks as a whole: they count as not measured, and the answers are less sure."""
    lacking = [name for name in features if any(source not in galaxies for source in needed([name]))]
    if lacking:
        warn(
            f"{file} has no column for {len(lacking)} of the model's {len(features)} features, or calls it "
            f"otherwise: {', '.join(lacking)}. They count as not measured."
        )


def _identify(galaxies: Columns) -> npt.NDArray[np.object_]:
    """Name galaxies by their identifier, or by their row where there is none."""
    rows = np.array([f"row {number}" for number in range(_count(galaxies))], dtype=object)
    for name in ("id", "dr7objid"):
        if name in galaxies:
            known = galaxies[name]
            there = np.array([str(value) not in ("", "-1") for value in known.tolist()], dtype=bool)
            return np.where(there, known.astype(np.str_).astype(object), rows)
    return rows


def _count(galaxies: Columns) -> int:
    return len(next(iter(galaxies.values()))) if galaxies else 0


def _draw(predicted: Predicted, first: int, folder: Path) -> None:
    from components.predict.morphology.plots import draw_predictions  # matplotlib, only where asked for

    draw_predictions(predicted, first, folder)

"""Redshifts of pictures: files or positions in, a table with uncertainties and warnings out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from components.common.distributions import ONE_SIGMA, BinnedDistribution
from components.common.errors import InputError
from components.common.rejections import Rejections
from components.common.tables import Columns, column, read_settings
from components.common.telemetry import stage
from components.ingest.sdss_cutouts.settings import SKYSERVER
from components.predict import writing
from components.predict.cutouts.picture_inputs import Request, find_requests, read_requests
from components.predict.cutouts.warnings import BITS, find_warnings
from components.predict.warning_bits import warning_columns
from components.predict.writing import Settings
from components.preprocess.cutouts.preparation import REASONS, Preparation, inspect, pack
from components.preprocess.cutouts.preprocessing import corrected
from components.preprocess.cutouts.settings import LIMITS
from components.preprocess.cutouts.settings import Settings as Preprocessing
from components.train.image_cnn.side_inputs import SideInputs, stack_magnitudes

FIELDS = (
    column("id", "string", "of the row, or the name of the file"),
    column("file", "string", "the picture's file; empty where it was fetched"),
    column("redshift", "float64", "median of the predicted distribution"),
    column("sigma", "float64", "half the central 68.27 % interval"),
    column("low68", "float64", "lower end of the central 68.27 % interval"),
    column("high68", "float64", "upper end of the central 68.27 % interval"),
    column("warning", "int64", "sum of the bits in components/predict/cutouts/warnings.py; 0 is good"),
    column("warnings", "string", "names of the bits that are set, separated by spaces"),
    column("m_r", "float32", "model magnitude in r, without extinction; NaN where it was not given"),
    column("centre_offset", "float32", "from the middle of the picture to the top of the galaxy", "arcsec"),
    column("ra", "float64", "right ascension; NaN where it was not given", "deg"),
    column("dec", "float64", "declination; NaN where it was not given", "deg"),
    column("catalogue_redshift", "float64", "what the table or labels.csv says; NaN where nothing"),
)
"""Fields of `predictions.parquet`."""


class Model(Protocol):
    """What prediction needs of a model."""

    @property
    def preprocess_settings(self) -> Mapping[str, Any]:
        """How the cutouts that it was trained on were prepared."""
        ...

    @property
    def side_inputs(self) -> SideInputs:
        """Scales of the magnitudes that it is told; none where it is told none."""
        ...

    def predict(
        self, images: npt.NDArray[Any], magnitudes: npt.NDArray[np.float32] | None = None
    ) -> BinnedDistribution:
        """Predict from cutouts (n, bands, size, size) and magnitudes (n, 5)."""
        ...


@dataclass(frozen=True)
class Predicted:
    """Predictions for those of n pictures that can be used.

    Attributes
    ----------
    columns : dict of str to ndarray
        As of `FIELDS`.
    distribution : BinnedDistribution
        Of the same rows.
    given : dict of str to ndarray
        What the model was given, of the same rows: `image` and `m_u` to `m_z`.
    preparation : Preparation
        How pictures become input.
    rows : ndarray of int
        Which of the n pictures these rows are.
    rejected : list of (str, str, str)
        Id, reason and detail of the others.
    """

    columns: Columns
    distribution: BinnedDistribution
    given: Columns
    preparation: Preparation
    rows: npt.NDArray[np.intp]
    rejected: list[tuple[str, str, str]]


def predict_table(pictures: Columns, model: Model, files: Sequence[str] | None = None) -> Predicted:
    """Predict the redshifts of pictures in memory.

    Parameters
    ----------
    pictures : dict of str to ndarray
        Columns as of the ingest stage.
    model : Model
        Such as `load_model(folder)`.
    files : sequence of str, optional
        File of each picture, for the table.
    """
    settings = model.preprocess_settings
    preparation = Preparation.from_settings(settings)
    limits = Preprocessing(**{name: settings[name] for name in LIMITS if name in settings})
    stored = pack(pictures["image"], preparation)
    looked = inspect(
        pictures["image"],
        preparation.bands,
        preparation.scale_arcsec,
        limits.maximum_offset,
        limits.minimum_contrast,
    )
    rows, unusable = np.flatnonzero(looked.status == 0), np.flatnonzero(looked.status)
    rejected = [(str(pictures["id"][row]), *REASONS[int(looked.status[row]) - 1]) for row in unusable]
    given = {name: values[rows] for name, values in corrected(pictures).items()} | {"image": stored[rows]}
    names = np.array(list(files) if files else [""] * len(stored), dtype=object)
    own = {name: pictures[name][rows] for name in ("id", "ra", "dec", "redshift")} | {"file": names[rows]}
    magnitudes = stack_magnitudes(given)
    distribution = model.predict(given["image"], magnitudes)
    columns = {**_describe(distribution), "m_r": given["m_r"], "centre_offset": looked.offset_arcsec[rows]}
    told = magnitudes if model.side_inputs.count else None
    scaled = None if told is None else model.side_inputs.make(told)
    bits = find_warnings(distribution, columns, told, scaled)
    columns |= {name: own[name] for name in ("id", "file", "ra", "dec")}
    columns |= {**warning_columns(bits, BITS), "catalogue_redshift": own["redshift"]}
    return Predicted(columns, distribution, given, preparation, rows, rejected)


def predict(
    inputs: Path | Sequence[Path], model: Path, output: Path, settings: Settings, skyserver_url: str = SKYSERVER
) -> None:
    """Predict the redshifts of picture files, or of positions whose pictures are fetched.

    Parameters
    ----------
    inputs : Path or sequence of Path
        Pictures (JPEG, PNG), folders of them, tables (CSV, Parquet) with `ra` and `dec`, and the `dataset.parquet`
        of an ingest stage, which alone suits a model that learnt from flux. Magnitudes come from
        the columns `mag_u` to `mag_z` and `extinction_u` to `extinction_z` of the table, or of a `labels.csv`
        beside the pictures.
    model : Path
        Folder that a train stage wrote.
    output : Path
        Folder for `predictions.parquet` and `rejected.parquet`; with `predictions.csv` and `plots/` as the
        settings say.
    settings : Settings
        What to write.
    skyserver_url : str
        Base address of SkyServer.

    Raises
    ------
    InputError
        When there is nothing to predict for, or nothing of it can be used: why is then in `rejected.parquet`.
    """
    from components.train.image_cnn.inference import load_model  # imports torch

    with stage("predict", output):
        requests = find_requests(writing.listed(inputs))
        asked = sum(len(request.labels) for request in requests)
        provenance = writing.of_files(inputs, asked, model)
        rejections = Rejections()
        predictions = _predictions(requests, load_model(model), rejections, skyserver_url)
        writing.write_predictions(
            output, FIELDS, asked, predictions, rejections, provenance, settings, _draw, "pictures"
        )


def _predictions(
    requests: Iterable[Request], model: Model, rejections: Rejections, skyserver_url: str
) -> Iterator[Predicted]:
    preparation, requests = Preparation.from_settings(model.preprocess_settings), list(requests)
    for request in requests:
        if request.table is not None:
            _require_same(request.table, preparation)
    for pictures, files in read_requests(requests, preparation.size, rejections, skyserver_url):
        predicted = predict_table(pictures, model, files)
        for row in predicted.rejected:
            rejections.add(*row)
        if predicted.rows.size:
            yield predicted


def _require_same(table: Path, learnt: Preparation) -> None:
    """Refuse a table whose pictures are others: the numbers do not tell one band from another."""
    settings = read_settings(table)
    given = Preparation.from_settings(settings)
    if replace(given, size=learnt.size) != learnt:
        first, second = (f"{p.encoding} in {', '.join(p.bands)}" for p in (given, learnt))
        raise InputError(
            f"The pictures of {table} are {first}, but those that the model learnt from {second}.",
            "Ingest them with the encoding and the bands that the model was trained with.",
        )
    if given.encoding == "flux" and "split" in settings:
        raise InputError(
            f"The pictures of {table} have been stretched already, by a preprocess stage.",
            "Give the dataset.parquet of the ingest stage.",
        )


def _describe(distribution: BinnedDistribution) -> Columns:
    low, high = distribution.interval(ONE_SIGMA)
    return {"redshift": distribution.median(), "sigma": (high - low) / 2, "low68": low, "high68": high}


def _draw(predicted: Predicted, first: int, folder: Path) -> None:
    from components.predict.cutouts.plots import draw_predictions  # matplotlib, only where asked for

    draw_predictions(predicted, first, folder)

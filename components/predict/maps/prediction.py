"""Parameters of new maps: npy or HDF5 files in, a table of means and standard deviations out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from components.common.rejections import Rejections
from components.common.tables import Columns, column
from components.common.telemetry import stage
from components.physics.multifield import ASTROPHYSICAL, COSMOLOGICAL, PARAMETERS
from components.predict import writing
from components.predict.maps.map_inputs import UNREADABLE, Found, Group, find_maps, read_maps
from components.predict.maps.warnings import BITS, find_warnings
from components.predict.warning_bits import warning_columns
from components.predict.writing import Settings
from components.preprocess.field_maps.preparation import prepare

if TYPE_CHECKING:
    from components.train.moment_network.inference import MomentModel, Moments

IMPOSSIBLE = "impossible pixels"

FIELDS = (
    column("id", "string", "name of the files, and number of the map"),
    *(
        field
        for name in COSMOLOGICAL
        for field in (
            column(name, "float64", "mean of the posterior"),
            column(f"{name}_sigma", "float64", "its standard deviation"),
        )
    ),
    *(
        field
        for name in ASTROPHYSICAL
        for field in (
            column(name, "float64", "ten to the posterior's mean of the decimal logarithm"),
            column(f"{name}_sigma_dex", "float64", "standard deviation of the logarithm"),
        )
    ),
    column("fields", "string", "fields that were looked at"),
    column("warning", "int64", "sum of the bits in components/predict/maps/warnings.py; 0 is good"),
    column("warnings", "string", "names of the bits that are set, separated by spaces"),
)
"""Fields of `predictions.parquet`."""


@dataclass(frozen=True, eq=False)
class Predicted:
    """Some predicted maps.

    Attributes
    ----------
    columns : dict of str to ndarray
        As of `FIELDS`.
    maps : ndarray, shape (n, grid, grid)
        The first field that there is, prepared.
    field : str
        Which one.
    moments : Moments
        Of the posterior, in the coordinates of the network.
    """

    columns: Columns
    maps: npt.NDArray[np.float32]
    field: str
    moments: "Moments"


def predict(inputs: Path | Sequence[Path], model: Path, output: Path, settings: Settings) -> None:
    """Predict the parameters of the universes that maps show.

    Parameters
    ----------
    inputs : Path or sequence of Path
        As of `map_inputs.find_maps`. Maps have the units of the CAMELS Multifield Dataset, and show slabs of
        25 x 25 x 5 Mpc/h.
    model : Path
        Folder that a train stage wrote.
    output : Path
        Folder for `predictions.parquet` and `rejected.parquet`; with `predictions.csv` and `plots/` as the
        settings say.
    settings : Settings
        What to write.

    Raises
    ------
    InputError
        When there is nothing to predict for, or nothing of it can be used: why is then in `rejected.parquet`.
    """
    from components.train.moment_network.inference import load_model  # imports torch

    with stage("predict", output):
        network = load_model(model)
        found = find_maps(writing.listed(inputs), network.fields, int(network.preprocess_settings["grid"]))
        rejections = Rejections()
        for entry in found.rejected:
            rejections.add(*entry)
        provenance = writing.of_files(inputs, found.asked, model)
        predictions = _predictions(found, network, rejections)
        writing.write_predictions(
            output, FIELDS, found.asked, predictions, rejections, provenance, settings, _draw, "maps"
        )


def predict_maps(
    names: npt.NDArray[np.object_], given: dict[str, npt.NDArray[np.float32]], model: "MomentModel"
) -> Predicted:
    """Predict for maps in memory.

    Parameters
    ----------
    names : ndarray of str, shape (n,)
        Of the maps.
    given : dict of str to ndarray, shape (n, pixels, pixels)
        By field, in physical units, at least one of the model's.
    model : MomentModel
        A trained model.
    """
    from components.train.moment_network.parameters import from_coordinates, prior_moments

    shown = [name for name in model.fields if name in given]
    some = given[shown[0]]
    absent = np.ones_like(some)  # anything possible: the network does not look at it
    prepared = prepare(
        np.stack([given.get(name, absent) for name in model.fields], axis=1), model.preprocess_settings
    )
    moments = model.predict(prepared, shown)
    centre, unit = prior_moments()
    cosmology = slice(len(COSMOLOGICAL))
    bits = find_warnings(
        len(shown) < len(model.fields),
        prepared,
        np.isin(model.fields, shown),
        ((moments.mean - centre) / unit)[:, cosmology],
        (moments.width / unit)[:, cosmology],
    )
    columns: dict[str, Any] = {"id": names}
    values = from_coordinates(moments.mean)
    for place, name in enumerate(PARAMETERS):
        columns[name] = values[:, place]
        columns[f"{name}_sigma{'_dex' if name in ASTROPHYSICAL else ''}"] = moments.width[:, place]
    columns["fields"] = np.full(len(names), " ".join(shown), dtype=object)
    columns |= warning_columns(bits, BITS)
    return Predicted(columns, prepared[:, model.fields.index(shown[0])], shown[0], moments)


def _predictions(found: Found, model: "MomentModel", rejections: Rejections) -> Iterator[Predicted]:
    for group in found.groups:
        try:
            yield from _of_group(group, found.wanted(group), model, rejections)
        except (OSError, RuntimeError) as error:  # damaged behind its head
            files = ", ".join(str(path) for path in dict.fromkeys(group.files.values()))
            rejections.add(group.name, UNREADABLE, f"{files} cannot be read: {error}.")


def _of_group(
    group: Group, rows: npt.NDArray[np.int64], model: "MomentModel", rejections: Rejections
) -> Iterator[Predicted]:
    for numbers, given in read_maps(group, rows):
        names = _names(group, numbers)
        keep = np.ones(len(numbers), dtype=bool)
        for field, maps in given.items():
            bad = ~((maps >= 0) & (maps < np.inf)).all(axis=(1, 2))
            for row in np.flatnonzero(bad & keep):
                detail = f"{field} is negative or no finite number somewhere in {group.files[field]}."
                rejections.add(str(names[row]), IMPOSSIBLE, detail)
            keep &= ~bad
        if keep.any():
            yield predict_maps(names[keep], {field: maps[keep] for field, maps in given.items()}, model)


def _names(group: Group, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
    if group.count == 1:
        return np.array([group.name], dtype=object)
    return np.array([f"{group.name}_{number}" for number in numbers], dtype=object)


def _draw(predicted: Predicted, first: int, folder: Path) -> None:
    from components.predict.maps.plots import draw_predictions  # matplotlib, only where asked for

    draw_predictions(predicted, first, folder)

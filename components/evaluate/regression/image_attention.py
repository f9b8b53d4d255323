"""What a network of pictures rests on: pictures that are changed, and what it looks at in those that are not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common import scores
from components.common.scores import Floats
from components.common.tables import Columns
from components.evaluate.regression.outcome import Model, Outcome
from components.evaluate.regression.photometric import relative_error
from components.train.image_cnn.side_inputs import MAGNITUDES

SAMPLE = 512
"""Test objects that are looked at so."""

NOTHING = "nothing"
EXCHANGED = "pictures exchanged among the galaxies"
WITHHELD = "magnitudes withheld"

MAPS = 4
AVERAGED = 48
"""Pictures whose attribution is averaged over rings."""

SURROUNDINGS_ARCSEC = 8.0
PATCH = 4

Change = Callable[[Columns, float], Columns]


@dataclass(frozen=True)
class Attention:
    """What the model does with changed pictures, and where it looks.

    Attributes
    ----------
    objects : int
        How many were changed.
    nmad, moved : dict of str to float
        By change: NMAD of dz/(1+z), and the median of |change of z| / (1 + z).
    density_share : float
        Of the density of magnitudes in the distributions of galaxies whose magnitudes are known.
    pictures : ndarray, shape (k, channels, size, size)
        Some, nearest first, as they are stored.
    maps : ndarray, shape (k, size / 4, size / 4)
        Their attribution, summed over bands and patches of 4 x 4 pixels: within these, which the network joins
        first, it is as ragged as the weights. Empty where the model sees no picture.
    rows : ndarray of int, shape (k,)
        Which objects these are.
    radius_arcsec, share : ndarray
        Rings around the middle, and which share of all attribution lies inside their outer edge.
    """

    objects: int
    nmad: dict[str, float]
    moved: dict[str, float]
    density_share: float
    pictures: npt.NDArray[Any]
    maps: npt.NDArray[np.float32]
    rows: npt.NDArray[np.int64]
    radius_arcsec: Floats
    share: Floats


def _with_image(change: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> Change:
    return lambda data, _: data | {"image": np.ascontiguousarray(change(data["image"]))}


def _without_surroundings(data: Columns, scale_arcsec: float) -> Columns:
    size = data["image"].shape[-1]
    far = distance_arcsec(size, scale_arcsec) > SURROUNDINGS_ARCSEC
    return data | {"image": np.where(far, data["image"].dtype.type(0), data["image"])}


def _without_magnitudes(data: Columns, scale_arcsec: float) -> Columns:
    del scale_arcsec
    return data | {name: np.full_like(data[name], np.nan) for name in MAGNITUDES}


CHANGES: Mapping[str, Change] = {
    NOTHING: lambda data, _: data,
    "picture turned by 90 degrees": _with_image(lambda images: np.rot90(images, axes=(-2, -1))),
    "picture mirrored": _with_image(lambda images: images[..., ::-1]),
    f"sky empty beyond {SURROUNDINGS_ARCSEC:.0f} arcsec": _without_surroundings,
    EXCHANGED: _with_image(lambda images: np.roll(images, 1, axis=0)),
    WITHHELD: _without_magnitudes,
}
"""What is done to objects to see what the model rests on."""


def distance_arcsec(size: int, scale_arcsec: float) -> Floats:
    """Distance of each pixel from the middle, shape (size, size)."""
    at = (np.arange(size) - (size - 1) / 2) * scale_arcsec
    return np.asarray(np.hypot(at[:, None], at))


def examine(model: Model, outcome: Outcome, settings: Mapping[str, Any]) -> Attention:
    """Change pictures and magnitudes of test objects, and attribute predictions to pixels.

    Parameters
    ----------
    model : Model
        As of `components.evaluate.regression.images.FedModel`.
    outcome : Outcome
        Its predictions, with a sample.
    settings : mapping
        Of the table.
    """
    data, scale = outcome.sample, float(settings["scale_arcsec"])
    truth = outcome.columns["truth"][: len(data["image"])]
    ones = np.ones((1, len(truth)))
    nmad, moved = {}, {}
    before: Floats = np.zeros(0)
    for name, change in CHANGES.items():
        value = model.predict(*change(data, scale).values()).median()
        before = value if name == NOTHING else before
        nmad[name] = float(scores.nmad(relative_error(value, truth), ones)[0])
        moved[name] = float(np.median(np.abs(value - before) / (1 + before)))
    rows = _spread(truth)
    maps, radius, share = _attribute(model, data, rows, scale)
    density = float(getattr(model, "density_share", 0.0))
    return Attention(len(truth), nmad, moved, density, data["image"][rows], maps, rows, radius, share)


def _spread(truth: Floats) -> npt.NDArray[np.int64]:
    """Choose some objects from the nearest to the farthest."""
    order = np.argsort(truth, kind="stable")
    at = np.unique((np.linspace(0.1, 0.9, MAPS) * (len(order) - 1)).astype(np.int64))
    return np.asarray(order[at])


def _attribute(
    model: Model, data: Columns, rows: npt.NDArray[np.int64], scale_arcsec: float
) -> tuple[npt.NDArray[np.float32], Floats, Floats]:
    size = data["image"].shape[-1]
    found = getattr(model, "attribute", None)
    chosen = np.unique(np.concatenate([rows, np.arange(min(AVERAGED, len(data["image"])))]))
    maps = found({name: values[chosen] for name, values in data.items()}) if found else None
    if maps is None:
        return np.zeros((0, size // PATCH, size // PATCH), dtype=np.float32), np.zeros(0), np.zeros(0)
    across = size // PATCH
    flat = maps.sum(axis=1).reshape(-1, across, PATCH, across, PATCH).sum(axis=(2, 4))
    distance = distance_arcsec(across, PATCH * scale_arcsec)
    radius = np.arange(1.0, size * scale_arcsec / 2 + 1)
    weight = np.abs(flat).mean(axis=0)
    share = np.array([weight[distance <= r].sum() for r in radius]) / max(float(weight.sum()), 1e-30)
    return flat[np.searchsorted(chosen, rows)].astype(np.float32), radius, share

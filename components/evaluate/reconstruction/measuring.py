"""Test boxes one by one: what each method answers, and what is kept of it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from components.common.tables import Columns, read_batches
from components.common.telemetry import report_progress
from components.evaluate.reconstruction.scores import EDGES, SLABS, Measured
from components.physics.mode_spectra import compare
from components.physics.reconstruction import standard_reconstruction

if TYPE_CHECKING:
    from components.train.variational_autoencoder.inference import Reconstruction

Floats = npt.NDArray[np.float64]
Field = npt.NDArray[np.float32]

NETWORK, SAMPLE, UNET, LINEAR, ZELDOVICH, WIENER, IDENTITY = (
    "network", "sample", "unet", "linear", "zeldovich", "wiener", "identity",
)  # fmt: skip

METHODS: Mapping[str, str] = {
    NETWORK: "the network, mean of its samples",
    SAMPLE: "the network, a single sample",
    UNET: "plain U-Net, density alone",
    LINEAR: "linear estimate from all reconstructions",
    ZELDOVICH: "inverse Zel'dovich (standard reconstruction)",
    WIENER: "Wiener-filtered final density",
    IDENTITY: "the final density itself",
}
"""What is compared, best known last."""

BASELINES = (UNET, LINEAR, ZELDOVICH, WIENER, IDENTITY)

RADIUS = 2.0
"""Smoothing of the standard reconstruction in Mpc/h: of 1, 1.5, 2 and 3 the one that correlates best at 0.5 to 1
h/Mpc in simulations made apart from all runs."""

HISTOGRAM = np.linspace(-12, 12, 97)
"""Bins of the values of maps, in units of linear theory today."""

_NAMES = ("id", "simulation_id")
_COARSE = 16
_EXAMPLES = 3


@dataclass(frozen=True, eq=False)
class Example:
    """One slab of one box, for a picture; all maps have shape (rows, columns).

    Attributes
    ----------
    name : str
        Of the box.
    final, truth, mean, spread : ndarray
        Final overdensity, true initial field, reconstructed one, and the standard deviation of the samples in
        coarse pixels.
    samples : ndarray, shape (2, rows, columns)
        Two of them.
    """

    name: str
    final: Field
    truth: Field
    mean: Field
    spread: Field
    samples: Field


@dataclass(eq=False)
class Measurements:
    """What is kept of all test boxes.

    Attributes
    ----------
    ids, groups : ndarray, shape (n,)
        Rows of the data set, and the simulations that they belong to.
    modes_in_maps, modes_in_boxes : ndarray, shape (bins,)
        Waves in each bin of one box.
    maps, boxes : dict of str to Measured
        By method: of slab maps, with wavenumbers in their plane, and of the boxes in three dimensions.
    histograms : dict of str to ndarray
        Values of maps, by what is in them.
    ranks : ndarray, shape (samples + 1,)
        How often so many samples were below the truth, in pixels of coarse maps.
    examples : list of Example
        For pictures.
    finest : tuple of float
        Highest wavenumber of all directions, in maps and in boxes: beyond it a grid has no waves.
    slab_depth : float
        Depth of a map in Mpc/h.
    box_size : float
        Side of a map in Mpc/h.
    """

    ids: npt.NDArray[Any]
    groups: npt.NDArray[Any]
    modes_in_maps: Floats
    modes_in_boxes: Floats
    maps: dict[str, Measured]
    boxes: dict[str, Measured]
    histograms: dict[str, Floats]
    ranks: Floats
    finest: tuple[float, float]
    slab_depth: float
    box_size: float
    examples: list[Example] = field(default_factory=list)


def measure(rows: Iterable[Columns], total: int, model: "Reconstruction", samples: int, seed: int) -> Measurements:
    """Let every method answer for boxes.

    Parameters
    ----------
    rows : iterable of Columns
        One box each, such as `rows_for_testing(dataset)`.
    total : int
        How many will come, at most.
    model : Reconstruction
        Trained.
    samples : int
        Samples for each box.
    seed : int
        Of the samples.
    """
    geometry = model.preparation.geometry
    views = Views(geometry.shape[0], geometry.lengths)
    names: list[Columns] = []
    histograms = {name: np.zeros(HISTOGRAM.size - 1) for name in ("truth", "mean", "samples")}
    ranks = np.zeros(samples + 1)
    examples: list[Example] = []
    for number, row in enumerate(rows):
        answers = answers_of(model, row["final"], samples, (seed + number) % 2**63)
        drawn = answers.pop("samples")
        views.add(row["initial"], answers, drawn)
        _count(histograms, ranks, views, row["initial"], answers[NETWORK], drawn)
        if len(examples) < _EXAMPLES:
            examples.append(_example(row, answers[NETWORK], drawn, views))
        names.append({name: row[name] for name in _NAMES})
        report_progress(number + 1, total, "boxes")
    together = {name: np.concatenate([part[name] for part in names] or [np.zeros(0)]) for name in _NAMES}
    return Measurements(
        together["id"], together["simulation_id"],
        views.modes_in_maps, views.modes_in_boxes, views.joined(views.maps), views.joined(views.boxes), histograms,
        ranks, _finest(geometry.shape, geometry.box_size), geometry.box_size / views.slabs, geometry.box_size,
        examples,
    )  # fmt: skip


def answers_of(model: "Reconstruction", final: Field, samples: int, seed: int) -> dict[str, Field]:
    """Answer for one box, shape (1, slabs, rows, columns), by every method; `samples` has shape (1, n, ...)."""
    drawn = model.sample(final, samples, seed)
    lengths = model.preparation.geometry.lengths
    return {
        NETWORK: model.mean(final),
        SAMPLE: drawn[:, 0],
        **model.others(final),
        ZELDOVICH: standard_reconstruction(final[0], RADIUS, lengths)[None],
        IDENTITY: final,
        "samples": drawn,
    }


class Views:
    """The same fields as slab maps and as boxes.

    Parameters
    ----------
    slices : int
        Slices of a box.
    lengths : tuple of float
        Sides of the box.
    """

    def __init__(self, slices: int, lengths: tuple[float, float, float]):
        self.slabs, self._lengths = min(SLABS, slices), lengths
        self.maps: dict[str, list[Measured]] = {}
        self.boxes: dict[str, list[Measured]] = {}
        self.modes_in_maps = self.modes_in_boxes = np.zeros(0)

    def as_maps(self, fields: Field) -> Field:
        """Average neighbouring slices, shape (..., slices, rows, columns), to slabs."""
        shape = fields.shape
        folded = fields.reshape(*shape[:-3], self.slabs, shape[-3] // self.slabs, *shape[-2:])
        return np.asarray(folded.mean(axis=-3), dtype=np.float32)

    def add(self, truth: Field, answers: Mapping[str, Field], drawn: Field) -> None:
        """Measure the answers for one box, shape (1, slices, rows, columns), and samples of it."""
        for kept, view, lengths in (
            (self.maps, self.as_maps, self._lengths[1:]),
            (self.boxes, np.asarray, self._lengths),
        ):
            seen = view(truth)
            scattered = view(drawn[0] - drawn[0].mean(axis=0))
            own = compare(scattered, scattered, EDGES, lengths)
            spread = own.first.sum(axis=0, keepdims=True) / max(len(drawn[0]) - 1, 1)
            for name, answer in answers.items():
                found = compare(seen, view(answer), EDGES, lengths)
                width = spread if name == NETWORK else np.full_like(spread, np.nan)
                kept.setdefault(name, []).append(Measured(found.first, found.second, found.cross, width))
            if kept is self.maps:
                self.modes_in_maps = own.modes
            else:
                self.modes_in_boxes = own.modes

    @staticmethod
    def joined(kept: dict[str, list[Measured]]) -> dict[str, Measured]:
        """Put all boxes after each other, by method."""
        return {name: Measured.joined(parts) for name, parts in kept.items()}


def rows_for_testing(dataset: Path) -> Iterator[Columns]:
    """Read the test boxes of a table of slices one by one."""
    for batch in read_batches(dataset, [*_NAMES, "final", "initial"], "test"):
        for row in range(len(batch["id"])):
            yield {name: values[row : row + 1] for name, values in batch.items()}


def _finest(shape: tuple[int, ...], box_size: float) -> tuple[float, float]:
    return np.pi * min(shape[1:]) / box_size, np.pi * min(shape) / box_size


def _count(
    histograms: dict[str, Floats], ranks: Floats, views: Views, truth: Field, mean: Field, drawn: Field
) -> None:
    true_maps, sampled = views.as_maps(truth[0]), views.as_maps(drawn[0])
    for name, values in (("truth", true_maps), ("mean", views.as_maps(mean[0])), ("samples", sampled)):
        histograms[name] += np.histogram(values, HISTOGRAM)[0] / (len(sampled) if name == "samples" else 1)
    below = (in_blocks(sampled) < in_blocks(true_maps)).sum(axis=0)
    ranks += np.bincount(below.ravel(), minlength=len(sampled) + 1)


def in_blocks(maps: Field) -> Field:
    """Average pixels to those of a coarse map: single ones are mostly noise."""
    side = maps.shape[-1]
    pixels = min(_COARSE, side)
    folded = maps.reshape(*maps.shape[:-2], pixels, side // pixels, pixels, side // pixels)
    return np.asarray(folded.mean(axis=(-3, -1)))


def _example(row: Columns, mean: Field, drawn: Field, views: Views) -> Example:
    sampled = views.as_maps(drawn[0])[:, 0]
    return Example(
        str(row["id"][0]),
        views.as_maps(row["final"][0])[0],
        views.as_maps(row["initial"][0])[0],
        views.as_maps(mean[0])[0],
        in_blocks(sampled).std(axis=0, ddof=1),
        sampled[:2],
    )

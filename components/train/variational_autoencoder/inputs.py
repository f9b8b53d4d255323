"""What the networks are shown: the final slices, and what running gravity backwards tells without learning."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft

from components.common.errors import InputError
from components.physics.mode_spectra import BandSums, magnitude, multiplicity, resample_grid
from components.physics.reconstruction import (
    iterative_reconstruction,
    quadratic_fields,
    smooth,
    standard_reconstruction,
)

Field = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]

STANDARD_RADIUS = 2.0
"""Smoothing of the standard reconstruction, in Mpc/h."""

STEPS = (5.0, 3.0, 1.8, 1.5, 1.1, 0.8, 0.6)
"""Smoothing of the steps of the iterative one."""

KEPT = (4, 5, 7)
"""Steps after which its result is shown."""

_SMOOTH_TIDES = 1.0
"""Smoothing of the estimate that the second-order fields are taken from."""

FIELDS = (
    "final density",
    "standard reconstruction",
    *(f"iterative, after {step} steps" for step in KEPT),
    *(f"rest after {step} steps" for step in KEPT),
    "square",
    "tides",
)
"""What is shown on the coarse grid; the linear estimate from all of them comes after them."""

_FLOOR = 0.1
"""Added to densities before the logarithm: cells may be empty."""

_SUMMARY_EDGES = (0.8, 2.4, 4.0, 6.0, 8.5, 12.0, 20.0)
"""Bands of the power that describes a box, in units of its lowest wavenumber."""

NUMBERS = 2 * (len(_SUMMARY_EDGES) - 1)
"""Numbers that describe a box: the power of its density, and of the logarithm, by band."""

_WIENER_BANDS = 14
_RIDGE = 1e-6


@dataclass(frozen=True)
class Geometry:
    """Grids of a data set.

    Attributes
    ----------
    shape : tuple of int
        Slabs, rows and columns of the slices.
    box_size : float
        Side of the box in Mpc/h.
    cells : int
        Cells a side on which the networks work, at most: beyond their Nyquist frequency nothing of the initial
        field can be known from the final one, and noise of the right power stands for it.
    """

    shape: tuple[int, int, int]
    box_size: float
    cells: int = 16

    def __post_init__(self) -> None:
        if any(side < 8 or side & (side - 1) for side in self.shape) or self.cells not in (8, 16, 32, 64):
            raise InputError(
                f"Slices of {self.shape[0]} slabs with {self.shape[1]} x {self.shape[2]} pixels do not fit a "
                f"network of {self.cells} cells a side.",
                "Choose powers of two, and at least 8.",
            )

    @property
    def lengths(self) -> tuple[float, float, float]:
        """Sides of the box."""
        return (self.box_size,) * 3

    @property
    def work(self) -> tuple[int, ...]:
        """Cells of the grid that the networks answer on."""
        return tuple(min(self.cells, side) for side in self.shape)

    @property
    def fine(self) -> tuple[int, ...]:
        """Cells of the grid on which the density is shown: twice as fine where the slices are."""
        return tuple(2 * cells for cells in self.work)


@dataclass(frozen=True, eq=False)
class Shown:
    """Inputs of some rows.

    Attributes
    ----------
    fine : ndarray, shape (rows, 1, *fine)
        Logarithm of the density.
    coarse : ndarray, shape (rows, fields, *work)
        Final overdensity and its reconstructions.
    summary : ndarray, shape (rows, numbers)
        Logarithm of the power of the final density by band: how strong structure is, and so the cosmology.
    """

    fine: Field
    coarse: Field
    summary: Field


def look_at(final: npt.NDArray[np.floating], geometry: Geometry) -> Shown:
    """Derive the inputs from final overdensities, shape (rows, slabs, rows, columns)."""
    fine, coarse, summary = [], [], []
    lowest = 2 * np.pi / geometry.box_size
    sums = BandSums([edge * lowest for edge in _SUMMARY_EDGES], geometry.fine, geometry.lengths)
    for row in final:
        field = _averaged(np.asarray(row, dtype=np.float32), geometry.fine)
        coarse.append(resample_grid(_fields(field, geometry), geometry.work))
        logarithm = np.log(np.maximum(field, -1) + (1 + _FLOOR))
        power = [sums.of((np.abs(fft.rfftn(part)) ** 2)[None] / part.size)[0] for part in (field, logarithm)]
        summary.append(np.log(np.concatenate(power) / np.tile(sums.modes, 2) + 1e-12))
        fine.append(logarithm[None])
    return Shown(np.stack(fine), np.stack(coarse).astype(np.float32), np.asarray(summary, dtype=np.float32))


@dataclass(frozen=True)
class Wiener:
    """The best linear estimate of the initial field from final density and reconstructions, wave by wave.

    Attributes
    ----------
    edges : list of float
        Bands of wavenumber.
    weights : list of list of float
        For each band, one weight for each field of `Shown.coarse`.
    """

    edges: list[float]
    weights: list[list[float]]

    @classmethod
    def solved(cls, edges: FloatArray, normal: FloatArray, fields: Sequence[int] | None = None) -> "Wiener":
        """Solve the equations of `normal_equations`, with some of the fields or all."""
        use = list(range(normal.shape[1] - 1)) if fields is None else list(fields)
        weights = np.zeros((len(normal), normal.shape[1] - 1))
        for number, matrix in enumerate(normal):
            inner = matrix[np.ix_(use, use)]
            ridge = (_RIDGE * np.trace(inner) / len(use) + np.finfo(np.float64).tiny) * np.eye(len(use))
            weights[number, use] = np.linalg.lstsq(inner + ridge, matrix[use, -1], rcond=None)[0]
        return cls(edges.tolist(), weights.tolist())

    def apply(self, coarse: Field, geometry: Geometry) -> Field:
        """Estimate initial fields, shape (rows, *work)."""
        band = np.digitize(magnitude(geometry.work, geometry.lengths), self.edges) - 1
        padded = np.vstack([np.array(self.weights), np.zeros(len(self.weights[0]))])  # -1 and beyond: nothing
        filters = np.moveaxis(padded[np.clip(band, -1, len(self.weights))], -1, 0)
        modes = np.einsum("rfzyx,fzyx->rzyx", fft.rfftn(coarse, axes=(-3, -2, -1)), filters)
        return np.asarray(fft.irfftn(modes, s=list(geometry.work), axes=(-3, -2, -1)), dtype=np.float32)

    def to_json(self) -> dict[str, Any]:
        """Return what `model.json` keeps."""
        return asdict(self)


def normal_equations(pairs: Iterable[tuple[Field, Field]], geometry: Geometry) -> tuple[FloatArray, FloatArray]:
    """Sum the products of fields with each other and with the initial field, by band.

    Parameters
    ----------
    pairs : iterable of (ndarray, ndarray)
        For each box `Shown.coarse`, and the initial field on the same grid.
    geometry : Geometry
        Of the grids.

    Returns
    -------
    edges : ndarray, shape (bands + 1,)
        Bands of wavenumber.
    normal : ndarray, shape (bands, fields + 1, fields + 1)
        The initial field comes last.
    """
    nyquist = np.pi / geometry.box_size * max(geometry.work) * 3**0.5
    edges = np.geomspace(0.9 * 2 * np.pi / geometry.box_size, 1.01 * nyquist, _WIENER_BANDS + 1)
    band = np.digitize(magnitude(geometry.work, geometry.lengths).ravel(), edges) - 1
    weight = multiplicity(geometry.work).ravel()
    normal: FloatArray = np.zeros((_WIENER_BANDS, len(FIELDS) + 1, len(FIELDS) + 1))
    for coarse, target in pairs:
        stack = np.concatenate([coarse, target[None]])
        modes = fft.rfftn(stack, axes=(-3, -2, -1)).reshape(len(stack), -1).astype(np.complex128)
        for number in range(_WIENER_BANDS):
            own = modes[:, band == number]
            normal[number] += ((own * weight[band == number]) @ own.conj().T).real
    return edges, normal


def _fields(field: Field, geometry: Geometry) -> Field:
    """Return `FIELDS` of a final overdensity."""
    lengths = geometry.lengths
    standard = standard_reconstruction(field, STANDARD_RADIUS, lengths)
    estimates, rests = iterative_reconstruction(field, STEPS, KEPT, lengths)
    second = quadratic_fields(smooth(estimates[0], _SMOOTH_TIDES, lengths), lengths)
    return np.stack([field, standard, *estimates, *rests, *second])


def _averaged(field: Field, shape: Sequence[int]) -> Field:
    """Halve the cells of axes by averages that leave cell 0 where it is, or double them by waves."""
    if any(side < cells for side, cells in zip(field.shape, shape, strict=True)):
        field = resample_grid(field, [max(a, b) for a, b in zip(field.shape, shape, strict=True)])
    for axis, cells in enumerate(shape):
        while field.shape[axis] > cells:
            near = 0.25 * (np.roll(field, 1, axis) + np.roll(field, -1, axis)) + 0.5 * field
            field = np.ascontiguousarray(near.take(range(0, field.shape[axis], 2), axis))
    return field

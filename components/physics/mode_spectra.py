"""Waves of fields in a periodic box: their numbers, and how alike two fields are from scale to scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft

FloatArray = npt.NDArray[np.float64]
Field = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Spectra:
    """Power of two kinds of fields and what they share, by band of wavenumber.

    Attributes
    ----------
    modes : ndarray, shape (bands,)
        Waves in each band, of one field.
    first, second, cross : ndarray, shape (fields, bands)
        Sums over the waves of a band: squared amplitudes, and the real part of one times the other's conjugate, in
        units in which the mean over all waves of white noise of unit variance is 1.
    """

    modes: FloatArray
    first: FloatArray
    second: FloatArray
    cross: FloatArray

    def correlation(self, weights: FloatArray | None = None) -> FloatArray:
        """Cross-correlation r, shape (resamples, bands); weights have the shape (resamples, fields)."""
        a, b, ab = (_total(part, weights) for part in (self.first, self.second, self.cross))
        return ab / np.sqrt(np.maximum(a * b, np.finfo(np.float64).tiny))

    def transfer(self, weights: FloatArray | None = None) -> FloatArray:
        """Transfer function T, the root of the second power over the first, shape (resamples, bands)."""
        a, b = _total(self.first, weights), _total(self.second, weights)
        return np.sqrt(b / np.maximum(a, np.finfo(np.float64).tiny))


def wavenumbers(shape: Sequence[int], lengths: Sequence[float]) -> tuple[FloatArray, ...]:
    """Wavenumbers of each axis of a real field's transform (`rfftn`), in shapes that can be combined.

    Parameters
    ----------
    shape : sequence of int
        Cells along each axis.
    lengths : sequence of float
        Sides of the periodic box.
    """
    axes = []
    for axis, (cells, length) in enumerate(zip(shape, lengths, strict=True)):
        of_axis = np.fft.rfftfreq if axis == len(shape) - 1 else np.fft.fftfreq
        values = np.asarray(2 * np.pi * of_axis(cells, length / cells), dtype=np.float64)
        axes.append(values.reshape([-1 if other == axis else 1 for other in range(len(shape))]))
    return tuple(axes)


def magnitude(shape: Sequence[int], lengths: Sequence[float]) -> FloatArray:
    """Length of the wave vector of each wave of a real field's transform."""
    return np.asarray(np.sqrt(sum(k**2 for k in wavenumbers(shape, lengths))))


def multiplicity(shape: Sequence[int]) -> FloatArray:
    """How many waves each entry of a real field's transform stands for: itself, and mostly its conjugate."""
    counts = np.full(shape[-1] // 2 + 1, 2.0)
    counts[0] = 1
    if shape[-1] % 2 == 0:
        counts[-1] = 1
    return np.broadcast_to(counts, (*shape[:-1], counts.size))


def compare(
    first: npt.NDArray[np.floating],
    second: npt.NDArray[np.floating],
    edges: Sequence[float],
    lengths: Sequence[float],
) -> Spectra:
    """Compare fields with others, band by band.

    Parameters
    ----------
    first, second : ndarray, shape (fields, ..., *cells)
        As many last axes are cells as there are `lengths`; axes between them and the first, such as the slabs of a
        box that are looked at as maps, are summed over.
    edges : sequence of float
        Ends of the bands in wavenumber; the upper end is not part of a band.
    lengths : sequence of float
        Sides of the periodic box.
    """
    axes = tuple(range(-len(lengths), 0))
    shape = first.shape[-len(lengths) :]
    size = float(np.prod(shape))
    a, b = (fft.rfftn(part, axes=axes) for part in (first, second))
    sums = BandSums(edges, shape, lengths)
    between = float(np.prod(first.shape[1 : first.ndim - len(lengths)]))
    return Spectra(
        np.asarray(sums.modes * between, dtype=np.float64),
        sums.of(np.abs(a) ** 2 / size),
        sums.of(np.abs(b) ** 2 / size),
        sums.of((a * b.conj()).real / size),
    )


class BandSums:
    """Sums over the waves of bands.

    Parameters
    ----------
    edges : sequence of float
        Ends of the bands in wavenumber; the upper end is not part of a band.
    shape : sequence of int
        Cells along each axis.
    lengths : sequence of float
        Sides of the periodic box.
    """

    def __init__(self, edges: Sequence[float], shape: Sequence[int], lengths: Sequence[float]):
        self._bands = len(edges) - 1
        self._weight = multiplicity(shape).ravel()
        self._band = np.digitize(magnitude(shape, lengths).ravel(), edges)
        self.modes: FloatArray = self._summed(self._weight)

    def of(self, values: npt.NDArray[np.floating]) -> FloatArray:
        """Sum values of waves, shape (fields, ..., *waves); returns shape (fields, bands)."""
        rows = values.reshape(len(values), -1, self._weight.size).sum(axis=1, dtype=np.float64)
        found: FloatArray = np.zeros((len(rows), self._bands))
        for number, row in enumerate(rows):
            found[number] = self._summed(row * self._weight)
        return found

    def _summed(self, values: npt.NDArray[np.floating]) -> FloatArray:
        return np.asarray(np.bincount(self._band, values, self._bands + 2)[1:-1], dtype=np.float64)


def resample_grid(field: npt.NDArray[np.floating], shape: Sequence[int]) -> Field:
    """Bring periodic fields to another number of cells by cutting off or adding waves.

    Cell 0 of each axis stays where it is. Waves of the Nyquist frequency of the coarser grid are left out.

    Parameters
    ----------
    field : ndarray, shape (..., *cells)
        Fields.
    shape : sequence of int
        New numbers of cells.
    """
    axes = tuple(range(-len(shape), 0))
    old = field.shape[-len(shape) :]
    if tuple(old) == tuple(shape):
        return np.asarray(field, dtype=np.float32)
    modes = fft.rfftn(field, axes=axes)
    halves = [*shape[:-1], shape[-1] // 2 + 1]
    target = np.zeros((*field.shape[: -len(shape)], *halves), dtype=modes.dtype)
    kept = [_kept(a, b, half=axis == len(shape) - 1) for axis, (a, b) in enumerate(zip(old, shape, strict=True))]
    there: Any = np.ix_(*[new for _, new in kept])
    here: Any = np.ix_(*[old for old, _ in kept])
    target[(..., *there)] = modes[(..., *here)]
    scale = float(np.prod(shape)) / float(np.prod(old))
    return np.asarray(fft.irfftn(target * scale, s=list(shape), axes=axes), dtype=np.float32)


def _kept(old: int, new: int, half: bool) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Where the waves that both grids have are in the transform of each."""
    highest = (min(old, new) - 1) // 2
    waves = np.arange(0 if half else -highest, highest + 1)
    return (waves, waves) if half else (waves % old, waves % new)


def _total(values: FloatArray, weights: FloatArray | None) -> FloatArray:
    return values.sum(axis=0, keepdims=True) if weights is None else weights @ values

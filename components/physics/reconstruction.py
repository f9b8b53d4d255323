"""Structure run backwards without learning: smoothing, and displacements undone, at once or step by step.

Standard reconstruction (Eisenstein et al. 2007, ApJ 664, 675) takes the displacements from the smoothed density,
as linear theory would have them, and moves the matter back; an even sheet of matter is moved alike and subtracted.
The iterative one (Schmittfull, Baldauf & Zaldarriaga 2017, PRD 96, 023505) does so again and again, with ever less
smoothing, and takes the initial density from the divergence of the whole way that the matter has come.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import fft

from components.common.compilation import compiled
from components.physics.mode_spectra import magnitude, wavenumbers

Field = npt.NDArray[np.float32]
_compiled = compiled(nogil=True, fastmath=True)

_SPARSE = 0.02
"""Where less than this share of the mean density arrives, displacements are taken from the neighbourhood."""

_NEIGHBOURHOOD = 0.8
"""Smoothing of what arrives, in cells."""


def smooth(field: npt.NDArray[np.floating], radius: float, lengths: Sequence[float]) -> Field:
    """Smooth periodic fields, shape (..., *cells), with a Gaussian of the radius (standard deviation)."""
    axes = tuple(range(-len(lengths), 0))
    shape = field.shape[-len(lengths) :]
    window = np.exp(-0.5 * (magnitude(shape, lengths) * radius) ** 2).astype(np.float32)
    modes = fft.rfftn(np.asarray(field, dtype=np.float32), axes=axes)
    return np.asarray(fft.irfftn(modes * window, s=list(shape), axes=axes), dtype=np.float32)


def standard_reconstruction(
    overdensity: npt.NDArray[np.floating], radius: float, lengths: Sequence[float]
) -> Field:
    """Run an overdensity back to the initial one, scaled to today by linear growth, in one step.

    Parameters
    ----------
    overdensity : ndarray, shape (nz, ny, nx)
        Of today, in a periodic box.
    radius : float
        Gaussian smoothing of the density that the displacements are taken from, in the units of `lengths`.
    lengths : sequence of float
        Sides of the box.
    """
    field = np.asarray(overdensity, dtype=np.float32)
    displacement = _Displacement(field.shape, lengths)
    places = displacement.lattice - displacement.of(field, radius)
    moved = np.zeros(field.shape, dtype=np.float32)
    _paint(moved, places.reshape(3, -1), field.ravel())  # matter minus an even sheet that is moved alike
    return moved


def iterative_reconstruction(
    overdensity: npt.NDArray[np.floating], radii: Sequence[float], keep: Sequence[int], lengths: Sequence[float]
) -> tuple[Field, Field]:
    """Run an overdensity back to the initial one in steps.

    Parameters
    ----------
    overdensity : ndarray, shape (nz, ny, nx)
        Of today, in a periodic box.
    radii : sequence of float
        Smoothing of each step, in the units of `lengths`.
    keep : sequence of int
        After how many steps the result is wanted, in rising order.
    lengths : sequence of float
        Sides of the box.

    Returns
    -------
    estimate : ndarray, shape (len(keep), nz, ny, nx)
        Initial overdensity scaled to today: minus the divergence of the displacement.
    rest : ndarray, same shape
        Overdensity that is left once the matter has been moved back.
    """
    field = np.asarray(overdensity, dtype=np.float32)
    displacement = _Displacement(field.shape, lengths)
    mass = (1 + field).ravel()
    start = displacement.lattice.reshape(3, -1)
    places = start.copy()
    density = field
    estimates, rests = [], []
    for step, radius in enumerate(radii, start=1):
        _shift(places, displacement.of(density, radius))
        density = np.full(field.shape, -1, dtype=np.float32)
        _paint(density, places, mass)
        if step in keep:
            estimates.append(_divergence(displacement, places, start - places, mass, density))
            rests.append(density)
    return np.stack(estimates), np.stack(rests)


def quadratic_fields(field: Field, lengths: Sequence[float]) -> tuple[Field, Field]:
    """Return the square of a field and its tidal invariant: what second order adds to linear theory."""
    k = wavenumbers(field.shape, lengths)
    square = _squared(field.shape, lengths)
    modes = fft.rfftn(np.asarray(field, dtype=np.float32))
    tides = -(field**2)
    for i in range(3):
        for j in range(i, 3):
            part = fft.irfftn(modes * (k[i] * k[j] / square).astype(np.float32), s=list(field.shape))
            tides = tides + (1 if i == j else 2) * part**2
    return field**2, np.asarray(tides, dtype=np.float32)


class _Displacement:
    """Displacements of linear theory on a grid, in cells."""

    def __init__(self, shape: tuple[int, ...], lengths: Sequence[float]):
        self.shape, self.lengths = shape, lengths
        self.lattice = np.stack(np.meshgrid(*(np.arange(n, dtype=np.float32) for n in shape), indexing="ij"))
        self.k = wavenumbers(shape, lengths)
        self._square = _squared(shape, lengths)
        self.cells = [n / length for n, length in zip(shape, lengths, strict=True)]

    def of(self, overdensity: Field, radius: float) -> Field:
        """Displacement i k / k^2 of a smoothed overdensity, shape (3, *shape)."""
        modes = fft.rfftn(overdensity) * (np.exp(-0.5 * self._square * radius**2) / self._square).astype(
            np.float32
        )
        modes[0, 0, 0] = 0
        out = np.empty((3, *self.shape), dtype=np.float32)
        for axis in range(3):
            factor = (1j * self.cells[axis] * self.k[axis]).astype(np.complex64)
            out[axis] = fft.irfftn(modes * factor, s=list(self.shape), overwrite_x=True)
        return out


def _divergence(displacement: _Displacement, places: Field, way: Field, mass: Field, density: Field) -> Field:
    """Minus the divergence of the mean displacement of what has arrived in each cell."""
    shape = displacement.shape
    square = sum((k / cells) ** 2 for k, cells in zip(displacement.k, displacement.cells, strict=True))
    window = np.exp(-0.5 * np.asarray(square) * _NEIGHBOURHOOD**2).astype(np.float32)
    arrived = fft.irfftn(fft.rfftn(1 + density) * window, s=list(shape))
    arrived = np.maximum(arrived, _SPARSE)
    total = np.zeros((*shape[:2], shape[2] // 2 + 1), dtype=np.complex64)
    for axis in range(3):
        carried = np.zeros(shape, dtype=np.float32)
        _paint(carried, places, mass * way[axis])
        mean = fft.irfftn(fft.rfftn(carried) * window, s=list(shape)) / arrived
        total -= (1j * displacement.k[axis] / displacement.cells[axis]).astype(np.complex64) * fft.rfftn(mean)
    return np.asarray(fft.irfftn(total, s=list(shape)), dtype=np.float32)


def _squared(shape: Sequence[int], lengths: Sequence[float]) -> npt.NDArray[np.float64]:
    """Square of each wavenumber; 1 for the mean, which has no displacement."""
    square = magnitude(shape, lengths) ** 2
    square[0, 0, 0] = 1
    return square


@_compiled
def _paint(out, places, mass):  # type: ignore[no-untyped-def]
    """Add masses to the eight nodes around each place; places, shape (3, n), are in cells."""
    n0, n1, n2 = out.shape
    one = np.float32(1.0)
    for p in range(places.shape[1]):
        x, y, z = places[0, p], places[1, p], places[2, p]
        fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
        dx, dy, dz = x - fx, y - fy, z - fz
        i0, j0, k0 = int(fx) % n0, int(fy) % n1, int(fz) % n2
        i1, j1, k1 = (i0 + 1) % n0, (j0 + 1) % n1, (k0 + 1) % n2
        a, b = mass[p] * (one - dx), mass[p] * dx
        out[i0, j0, k0] += a * (one - dy) * (one - dz)
        out[i0, j0, k1] += a * (one - dy) * dz
        out[i0, j1, k0] += a * dy * (one - dz)
        out[i0, j1, k1] += a * dy * dz
        out[i1, j0, k0] += b * (one - dy) * (one - dz)
        out[i1, j0, k1] += b * (one - dy) * dz
        out[i1, j1, k0] += b * dy * (one - dz)
        out[i1, j1, k1] += b * dy * dz


@_compiled
def _shift(places, field):  # type: ignore[no-untyped-def]
    """Move places, shape (3, n), back by a displacement that is read from the eight nodes around each."""
    n0, n1, n2 = field.shape[1:]
    one = np.float32(1.0)
    for p in range(places.shape[1]):
        x, y, z = places[0, p], places[1, p], places[2, p]
        fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
        dx, dy, dz = x - fx, y - fy, z - fz
        i0, j0, k0 = int(fx) % n0, int(fy) % n1, int(fz) % n2
        i1, j1, k1 = (i0 + 1) % n0, (j0 + 1) % n1, (k0 + 1) % n2
        for axis in range(3):
            f = field[axis]
            near = (one - dy) * ((one - dz) * f[i0, j0, k0] + dz * f[i0, j0, k1])
            near += dy * ((one - dz) * f[i0, j1, k0] + dz * f[i0, j1, k1])
            far = (one - dy) * ((one - dz) * f[i1, j0, k0] + dz * f[i1, j0, k1])
            far += dy * ((one - dz) * f[i1, j1, k0] + dz * f[i1, j1, k1])
            places[axis, p] -= (one - dx) * near + dx * far

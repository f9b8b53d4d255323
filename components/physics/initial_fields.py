"""Gaussian fields of linear theory on a lattice, and the displacements that follow in first and second order."""

import itertools

import numpy as np
import numpy.typing as npt
from scipy import fft

from components.physics.cosmology import Cosmology
from components.physics.linear_power import linear_power

Field = npt.NDArray[np.float32]
Modes = npt.NDArray[np.complex64]
FloatArray = npt.NDArray[np.float64]


def frequencies(side: int, box_size: float) -> tuple[Field, Field, Field]:
    """Wavenumbers of the three axes of a real field's transform, in a shape that they can be combined in."""
    step = 2 * np.pi / box_size
    full = (np.fft.fftfreq(side, 1 / side) * step).astype(np.float32)
    half = (np.fft.rfftfreq(side, 1 / side) * step).astype(np.float32)
    return full[:, None, None], full[None, :, None], half[None, None, :]


def initial_field(
    cosmology: Cosmology, seed: int, particles: int = 64, box_size_mpc_h: float = 25.0, workers: int = 1
) -> Field:
    """Draw the overdensity of linear theory today.

    Parameters
    ----------
    cosmology : Cosmology
        Gives the power spectrum. The same seed in another cosmology has the same phases.
    seed : int
        Of the phases and amplitudes.
    particles : int
        Lattice points a side; the waves too short for it are left out, those of the Nyquist frequency among them.
    box_size_mpc_h : float
        Side of the periodic box.
    workers : int
        Threads of the transforms; the result does not depend on it.

    Returns
    -------
    ndarray of float32, shape (particles, particles, particles)
        At the points of the lattice, (i + 1/2) box_size / particles.
    """
    modes = _draw(cosmology, seed, particles, box_size_mpc_h, workers)
    return np.asarray(fft.irfftn(modes, (particles,) * 3, workers=workers, overwrite_x=True))


def displacements(field: Field, box_size_mpc_h: float, workers: int = 1) -> tuple[Field, Field]:
    """Displacements of Lagrangian perturbation theory.

    Parameters
    ----------
    field : ndarray of float32, shape (n, n, n)
        Overdensity of linear theory.
    box_size_mpc_h : float
        Side of the box.
    workers : int
        Threads.

    Returns
    -------
    first, second : ndarray of float32, shape (n, n, n, 3)
        In Mpc/h, to be scaled by `Growth.first` and `Growth.second`.
    """
    side = len(field)
    k = frequencies(side, box_size_mpc_h)
    square = k[0] ** 2 + k[1] ** 2 + k[2] ** 2
    square[0, 0, 0] = 1
    potential = -fft.rfftn(field, workers=workers) / square  # laplacian(potential) = overdensity
    first = _gradient(-potential, k, side, workers)
    source = _second_order(potential, k, side, workers)
    second = _gradient(_without_nyquist(-fft.rfftn(source, workers=workers) / square), k, side, workers)
    return first, second


def _draw(cosmology: Cosmology, seed: int, side: int, box_size: float, workers: int) -> Modes:
    rng = np.random.default_rng(seed % 2**64)
    noise = rng.standard_normal((side,) * 3, dtype=np.float32)
    modes = fft.rfftn(noise, workers=workers, overwrite_x=True)
    k = frequencies(side, box_size)
    square = k[0] ** 2 + k[1] ** 2 + k[2] ** 2
    distinct, place = np.unique(
        np.rint(square * (box_size / (2 * np.pi)) ** 2).astype(np.int32), return_inverse=True
    )
    power = linear_power(np.sqrt(distinct) * 2 * np.pi / box_size, cosmology)  # of thousands, not of a million
    modes *= np.sqrt(power * (side / box_size) ** 3).astype(np.float32)[place].reshape(square.shape)
    return _without_nyquist(modes)


def _without_nyquist(modes: Modes) -> Modes:
    """Drop, in place, the waves whose gradient a lattice of an even side cannot hold."""
    middle = len(modes) // 2
    if len(modes) % 2 == 0:
        modes[middle], modes[:, middle], modes[:, :, middle] = 0, 0, 0
    return modes


def _gradient(modes: Modes, k: tuple[Field, Field, Field], side: int, workers: int) -> Field:
    out = np.empty((side, side, side, 3), dtype=np.float32)
    for axis in range(3):
        out[..., axis] = fft.irfftn(
            modes * (1j * k[axis]).astype(np.complex64), (side,) * 3, workers=workers, overwrite_x=True
        )
    return out


def _second_order(potential: Modes, k: tuple[Field, Field, Field], side: int, workers: int) -> Field:
    """Sum over pairs of axes of phi_ii phi_jj - phi_ij^2."""

    def derivative(i: int, j: int) -> Field:
        return np.asarray(fft.irfftn(potential * -(k[i] * k[j]), (side,) * 3, workers=workers, overwrite_x=True))

    diagonal = [derivative(axis, axis) for axis in range(3)]
    total = np.zeros((side,) * 3, dtype=np.float32)
    for i, j in itertools.combinations(range(3), 2):
        total += diagonal[i] * diagonal[j] - derivative(i, j) ** 2
    return total

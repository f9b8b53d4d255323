"""The thirteen fields of a simulated universe, as the maps of the CAMELS Multifield Dataset show them.

Matter and its velocity come from a simulation of gravity. Everything else is painted on by the rules of
`feedback_gas`, which are invented: units, ranges and file layout are those of the dataset, the response to
feedback is not.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from components.physics.cosmology import Cosmology
from components.physics.feedback_gas import CRITICAL_DENSITY, Baryons, Feedback, add_baryons
from components.physics.matter_sheet import refine
from components.physics.multifield import BOX_SIZE_MPC_H, SLAB_MPC_H, SLABS
from components.physics.particle_mesh import Particles
from components.physics.slab_projection import project_adaptively

Array = npt.NDArray[np.float32]

_PROTONS = 4.0476e-17
"""Protons in 1 h^2 Msun/Mpc^3, per h^2/cm^3."""
_ELECTRONS_PER_PROTON_MASS = 0.88
_PRESSURE = 8.2543e-3 / 0.59 * 1e-9
"""k T over the mean mass of a particle in (km/s)^2 for 1 K, and kpc^3 in 1 Mpc^3."""

_MOST_TRACERS = 128
"""A side: with more of them memory is short before maps are finer."""
_SUMS = (
    "Mgas", "Vgas", "T", "Z", "HI", "ne", "B", "MgFe", "Mcdm", "Vcdm", "Mstar",
)  # fmt: skip
_MEANS = {"Vgas": "Mgas", "T": "Mgas", "Z": "Mgas", "B": "Mgas", "MgFe": "Mgas", "Vcdm": "Mcdm"}
"""By which mass a mean is weighted."""


def paint_maps(
    particles: Particles,
    cosmology: Cosmology,
    feedback: Feedback,
    fields: Sequence[str],
    grid: int = 64,
) -> Array:
    """Paint maps of slabs of a simulation.

    Parameters
    ----------
    particles : Particles
        Of a box of 25 Mpc/h at redshift 0, in the order of the lattice.
    cosmology : Cosmology
        With which they were simulated.
    feedback : Feedback
        Whose response is invented.
    fields : sequence of str
        Names in `multifield.FIELDS`.
    grid : int
        Pixels a side.

    Returns
    -------
    ndarray of float32, shape (15, fields, grid, grid)
        Five slabs along each of three axes, in the units of `multifield.FIELDS`.
    """
    box = BOX_SIZE_MPC_H
    side = round(len(particles.positions) ** (1 / 3))
    times = max(0, int(np.log2(min(grid, _MOST_TRACERS) / side)))
    positions, velocities = refine(particles.positions, particles.velocities, box, times)
    mesh = side * 2**times
    baryons = add_baryons(positions, velocities, cosmology, feedback, box, mesh)
    sums = project_adaptively(positions, _weights(baryons), baryons.density, grid, SLABS, box)
    # Mass of a tracer over the area of a pixel: what turns shares of tracers into surface densities.
    scale = cosmology.omega_m * CRITICAL_DENSITY * box**3 / len(positions) / (box / grid) ** 2
    return np.stack([_map_of(name, sums, scale) for name in fields], axis=1)


def _weights(baryons: Baryons) -> Array:
    gas, dark = baryons.gas, baryons.dark
    columns = {
        "Mgas": gas,
        "Vgas": gas * baryons.gas_speed,
        "T": gas * baryons.temperature,
        "Z": baryons.metals,
        "HI": baryons.neutral,
        "ne": gas * baryons.ionised,
        "B": gas * baryons.magnetic,
        "MgFe": gas * baryons.mg_over_fe,
        "Mcdm": dark,
        "Vcdm": dark * baryons.dark_speed,
        "Mstar": baryons.stars,
    }
    return np.stack([columns[name] for name in _SUMS], axis=1)


def _map_of(name: str, sums: Array, scale: float) -> Array:
    def summed(which: str) -> Array:
        return sums[:, _SUMS.index(which)]

    if name in _MEANS:
        weight = summed(_MEANS[name])
        # A pixel without matter has no mean: it gets that of its map, which no scale of its own could distort.
        mean = summed(name).sum((1, 2), keepdims=True) / weight.sum((1, 2), keepdims=True)
        return np.where(weight > 0, summed(name) / np.maximum(weight, np.float32(1e-30)), mean)
    if name == "Mtot":
        total = summed("Mgas") + summed("Mcdm") + summed("Mstar")
        return np.asarray(total * np.float32(scale))
    if name == "P":
        return np.asarray(summed("T") * np.float32(scale * _PRESSURE / SLAB_MPC_H))
    factor = _PROTONS * _ELECTRONS_PER_PROTON_MASS if name == "ne" else 1.0
    return np.asarray(summed(name) * np.float32(scale * factor))

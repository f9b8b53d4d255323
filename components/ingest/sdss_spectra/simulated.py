"""The embedded default: simulated quasars in the columns of the archive's."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from components.common.errors import ParameterError
from components.common.shards import Shard
from components.common.tables import Columns
from components.ingest.sdss_spectra.schema import NO_NUMBER, QSO, TENSOR_PIXELS
from components.physics.quasars import simulate_quasars
from components.physics.wavelength_grid import WavelengthGrid

FIRST_PIXEL = 35500
"""Lattice index of the first pixel, a little blueward of where BOSS spectra begin."""

REDSHIFT_RANGE = (0.05, 5.0)
"""What the simulator covers: nearer quasars are galaxies, and the optical shows too little of farther ones."""

ROWS_PER_BATCH = 256


class Observed(Protocol):
    """What a simulator gives: spectra on the grid, a row each."""

    @property
    def redshift(self) -> npt.NDArray[Any]:
        """True ones."""
        ...

    @property
    def flux(self) -> npt.NDArray[Any]:
        """Observed."""
        ...

    @property
    def ivar(self) -> npt.NDArray[Any]:
        """Inverse variance of the flux."""
        ...

    @property
    def sn_median(self) -> npt.NDArray[Any]:
        """Median signal-to-noise ratio per pixel."""
        ...


def simulate(
    rows: int, seed: int, minimum_redshift: float, maximum_redshift: float, part: Shard | None = None
) -> Iterator[Columns]:
    """Simulate spectra of quasars.

    Parameters
    ----------
    rows : int
        Number of spectra.
    seed : int
        Equal seeds give equal spectra.
    minimum_redshift, maximum_redshift : float
        Range wanted; what `REDSHIFT_RANGE` does not cover of it is left out.
    part : Shard, optional
        Which part of the spectra; all by default.

    Yields
    ------
    dict of str to ndarray
        Batches with the columns of `schema.FIELDS`.

    Raises
    ------
    ParameterError
        When nothing of the range is covered.
    """
    grid = WavelengthGrid(FIRST_PIXEL, TENSOR_PIXELS)
    low, high = max(minimum_redshift, REDSHIFT_RANGE[0]), min(maximum_redshift, REDSHIFT_RANGE[1])
    if low > high:
        raise ParameterError(
            f"No quasar can be simulated between redshifts {minimum_redshift} and {maximum_redshift}.",
            f"Choose a range that overlaps {REDSHIFT_RANGE[0]} to {REDSHIFT_RANGE[1]}.",
        )
    for start, count, rng in batches_of(rows, seed, part):
        spectra = simulate_quasars(ROWS_PER_BATCH, grid, low, high, rng)
        names = np.array([f"sim-{seed}-{start + i:07d}" for i in range(count)], dtype=object)
        yield {
            **columns_of(spectra, count),
            "id": names,
            "object_id": names,
            "spectral_class": np.full(count, QSO, dtype=object),
            "redshift_source": np.full(count, "simulator", dtype=object),
            "is_bal": spectra.is_bal[:count],
        }


def batches_of(rows: int, seed: int, part: Shard | None) -> Iterator[tuple[int, int, np.random.Generator]]:
    """Yield the first row, the number of rows and the random numbers of each batch of a part.

    Each batch has random numbers of its own, so that a shard needs no other's; a simulator draws always a whole
    batch, so that the first spectra of a long run are those of a short one.
    """
    mine = (part or Shard()).rows(rows, ROWS_PER_BATCH)
    for start in range(mine.start, mine.stop, ROWS_PER_BATCH):
        seeds = np.random.SeedSequence(seed % 2**64, spawn_key=(start // ROWS_PER_BATCH,))  # of negative ones too
        yield start, min(ROWS_PER_BATCH, rows - start), np.random.default_rng(seeds)


def columns_of(spectra: Observed, count: int) -> Columns:
    """Return the columns that all simulated spectra have, of the first `count`: none has a place on the sky."""
    return {
        "redshift": spectra.redshift[:count],
        "zwarning": np.zeros(count, dtype=np.int64),
        "ra": np.full(count, np.nan),
        "dec": np.full(count, np.nan),
        "plate": np.full(count, NO_NUMBER),
        "mjd": np.full(count, NO_NUMBER),
        "fiber": np.full(count, NO_NUMBER),
        "sn_median": spectra.sn_median[:count],
        "resampled": np.zeros(count, dtype=bool),
        "first_pixel": np.full(count, FIRST_PIXEL),
        "pixels": np.full(count, TENSOR_PIXELS),
        "flux": spectra.flux[:count],
        "ivar": spectra.ivar[:count],
    }

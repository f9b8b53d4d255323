"""Spectra of galaxies whose redshifts, magnitudes and colours are real, and whose pixels are not."""

from collections.abc import Iterator

import numpy as np

from components.common.errors import ParameterError
from components.common.shards import Shard
from components.common.tables import Columns
from components.ingest.sdss_spectra.kcorrect_files import real_galaxies
from components.ingest.sdss_spectra.schema import GALAXY, TENSOR_PIXELS
from components.ingest.sdss_spectra.simulated import FIRST_PIXEL, ROWS_PER_BATCH, batches_of, columns_of
from components.physics.galaxies import simulate_galaxies
from components.physics.wavelength_grid import WavelengthGrid

_SDSS_SHARE = 0.9
"""The photometry is of the main galaxy sample, nearly all of it observed with the first spectrographs."""


def simulate(
    rows: int, seed: int, minimum_redshift: float, maximum_redshift: float, part: Shard | None = None
) -> Iterator[Columns]:
    """Simulate spectra of real galaxies.

    Parameters
    ----------
    rows : int
        Number of spectra. There are some 10,000 galaxies: beyond that they come again, as other observations of
        the same object.
    seed : int
        Equal seeds give equal spectra.
    minimum_redshift, maximum_redshift : float
        Galaxies outside are left out.
    part : Shard, optional
        Which part of the spectra; all by default.

    Yields
    ------
    dict of str to ndarray
        Batches with the columns of `schema.FIELDS` and of `schema.MEASUREMENTS`.

    Raises
    ------
    ParameterError
        When there is no galaxy in the range.
    """
    catalogue = real_galaxies()
    inside = (catalogue.redshift >= minimum_redshift) & (catalogue.redshift <= maximum_redshift)
    if not inside.any():
        raise ParameterError(
            f"There is no galaxy between redshifts {minimum_redshift} and {maximum_redshift}.",
            f"Choose a range that overlaps {catalogue.redshift.min():.2f} to {catalogue.redshift.max():.2f}.",
        )
    grid = WavelengthGrid(FIRST_PIXEL, TENSOR_PIXELS)
    order = np.random.default_rng(seed % 2**64).permutation(np.flatnonzero(inside))
    for start, count, rng in batches_of(rows, seed, part):
        galaxies = order[np.arange(start, start + ROWS_PER_BATCH) % order.size]
        spectra = simulate_galaxies(
            ROWS_PER_BATCH, grid, catalogue, rng, galaxies=galaxies, sdss_share=_SDSS_SHARE
        )
        yield {
            **columns_of(spectra, count),
            "id": np.array([f"galaxy-{seed}-{start + i:07d}" for i in range(count)], dtype=object),
            "object_id": np.array([f"gst-{row:05d}" for row in spectra.galaxy[:count]], dtype=object),
            "spectral_class": np.full(count, GALAXY, dtype=object),
            "redshift_source": np.full(count, "kcorrect", dtype=object),
            "is_bal": np.zeros(count, dtype=bool),
            "magnitude_r": spectra.magnitude_r[:count],
            "magnitude_r_total": spectra.magnitude_r_total[:count],
            "velocity_dispersion": spectra.velocity_dispersion_km_s[:count],
        }

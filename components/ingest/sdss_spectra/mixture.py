"""Simulated quasars and galaxies, to be told apart, in the columns of the archive's."""

from collections.abc import Iterator

import numpy as np

from components.common.errors import ParameterError
from components.common.shards import Shard
from components.common.tables import Columns
from components.ingest.sdss_spectra.kcorrect_files import real_galaxies
from components.ingest.sdss_spectra.schema import GALAXY, QSO, TENSOR_PIXELS
from components.ingest.sdss_spectra.simulated import (
    FIRST_PIXEL,
    REDSHIFT_RANGE,
    ROWS_PER_BATCH,
    batches_of,
    columns_of,
)
from components.physics.active_galaxies import GALAXY_REDSHIFTS, simulate_mixture
from components.physics.wavelength_grid import WavelengthGrid

NOTES = (
    "Simulated spectra: what a model scores on them is no measure of how it does on the sky.",
    "Galaxies have the colours of real ones (kcorrect), moved to redshifts 0.05 to 0.9; half of the quasars lie "
    "there too. A spectrum is called a quasar where the nucleus outshines its galaxy at 4200 angstrom in the rest "
    "frame; a fifth of the galaxies have a nucleus that does not, which a survey may well call a quasar. No "
    "spectrum has as much light of the one as of the other, within a quarter.",
    "Signal-to-noise ratio, magnitude and spectrograph are drawn alike for both classes.",
)
"""What has to be known of these spectra."""


def simulate(
    rows: int, seed: int, minimum_redshift: float, maximum_redshift: float, part: Shard | None = None
) -> Iterator[Columns]:
    """Simulate spectra of quasars and galaxies.

    Parameters
    ----------
    rows, seed, minimum_redshift, maximum_redshift, part
        As in `components.ingest.sdss_spectra.simulated.simulate`.

    Yields
    ------
    dict of str to ndarray
        Batches with the columns of `schema.FIELDS` and magnitudes. Spectra with the same galaxy in them are of one
        object, since they share its colours.

    Raises
    ------
    ParameterError
        When there are no galaxies in the range.
    """
    low, high = max(minimum_redshift, GALAXY_REDSHIFTS[0]), min(maximum_redshift, REDSHIFT_RANGE[1])
    if not low < min(high, GALAXY_REDSHIFTS[1]):
        raise ParameterError(
            f"No galaxy can be simulated between redshifts {minimum_redshift} and {maximum_redshift}.",
            f"Choose a range that overlaps {GALAXY_REDSHIFTS[0]} to {GALAXY_REDSHIFTS[1]}.",
        )
    grid, catalogue = WavelengthGrid(FIRST_PIXEL, TENSOR_PIXELS), real_galaxies()
    for start, count, rng in batches_of(rows, seed, part):
        spectra = simulate_mixture(ROWS_PER_BATCH, grid, catalogue, low, high, rng)
        names = np.array([f"mix-{seed}-{start + i:07d}" for i in range(count)], dtype=object)
        galaxy = spectra.galaxy[:count]
        hosts = np.array([f"gst-{row:05d}" for row in galaxy], dtype=object)
        yield {
            **columns_of(spectra, count),
            "id": names,
            "object_id": np.where(galaxy >= 0, hosts, names),
            "spectral_class": np.where(spectra.is_quasar[:count], QSO, GALAXY).astype(object),
            "redshift_source": np.full(count, "simulator", dtype=object),
            "is_bal": spectra.is_bal[:count],
            "magnitude_r": spectra.magnitude_r[:count],
        }

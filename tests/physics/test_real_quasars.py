"""Are real quasars such as the simulated ones? Not a fit: a look at what nobody tuned."""

from pathlib import Path

import numpy as np
import pytest

from components.ingest.sdss_spectra.batches import read_spectra
from components.physics.quasars import simulate_quasars
from components.physics.wavelength_grid import LATTICE_STEP, WavelengthGrid

Statistics = dict[str, np.ndarray]


def _statistics(flux: np.ndarray, ivar: np.ndarray, wave: np.ndarray) -> Statistics:
    """Of spectra of shape (rows, pixels), each of shape (rows,)."""
    good = ivar > 0
    ratio = np.where(good, flux * np.sqrt(ivar), np.nan)
    return {
        "signal to noise": np.nanmedian(ratio, axis=1),
        "missing pixels": 1 - good[:, (wave > 3850) & (wave < 9150)].mean(axis=1),
    }


@pytest.fixture(scope="module")
def simulated() -> Statistics:
    grid = WavelengthGrid(35500, 4700)
    spectra = simulate_quasars(400, grid, 0.05, 5.0, np.random.default_rng(42))
    return _statistics(spectra.flux, spectra.ivar, grid.wavelength_angstrom)


@pytest.fixture(scope="module")
def real(real_data: Path) -> Statistics:
    columns = read_spectra(sorted((real_data / "sdss" / "spectra").glob("spec-*.fits"))).columns
    found = []
    for row in np.flatnonzero(columns["spectral_class"] == "QSO"):
        pixels = columns["pixels"][row]
        wave = 10 ** (LATTICE_STEP * (columns["first_pixel"][row] + np.arange(pixels)))
        found.append(_statistics(columns["flux"][[row], :pixels], columns["ivar"][[row], :pixels], wave))
    return {name: np.concatenate([one[name] for one in found]) for name in found[0]}


@pytest.mark.parametrize("name", ["signal to noise", "missing pixels"])
def test_real_quasars_are_among_the_simulated(real: Statistics, simulated: Statistics, name: str) -> None:
    """The files were chosen by others, for their brightness among other things: one in ten may be outside."""
    low, high = np.quantile(simulated[name], [0.005, 0.995])
    assert len(real[name]) > 25
    assert np.mean((low <= real[name]) & (real[name] <= high)) >= 0.9
    # nor does the simulation reach so far that this is no wonder
    assert np.quantile(simulated[name], 0.05) < np.median(real[name]) < np.quantile(simulated[name], 0.95)

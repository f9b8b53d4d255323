"""A small data set of simulated quasars, as preprocess writes it."""

import numpy as np
import pytest

from components.common.provenance import Provenance
from components.common.tables import column, tensor_column, write_table
from components.physics.quasars import simulate_quasars
from components.physics.wavelength_grid import WavelengthGrid
from components.preprocess.spectra.preparation import Preparation, prepare

GRID = WavelengthGrid(bin_pixels=16)
SETTINGS = Preparation(GRID, "standard", "interpolate")
ROWS = 700
FINE = WavelengthGrid()

FIELDS = (
    column("id", "string", "spectrum"),
    column("object_id", "string", "object"),
    column("redshift", "float64", "label"),
    column("zwarning", "int64", "warning"),
    column("is_bal", "bool", "broad absorption"),
    column("sn_median", "float32", "S/N"),
    column("split", "string", "train, validation or test"),
    tensor_column("flux", (GRID.pixels,), "flux"),
    tensor_column("ivar", (GRID.pixels,), "inverse variance"),
)


@pytest.fixture(scope="session")
def quasar_table():
    """Columns of the data set, and the width of its pixels in log10 wavelength."""
    spectra = simulate_quasars(ROWS, FINE, 0.5, 3.5, np.random.default_rng(11))
    where = (np.full(ROWS, FINE.first_pixel), np.full(ROWS, FINE.fine_pixels))
    prepared = prepare(spectra.flux, spectra.ivar, *where, SETTINGS)
    number = np.arange(ROWS)
    columns = {
        "id": np.array([f"sim-{i:06d}" for i in number], dtype=object),
        "object_id": np.array([f"object-{i // 2}" for i in number], dtype=object),
        "redshift": spectra.redshift,
        "zwarning": np.zeros(ROWS, np.int64),
        "is_bal": spectra.is_bal,
        "sn_median": np.median(spectra.flux * np.sqrt(spectra.ivar), axis=1).astype(np.float32),
        "split": np.where(number < 500, "train", np.where(number < 550, "validation", "test")).astype(object),
        "flux": prepared.flux,
        "ivar": prepared.ivar,
    }
    return columns, GRID.step


@pytest.fixture(scope="session")
def dataset(quasar_table, tmp_path_factory):
    """The folder that preprocess leaves."""
    folder = tmp_path_factory.mktemp("dataset")
    provenance = Provenance("simulated", "simulator", requested=ROWS, received=ROWS, seed=11)
    write_table(folder / "dataset.parquet", FIELDS, quasar_table[0], provenance, SETTINGS.to_settings())
    return folder

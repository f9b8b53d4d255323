"""Preparing spectra, beside a loop of numpy.interp over them, and the whole stage from table to table."""

import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from components.common.provenance import Provenance
from components.common.tables import TableWriter
from components.common.telemetry import EVENTS_VARIABLE
from components.ingest.sdss_spectra.schema import FIELDS, TENSOR_PIXELS
from components.physics.wavelength_grid import QUASAR_GRID
from components.preprocess.spectra.preparation import Preparation, Prepared, prepare
from components.preprocess.spectra.preprocessing import Settings, preprocess

ROWS = 1024
FIRST, PIXELS = 35560, 4600


def _flux(rows: int) -> npt.NDArray[np.float32]:
    generator = np.random.default_rng(0)
    return (np.linspace(4, 1, TENSOR_PIXELS) + generator.normal(size=(rows, TENSOR_PIXELS))).astype(np.float32)


def _interp_loop(flux: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Do what the workshop's notebook does, spectrum by spectrum."""
    grid = QUASAR_GRID.log_wavelength
    own = 1e-4 * (FIRST + np.arange(PIXELS))
    result = np.empty((len(flux), grid.size), np.float32)
    for row, values in enumerate(flux):
        f = np.interp(grid, own, values[:PIXELS])
        result[row] = (f - f.mean()) / f.std()
    return result


def test_prepare_beside_a_loop_of_numpy_interp(ratio) -> None:
    """The same numbers; ours also weights, carries the inverse variance and looks for missing pixels."""
    flux = _flux(ROWS)
    ivar = np.ones_like(flux)
    first, pixels = np.full(ROWS, FIRST), np.full(ROWS, PIXELS)

    def ours() -> Prepared:
        return prepare(flux, ivar, first, pixels, Preparation(normalisation="standard", fill="edge"))

    def agree(a: Prepared, b: npt.NDArray[np.float32]) -> bool:
        # 1e-4 * index is not exactly a pixel: numpy.interp moves a value by 1e-11 of the step to its neighbour.
        return bool(np.allclose(a.flux, b, rtol=1e-6, atol=1e-6))

    ratio("prepare", ours=ours, peer=lambda: _interp_loop(flux), peer_name="numpy.interp loop", agree=agree)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of 8192 spectra, 308 MB."""
    folder = tmp_path_factory.mktemp("spectra")
    columns = {
        "flux": _flux(512),
        "ivar": np.ones((512, TENSOR_PIXELS), np.float32),
        "first_pixel": np.full(512, FIRST),
        "pixels": np.full(512, PIXELS),
        "sn_median": np.full(512, 3.0),
    }
    for field in FIELDS:
        if field.name not in columns:
            columns[field.name] = np.zeros(512, dtype=field.type.to_pandas_dtype())
    with TableWriter(folder / "dataset.parquet", FIELDS, Provenance("simulated", "a benchmark")) as writer:
        for group in range(16):
            names = np.array([f"{group}-{row}" for row in range(512)], dtype=object)
            texts = {f.name: names for f in FIELDS if f.type == "string"}
            writer.write({**columns, **texts})
    return folder


@pytest.mark.parametrize("bin_pixels", [4, 1])
@pytest.mark.parametrize("normalisation", ["robust", "standard"])
def test_stage_from_table_to_table(
    table: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    benchmark,
    bin_pixels: int,
    normalisation: str,
) -> None:
    """Spectra a second; the goal is 20,000 on two cores."""
    monkeypatch.setenv(EVENTS_VARIABLE, str(tmp_path / "events"))
    settings = Settings(bin_pixels=bin_pixels, normalisation=normalisation)
    seconds: list[float] = []

    def stage() -> None:
        start = time.perf_counter()
        preprocess(table, tmp_path / "out", settings)
        seconds.append(time.perf_counter() - start)

    benchmark.pedantic(stage, rounds=3, warmup_rounds=1)
    rate = 8192 / min(seconds)
    benchmark.extra_info["spectra_per_second"] = rate
    with capsys.disabled():
        print(f"\npreprocess, {normalisation}, bin {bin_pixels}: {rate:,.0f} spectra/s (goal 20,000)")

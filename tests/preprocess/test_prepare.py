"""`prepare` against straightforward numpy, the paper's own lines among it."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numba import njit

from components.common.errors import ParameterError
from components.physics.wavelength_grid import QUASAR_GRID, WavelengthGrid
from components.preprocess.spectra.kernels import _compiled, median_in_place
from components.preprocess.spectra.preparation import FILLS, NORMALISATIONS, REASONS, Preparation, prepare

PAPER_GRID = np.linspace(3.5522, 4.0139, 4618)
WIDTH = 4700
Array = npt.NDArray[np.float64]


def _spectra(rows: int, seed: int = 3) -> dict[str, npt.NDArray]:
    """Spectra of different lengths that begin before, on and after the grid's first pixel, without masks."""
    generator = np.random.default_rng(seed)
    slope = np.linspace(4, 1, WIDTH)
    flux = (slope + generator.normal(size=(rows, WIDTH))).astype(np.float32)
    ivar = generator.uniform(0.1, 2, size=(rows, WIDTH)).astype(np.float32)
    pixels = generator.integers(3800, WIDTH, size=rows)
    for row, length in enumerate(pixels):
        flux[row, length:] = ivar[row, length:] = 0
    first = QUASAR_GRID.first_pixel + generator.integers(-60, 300, size=rows)
    return {"flux": flux, "ivar": ivar, "first_pixel": first, "pixels": pixels}


def _paper(flux: npt.NDArray, first_pixel: int, pixels: int, normalisation: str) -> Array:
    """Interpolate and normalise as the workshop's notebook does (linspace is extended to where spectra begin)."""
    margin = 400
    lattice = np.concatenate(
        [PAPER_GRID[0] - 1e-4 * np.arange(margin, 0, -1), PAPER_GRID, PAPER_GRID[-1] + 1e-4 * np.arange(1, margin)]
    )
    start = first_pixel - QUASAR_GRID.first_pixel + margin
    f = np.interp(PAPER_GRID, lattice[start : start + pixels], flux[:pixels])
    f = (f - f.mean()) / f.std()
    if normalisation == "minmax":
        f -= f.min() - 0.001
        f /= f.max()
    return f


@pytest.mark.parametrize("normalisation", ["standard", "minmax"])
def test_unmasked_spectra_agree_with_the_paper(normalisation: str) -> None:
    spectra = _spectra(40)
    result = prepare(**spectra, settings=Preparation(normalisation=normalisation, fill="edge"))
    for row in range(40):
        expected = _paper(*(spectra[k][row] for k in ("flux", "first_pixel", "pixels")), normalisation)
        # Two orders of summation differ by 1e-15; what is left is the rounding of the result to float32.
        np.testing.assert_allclose(result.flux[row], expected, rtol=1.2e-7, atol=1e-9)


def test_placement_is_exactly_that_of_numpy_interp() -> None:
    """Undoing the normalisation in integers would round: compare the place of each value by its rank instead."""
    spectra = _spectra(20)
    spectra["flux"] = np.argsort(spectra["flux"], axis=1).astype(np.float32)  # exact in float32, all different
    result = prepare(**spectra, settings=Preparation(fill="edge"))
    own = QUASAR_GRID.first_pixel + np.arange(QUASAR_GRID.pixels)
    for row in range(20):
        first, pixels = spectra["first_pixel"][row], spectra["pixels"][row]
        expected = np.interp(own, first + np.arange(pixels), spectra["flux"][row, :pixels])
        value = result.offset[row].astype(float) + result.scale[row].astype(float) * result.flux[row]
        # float32 knows the normalised flux to 1e-7 of a range of 4700: neighbours in rank stay apart.
        assert np.array_equal(np.rint(value), expected)


def _reference(
    flux: npt.NDArray, ivar: npt.NDArray, first: int, pixels: int, settings: Preparation
) -> tuple[Array, Array, Array]:
    """Place, bin, fill and normalise one spectrum with numpy alone; also returns the values before normalising."""
    grid = settings.grid
    fine_flux, fine_ivar = np.zeros((2, 3 * WIDTH + grid.fine_pixels))
    start = first - grid.first_pixel + WIDTH
    fine_flux[start : start + pixels] = flux[:pixels]
    fine_ivar[start : start + pixels] = ivar[:pixels]
    part = slice(WIDTH, WIDTH + grid.pixels * grid.bin_pixels)
    shape = (grid.pixels, grid.bin_pixels)
    weight = fine_ivar[part].reshape(shape).sum(axis=1)
    total = (fine_ivar * fine_flux)[part].reshape(shape).sum(axis=1)
    seen = weight > 0
    value = np.divide(total, weight, out=np.zeros(grid.pixels), where=seen)
    index = np.arange(grid.pixels)
    carries = seen.copy()
    if settings.fill != "zero":
        value = np.interp(index, index[seen], value[seen])
        carries |= (index > index[seen][0]) & (index < index[seen][-1])
    if settings.fill == "edge":
        carries[:] = True
    if settings.normalisation == "robust":
        centre = np.median(value[seen])
        deviation = np.median(np.abs(value[seen] - centre)) * 1.482602218505602
    else:
        centre, deviation = value[carries].mean(), value[carries].std()
    value = np.where(carries, value, centre)
    normalised = (value - centre) / deviation
    if settings.normalisation == "robust":
        normalised = normalised.clip(-settings.clip_sigma, settings.clip_sigma)
    if settings.normalisation == "minmax":
        normalised -= normalised.min() - 0.001
        normalised /= normalised.max()
    return normalised, weight, value


@pytest.mark.parametrize("bin_pixels", [1, 4, 7])
@pytest.mark.parametrize("normalisation", NORMALISATIONS)
@pytest.mark.parametrize("fill", FILLS)
def test_masked_spectra_agree_with_numpy(bin_pixels: int, normalisation: str, fill: str) -> None:
    spectra = _spectra(8, seed=bin_pixels)
    generator = np.random.default_rng(11)
    spectra["ivar"][generator.random(spectra["ivar"].shape) < 0.1] = 0
    spectra["ivar"][:, 1500:1560] = 0
    spectra["flux"][:, 2000] = 1e4  # a cosmic ray
    settings = Preparation(WavelengthGrid(bin_pixels=bin_pixels), normalisation, fill, clip_sigma=4.0)
    result = prepare(**spectra, settings=settings)
    assert result.good.all()
    for row in range(8):
        one = [spectra[k][row] for k in ("flux", "ivar", "first_pixel", "pixels")]
        flux, weight, value = _reference(*one, settings)
        np.testing.assert_allclose(result.flux[row], flux, rtol=2e-7, atol=2e-7)
        scale = float(result.scale[row])
        np.testing.assert_allclose(result.ivar[row], weight * scale**2, rtol=1e-6)
        inside = np.abs(flux) < settings.clip_sigma if normalisation == "robust" else np.full(flux.shape, True)
        back = float(result.offset[row]) + scale * result.flux[row].astype(float)
        np.testing.assert_allclose(back[inside], value[inside], rtol=1e-5, atol=1e-5 * scale)
        assert result.coverage[row] == np.float32((weight > 0).mean())


def test_the_ivar_of_the_normalised_flux_measures_its_noise() -> None:
    """Repeating an observation scatters the result as its ivar says, whatever the binning."""
    generator = np.random.default_rng(0)
    truth = np.linspace(20, 40, WIDTH)
    ivar = generator.uniform(0.5, 4, WIDTH).astype(np.float32)
    flux = (truth + generator.normal(size=(400, WIDTH)) / np.sqrt(ivar)).astype(np.float32)
    settings = Preparation(WavelengthGrid(bin_pixels=4), "standard", "edge")
    result = prepare(flux, np.tile(ivar, (400, 1)), np.full(400, 35522), np.full(400, WIDTH), settings)
    pull = (result.flux - result.flux.mean(axis=0)) * np.sqrt(result.ivar)
    assert pull.std() == pytest.approx(1.0, abs=0.01)  # 461,600 values: 0.001 by chance


def _one(flux: npt.NDArray, ivar: npt.NDArray, **options: object) -> str:
    settings = Preparation(**options)
    result = prepare(flux[None], ivar[None], [35522], [flux.size], settings)
    assert np.isfinite(result.flux).all()
    assert np.isfinite(result.ivar).all()
    assert result.good[0] == (result.status[0] not in REASONS)
    return "good" if result.good[0] else REASONS[int(result.status[0])][0]


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_unusable_spectra_have_a_reason(normalisation: str) -> None:
    flux = np.random.default_rng(0).normal(size=4618).astype(np.float32)
    ones = np.ones(4618, np.float32)
    nan = np.full(4618, np.nan, np.float32)
    assert _one(flux, ones, normalisation=normalisation) == "good"
    assert _one(flux, 0 * ones, normalisation=normalisation) == "no good pixel"
    assert _one(flux, -ones, normalisation=normalisation) == "no good pixel"
    assert _one(nan, ones, normalisation=normalisation) == "no good pixel"
    assert _one(flux, nan, normalisation=normalisation) == "no good pixel"
    assert _one(0 * ones, ones, normalisation=normalisation) == "constant flux"
    assert _one(np.float32(0.1) * ones, ones, normalisation=normalisation) == "constant flux"
    assert _one(flux * np.float32(1e30), ones, normalisation=normalisation) == "out of range"


def test_single_bad_numbers_count_as_missing() -> None:
    spectra = _spectra(1)
    clean = prepare(**spectra, settings=Preparation(fill="zero"))
    for flux, ivar in [(np.nan, 1), (np.inf, 1), (1, np.nan), (1, np.inf), (1, -1)]:
        broken = {name: values.copy() for name, values in spectra.items()}
        broken["flux"][0, 1000], broken["ivar"][0, 1000] = flux, ivar
        result = prepare(**broken, settings=Preparation(fill="zero"))
        assert result.good.all()
        assert (result.ivar == 0).sum() == (clean.ivar == 0).sum() + 1


def test_a_spectrum_beside_the_grid_has_no_good_pixel() -> None:
    flux, ivar = np.ones((2, 2, 100), np.float32)
    result = prepare(flux, ivar, [30000, 45000], [100, 100], Preparation())
    assert [REASONS[int(s)][0] for s in result.status] == ["no good pixel"] * 2


def test_rows_do_not_influence_each_other() -> None:
    """The same spectrum alone, among others, in one thread or in two."""
    spectra = _spectra(200)
    settings = Preparation(WavelengthGrid(bin_pixels=4), "robust", "interpolate")
    together = prepare(**spectra, settings=settings, threads=2)
    for row in (0, 63, 64, 199):
        alone = prepare(**{k: v[row : row + 1] for k, v in spectra.items()}, settings=settings, threads=1)
        assert np.array_equal(alone.flux[0], together.flux[row])
        assert np.array_equal(alone.ivar[0], together.ivar[row])


@settings(max_examples=200, deadline=None)
@given(arrays(np.float64, st.integers(1, 40), elements=st.sampled_from([0.0, -1.0, 1.0, 2.5, 1e9, 3.0, 4.0])))
def test_median_with_ties(values: Array) -> None:
    assert median_in_place(values.copy()) == np.median(values)


@settings(max_examples=60, deadline=None)
@given(
    flux=arrays(np.float32, 200, elements=st.floats(width=32)),
    ivar=arrays(np.float32, 200, elements=st.floats(width=32)),
    normalisation=st.sampled_from(sorted(NORMALISATIONS)),
    fill=st.sampled_from(sorted(FILLS)),
    bin_pixels=st.sampled_from([1, 3]),
)
def test_whatever_comes_in_finite_numbers_come_out(
    flux: npt.NDArray, ivar: npt.NDArray, normalisation: str, fill: str, bin_pixels: int
) -> None:
    grid = WavelengthGrid(35500, 180, bin_pixels)
    result = prepare(flux[None], ivar[None], [35490], [200], Preparation(grid, normalisation, fill))
    for values in (result.flux, result.ivar, result.offset, result.scale, result.coverage):
        assert np.isfinite(values).all()
    assert (result.ivar >= 0).all()


def test_code_is_compiled_also_where_none_can_be_kept() -> None:
    """A function without a file has nowhere to keep its code, like every function on a read-only disk."""
    names: dict = {}
    exec("def triple(x):\n    return 3 * x", names)
    with pytest.raises(RuntimeError, match="cannot cache"):
        njit(cache=True)(names["triple"])
    assert _compiled(names["triple"])(7) == 21


def test_settings_survive_their_file_form() -> None:
    preparation = Preparation(WavelengthGrid(bin_pixels=4), "robust", "zero", 7.0)
    assert Preparation.from_settings({**preparation.to_settings(), "minimum_sn": 1.0}) == preparation


@pytest.mark.parametrize(
    "options",
    [{"normalisation": "max"}, {"fill": "mean"}, {"clip_sigma": -1}, {"grid": WavelengthGrid(bin_pixels=0)}],
)
def test_impossible_settings_are_refused(options: dict) -> None:
    with pytest.raises(ParameterError):
        Preparation(**options)

"""Spectra of any length and coverage become rows of one grid, filled and normalised, each by itself.

Nothing here is fitted across spectra, so that a spectrum means the same alone and among a million others.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.checks import require_one_of
from components.common.errors import ParameterError
from components.common.threads import cores
from components.physics.wavelength_grid import QUASAR_GRID, WavelengthGrid
from components.preprocess.spectra import kernels

NORMALISATIONS = {"standard": kernels.STANDARD, "minmax": kernels.MINMAX, "robust": kernels.ROBUST}
FILLS = {"edge": kernels.EDGE, "interpolate": kernels.INTERPOLATE, "zero": kernels.ZERO}

REASONS = {
    kernels.NO_GOOD_PIXEL: ("no good pixel", "Every pixel on the grid is masked, missing or not finite."),
    kernels.CONSTANT: ("constant flux", "The flux does not vary, so that it has no scale to normalise by."),
    kernels.OUT_OF_RANGE: ("out of range", "The normalised numbers do not fit into 32 bits."),
}
"""Reason and detail by the status of a spectrum that `prepare` could not use."""

_ROWS_PER_TASK = 64

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Preparation:
    """How a spectrum is put on the grid; stored with every dataset and model, so that prediction repeats it.

    Attributes
    ----------
    grid : WavelengthGrid
        Where the pixels lie. A pixel of the grid is the mean of `bin_pixels` lattice pixels weighted by their
        inverse variance; it is missing when all of these have inverse variance 0.
    normalisation : {"standard", "minmax", "robust"}
        `standard` subtracts the mean and divides by the standard deviation (the workshop paper's text).
        `minmax` does so and then maps the smallest value to almost 0 and the largest to 1, as
        ``f -= f.min() - 0.001; f /= f.max()`` (the paper's code). Both use all pixels that carry a value, filled
        ones included, as the paper does.
        `robust` subtracts the median of the observed pixels and divides by their scaled median absolute deviation,
        then clips: a cosmic ray or a badly subtracted sky line changes a few pixels instead of all of them.
    fill : {"edge", "interpolate", "zero"}
        Missing pixels between observed ones are interpolated linearly by `edge` and `interpolate`. Beyond the
        first and last observed pixel `edge` repeats that pixel (numpy.interp, hence the paper), which draws a
        plateau whose begin tells how far the spectrograph reached; `interpolate` puts the spectrum's centre there,
        and `zero` puts it into every missing pixel. The centre is 0 in `standard` and `robust`, and the place of
        the mean in `minmax`.
    clip_sigma : float
        `robust` limits the normalised flux to +- this many deviations; 0 does not clip. The flanks of a line that
        is taller still stand where they stood.
    """

    grid: WavelengthGrid = QUASAR_GRID
    normalisation: str = "standard"
    fill: str = "edge"
    clip_sigma: float = 10.0

    def __post_init__(self) -> None:
        require_one_of(NORMALISATIONS, normalisation=self.normalisation)
        require_one_of(FILLS, fill=self.fill)
        if not 1 <= self.grid.bin_pixels <= self.grid.fine_pixels:
            raise ParameterError(
                f"bin_pixels is {self.grid.bin_pixels}, but the grid has {self.grid.fine_pixels} pixels.",
                "Give a number between 1 and that.",
            )
        if not self.clip_sigma >= 0:
            raise ParameterError(f"clip_sigma is {self.clip_sigma}.", "Give a positive number, or 0 not to clip.")

    def to_settings(self) -> dict[str, Any]:
        """Return the JSON-able form that tables and models store."""
        return asdict(self)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "Preparation":
        """Read what `to_settings` wrote, ignoring what other code stored beside it."""
        known = {name: settings[name] for name in ("normalisation", "fill", "clip_sigma") if name in settings}
        return cls(grid=WavelengthGrid(**settings["grid"]), **known)


@dataclass(frozen=True)
class Prepared:
    """Spectra on the grid.

    Attributes
    ----------
    flux : ndarray, shape (n, pixels), float32
        Normalised flux, finite everywhere, missing pixels filled.
    ivar : ndarray, shape (n, pixels), float32
        Inverse variance of the normalised flux; 0 where the pixel is missing.
    offset, scale : ndarray, shape (n,), float32
        flux of the input = offset + scale * normalised flux, but for clipped pixels.
    coverage : ndarray, shape (n,), float32
        Fraction of the grid's pixels that are observed.
    status : ndarray, shape (n,), int8
        0 for a usable spectrum, else a key of `REASONS`; that row's flux and ivar are 0.
    """

    flux: Floats
    ivar: Floats
    offset: Floats
    scale: Floats
    coverage: Floats
    status: npt.NDArray[np.int8]

    @property
    def good(self) -> npt.NDArray[np.bool_]:
        """Which spectra are usable, shape (n,)."""
        return np.asarray(self.status == kernels.GOOD)

    def __getitem__(self, rows: slice | npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> "Prepared":
        return Prepared(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def prepare(
    flux: npt.NDArray[Any],
    ivar: npt.NDArray[Any],
    first_pixel: npt.ArrayLike,
    pixels: npt.ArrayLike,
    settings: Preparation,
    threads: int = 0,
) -> Prepared:
    """Place spectra on the grid, bin, fill and normalise them.

    Parameters
    ----------
    flux, ivar : ndarray, shape (n, width)
        Spectra in any one unit and their inverse variance. Pixels whose ivar is not positive, or with a number
        that is not finite, count as missing.
    first_pixel : array_like of int, shape (n,)
        Lattice index of flux[:, 0], see `components.physics.wavelength_grid`. Placing is a shift by whole pixels.
    pixels : array_like of int, shape (n,)
        Number of leading elements of a row that belong to the spectrum.
    settings : Preparation
        Grid, normalisation and filling.
    threads : int, optional
        Rows are spread over so many threads; 0 takes as many as this process may use processors.

    Returns
    -------
    Prepared
        One row for each input row, also for the unusable ones.
    """
    flux, ivar = _readable(flux), _readable(ivar)
    rows, width = flux.shape
    shift = np.asarray(first_pixel, dtype=np.int64) - settings.grid.first_pixel
    length = np.clip(np.asarray(pixels, dtype=np.int64), 0, width)
    result = Prepared(
        flux=np.empty((rows, settings.grid.pixels), np.float32),
        ivar=np.empty((rows, settings.grid.pixels), np.float32),
        offset=np.empty(rows, np.float32),
        scale=np.empty(rows, np.float32),
        coverage=np.empty(rows, np.float32),
        status=np.empty(rows, np.int8),
    )

    def run(part: slice) -> None:
        kernels.prepare_rows(
            flux[part],
            ivar[part],
            shift[part],
            length[part],
            settings.grid.bin_pixels,
            NORMALISATIONS[settings.normalisation],
            FILLS[settings.fill],
            float(settings.clip_sigma),
            result.flux[part],
            result.ivar[part],
            result.offset[part],
            result.scale[part],
            result.coverage[part],
            result.status[part],
        )

    parts = [slice(start, start + _ROWS_PER_TASK) for start in range(0, rows, _ROWS_PER_TASK)]
    threads = min(threads or cores(), len(parts))
    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(run, parts))
    else:
        run(slice(0, rows))
    return result


def _readable(values: npt.NDArray[Any]) -> Floats:
    # Tables hand out read-only arrays: declaring all of them so keeps numba to one compiled version.
    view = np.ascontiguousarray(values, dtype=np.float32).view()
    view.flags.writeable = False
    return view

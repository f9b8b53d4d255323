"""How SDSS images the sky: its bands, pixels, seeing and noise, and the colours of SkyServer's pictures."""

import numba
import numpy as np
import numpy.typing as npt

from components.common.compilation import compiled

FloatArray = npt.NDArray[np.float64]
Images = npt.NDArray[np.float32]

BANDS = ("u", "g", "r", "i", "z")
SCALE_ARCSEC = 0.396127
"""Of a pixel."""

ZERO_POINT = 22.5
"""Magnitude of a nanomaggy."""

SEEING_ARCSEC = 1.32
"""Median full width at half maximum in the r band of all of SDSS. Its first fields, described in DR7's pages on
image quality, have a median effective width of 1.43."""

_SEEING_SCATTER = 0.10
_SEEING_OF_BANDS = np.array([1.16, 1.09, 1.0, 0.95, 0.97])
_SKY_NOISE = np.array([0.040, 0.017, 0.028, 0.042, 0.18])
"""Standard deviation of a pixel of empty sky in nanomaggies: about that of skies of 22.1, 21.8, 20.9, 20.3 and
18.9 magnitudes per square arcsecond in 54 seconds."""
_ELECTRONS = np.array([150.0, 1030.0, 920.0, 700.0, 140.0])
"""Roughly, detected for a nanomaggy."""

RGB_BANDS = ("i", "r", "g")
_RGB_WEIGHTS = np.array([2 / 3, 1.0, 5 / 3])
_ONE, _SOFTENING = np.float32(1.0), np.float32(20.0)  # Q / stretch of Lupton's mapping: 10 and 0.5 nanomaggies
_THIRD = np.float32(1 / 3)
_SLOPE = np.float32(0.1 * 255 / np.arcsinh(0.1 * 10.0))


def band_indices(bands: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """Places of bands in `BANDS`."""
    return np.array([BANDS.index(band) for band in bands], dtype=np.int64)


def draw_seeing(fields: int, rng: np.random.Generator) -> FloatArray:
    """Draw the seeing of fields in arcseconds, shape (fields, 5): one weather for all bands."""
    weather = np.exp(_SEEING_SCATTER * rng.standard_normal(fields))
    return np.asarray(SEEING_ARCSEC * weather[:, None] * _SEEING_OF_BANDS)


def add_noise(images: Images, bands: tuple[str, ...], rng: np.random.Generator) -> None:
    """Add the noise of sky, detector and light to pictures in nanomaggies, (rows, bands, y, x), in place."""
    chosen = band_indices(bands)
    sky = (_SKY_NOISE[chosen] ** 2).astype(np.float32)[:, None, None]
    electrons = _ELECTRONS[chosen].astype(np.float32)[:, None, None]
    images += np.sqrt(sky + images / electrons) * rng.standard_normal(images.shape, dtype=np.float32)


def to_rgb(images: Images) -> npt.NDArray[np.uint8]:
    """Map pictures in i, r and g to red, green and blue in SkyServer's way: Lupton et al. 2004 (PASP 116, 133).

    The mean of the weighted bands is stretched by asinh and the ratios of the bands are kept, also where the
    brightest would exceed 255. SkyServer's own constants are not published; these are a choice.

    Parameters
    ----------
    images : ndarray of float32, shape (rows, 3, y, x)
        Flux in nanomaggies, in the order of `RGB_BANDS`.

    Returns
    -------
    ndarray of uint8, shape (rows, 3, y, x)
    """
    result = np.empty(images.shape, dtype=np.uint8)
    _map(images, result, *_RGB_WEIGHTS.astype(np.float32))
    return result


@compiled(parallel=True, error_model="numpy")
def _map(images, result, red, green, blue):  # type: ignore[no-untyped-def]
    rows, _, height, width = images.shape
    for row in numba.prange(rows):
        for i in range(height):
            for j in range(width):
                r, g, b = red * images[row, 0, i, j], green * images[row, 1, i, j], blue * images[row, 2, i, j]
                mean = (r + g + b) * _THIRD
                if mean <= 0.0:
                    result[row, :, i, j] = 0
                    continue
                soft = mean * _SOFTENING
                stretch = np.log(soft + np.sqrt(soft * soft + _ONE)) * _SLOPE / mean  # asinh of what is positive
                r, g, b = max(0.0, r * stretch), max(0.0, g * stretch), max(0.0, b * stretch)
                top = max(r, g, b)
                cut = 255.0 / top if top > 255.0 else 1.0
                result[row, 0, i, j] = np.uint8(r * cut)
                result[row, 1, i, j] = np.uint8(g * cut)
                result[row, 2, i, j] = np.uint8(b * cut)

"""Lines drawn into spectra: many Gaussians in each of many spectra, in one compiled pass."""

import numba
import numpy as np
import numpy.typing as npt

from components.common.compilation import compiled

FloatArray = npt.NDArray[np.float64]


@compiled(parallel=True, error_model="numpy")
def apply_components(
    flux: FloatArray,
    ln_wave: FloatArray,
    ln_z: FloatArray,
    centre: FloatArray,
    sigma: FloatArray,
    height: FloatArray,
    absorbs: bool,
) -> None:
    """Add Gaussians in ln(wavelength) to spectra, (rows, pixels), or multiply by one minus them, in place."""
    step = ln_wave[1] - ln_wave[0]
    pixels = len(ln_wave)
    for row in numba.prange(flux.shape[0]):
        for k in range(centre.shape[1]):
            if height[row, k] == 0.0:
                continue
            middle = centre[row, k] + ln_z[row]
            reach = 5.0 * sigma[row, k]
            first = max(0, int((middle - reach - ln_wave[0]) / step) + 1)
            last = min(pixels, int((middle + reach - ln_wave[0]) / step) + 1)
            for i in range(first, last):
                u = (ln_wave[i] - middle) / sigma[row, k]
                line = height[row, k] * np.exp(-0.5 * u * u)
                flux[row, i] = flux[row, i] * (1.0 - line) if absorbs else flux[row, i] + line

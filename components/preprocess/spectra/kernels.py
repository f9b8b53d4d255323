"""The compiled inner loop: one spectrum from its own pixels to the grid, filled and normalised, in one pass.

Everything runs in float64 in buffers that stay in the processor's cache; only the result is rounded to float32.
The functions are serial and release the interpreter lock: `prepare` spreads rows over Python threads instead of a
numba threading layer, because those layers abort when two threads enter them at once or when a process forks.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

STANDARD, MINMAX, ROBUST = range(3)
EDGE, INTERPOLATE, ZERO = range(3)
GOOD, NO_GOOD_PIXEL, CONSTANT, OUT_OF_RANGE = range(4)

MAD_TO_SIGMA = 1.482602218505602
"""1 / Phi^-1(3/4): the median absolute deviation of a Gaussian, as a standard deviation."""

_ZERO = np.float32(0.0)
_LARGEST = np.finfo(np.float32).max
_FLAT = 1e-9  # one float32 rounding step in one of 4618 equal pixels gives a relative deviation of 9e-10


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile, keeping the machine code on disk where a folder can be written.

    numba looks in NUMBA_CACHE_DIR, then beside this file, then in the user's cache folder, and refuses to
    decorate at all where none of them is writable, as in a container with a read-only root.
    """
    try:
        kept: Callable[..., Any] = njit(nogil=True, cache=True)(function)
    except RuntimeError:
        kept = njit(nogil=True)(function)
    return kept


@_compiled
def place_and_bin(  # type: ignore[no-untyped-def]
    flux, ivar, shift, length, bin_pixels, fine_weights, fine_products, values, weights
):
    """Average the good pixels of each bin with their inverse variance; returns the number of bins that have any.

    `shift` is the fine pixel of the grid on which flux[0] lies. Of one pixel the weighted mean is the pixel
    itself, bit for bit: the product of two float32 is exact in float64. Two loops without branches, because the
    compiler vectorises those.
    """
    fine = fine_weights.size
    low = min(max(shift, 0), fine)
    high = max(min(shift + length, fine), low)
    fine_weights[:low] = 0.0
    fine_products[:low] = 0.0
    fine_weights[high:] = 0.0
    fine_products[high:] = 0.0
    for g in range(low, high):
        w = ivar[g - shift]
        f = flux[g - shift]
        good = (w > _ZERO) & (w <= _LARGEST) & (abs(f) <= _LARGEST)  # false for NaN and infinity as well
        fine_weights[g] = np.float64(w if good else _ZERO)
        fine_products[g] = fine_weights[g] * np.float64(f if good else _ZERO)
    observed = 0
    for p in range(values.size):
        weight = 0.0
        total = 0.0
        for g in range(p * bin_pixels, (p + 1) * bin_pixels):
            weight += fine_weights[g]
            total += fine_products[g]
        weights[p] = weight
        values[p] = total / weight if weight > 0.0 else 0.0
        observed += int(weight > 0.0)
    return observed


@_compiled
def fill_missing(values, weights, fill, carries):  # type: ignore[no-untyped-def]
    """Give a value to missing pixels as `fill` says, and mark in `carries` the pixels that have one.

    Expects at least one observed pixel. The arithmetic of an interior gap is that of np.interp.
    """
    last = -1
    for p in range(values.size):
        carries[p] = weights[p] > 0.0
        if not carries[p] or fill == ZERO:
            continue
        if last < 0 and fill == EDGE:
            values[:p] = values[p]
            carries[:p] = True
        elif last >= 0 and p > last + 1:
            slope = (values[p] - values[last]) / (p - last)
            for gap in range(last + 1, p):
                values[gap] = slope * (gap - last) + values[last]
                carries[gap] = True
        last = p
    if fill == EDGE:
        values[last + 1 :] = values[last]
        carries[last + 1 :] = True


@_compiled
def mean_and_deviation(values, carries):  # type: ignore[no-untyped-def]
    """Mean and population standard deviation of the pixels that carry a value."""
    count = 0
    total = 0.0
    for p in range(values.size):
        if carries[p]:
            count += 1
            total += values[p]
    mean = total / count
    squares = 0.0
    for p in range(values.size):
        if carries[p]:
            squares += (values[p] - mean) ** 2
    return mean, np.sqrt(squares / count)


@_compiled
def select_in_place(values, k):  # type: ignore[no-untyped-def]
    """k-th smallest value, reordering `values` such that what precedes it is not larger.

    Quickselect with partitions that do not branch: on noise half of the branches of numpy's would be mispredicted,
    which makes that three times slower.
    """
    low = 0
    high = values.size - 1
    while low < high:
        middle = (low + high) // 2
        x, y, z = values[low], values[middle], values[high]
        pivot = max(min(x, y), min(max(x, y), z))
        if pivot == x:
            values[low], values[high] = z, x
        elif pivot == y:
            values[middle], values[high] = z, y
        store = low
        for j in range(low, high):
            value = values[j]
            values[j] = values[store]
            values[store] = value
            store += int(value < pivot)
        values[high] = values[store]
        values[store] = pivot
        if k < store:
            high = store - 1
        elif k == store:
            return pivot
        elif store > low:
            low = store + 1
        else:  # the pivot is the smallest: step over all its equals at once, or equal pixels take quadratic time
            for j in range(low, high + 1):
                value = values[j]
                values[j] = values[store]
                values[store] = value
                store += int(value <= pivot)
            if k < store:
                return pivot
            low = store
    return values[k]


@_compiled
def median_in_place(values):  # type: ignore[no-untyped-def]
    """Median, reordering `values`."""
    half = values.size // 2
    upper = select_in_place(values, half)
    if values.size % 2:
        return upper
    return (values[:half].max() + upper) / 2


@_compiled
def median_and_deviation(values, weights, scratch):  # type: ignore[no-untyped-def]
    """Median and scaled median absolute deviation of the observed pixels."""
    count = 0
    for p in range(values.size):
        if weights[p] > 0.0:
            scratch[count] = values[p]
            count += 1
    median = median_in_place(scratch[:count])
    for k in range(count):
        scratch[k] = abs(scratch[k] - median)
    return median, MAD_TO_SIGMA * median_in_place(scratch[:count])


@_compiled
def normalise(values, carries, normalisation, clip_sigma, centre, deviation):  # type: ignore[no-untyped-def]
    """Normalise in place; returns offset and scale such that value = offset + scale * normalised.

    Pixels without a value get the place of `centre`.
    """
    lowest = np.inf
    for p in range(values.size):
        values[p] = (values[p] - centre) / deviation if carries[p] else 0.0
        lowest = min(lowest, values[p])
    if normalisation == ROBUST and clip_sigma > 0.0:
        for p in range(values.size):
            values[p] = min(max(values[p], -clip_sigma), clip_sigma)
    if normalisation != MINMAX:
        return centre, deviation
    highest = -np.inf
    for p in range(values.size):
        values[p] = values[p] - lowest + 0.001
        highest = max(highest, values[p])
    for p in range(values.size):
        values[p] /= highest
    return centre + deviation * (lowest - 0.001), deviation * highest


@_compiled
def prepare_rows(  # type: ignore[no-untyped-def]
    flux, ivar, shift, length, bin_pixels, normalisation, fill, clip_sigma,
    out_flux, out_ivar, offset, scale, coverage, status,
):  # fmt: skip
    """Prepare spectra row by row; everything after `clip_sigma` is output.

    Shapes: flux, ivar (n, width) float32; shift, length (n,) int64; out_flux, out_ivar (n, pixels) float32;
    offset, scale, coverage (n,) float32; status (n,) int8, one of GOOD, NO_GOOD_PIXEL, CONSTANT, OUT_OF_RANGE.
    A row that is not good is left as zeros with offset 0 and scale 1.
    """
    rows, pixels = out_flux.shape
    fine_weights = np.empty(pixels * bin_pixels)
    fine_products = np.empty(pixels * bin_pixels)
    values = np.empty(pixels)
    weights = np.empty(pixels)
    scratch = np.empty(pixels)
    carries = np.empty(pixels, dtype=np.bool_)
    for i in range(rows):
        out_flux[i] = 0.0
        out_ivar[i] = 0.0
        offset[i] = 0.0
        scale[i] = 1.0
        observed = place_and_bin(
            flux[i], ivar[i], shift[i], length[i], bin_pixels, fine_weights, fine_products, values, weights
        )
        coverage[i] = observed / pixels
        if observed == 0:
            status[i] = NO_GOOD_PIXEL
            continue
        fill_missing(values, weights, fill, carries)
        if normalisation == ROBUST:
            centre, deviation = median_and_deviation(values, weights, scratch)
        else:
            centre, deviation = mean_and_deviation(values, carries)
        if deviation <= _FLAT * abs(centre):
            status[i] = CONSTANT
            continue
        zero, unit = normalise(values, carries, normalisation, clip_sigma, centre, deviation)
        heaviest = weights.max() * unit * unit
        highest = np.abs(values).max()
        if not (max(abs(zero), unit, heaviest, highest) <= _LARGEST and unit > 0.0):
            status[i] = OUT_OF_RANGE
            continue
        status[i] = GOOD
        offset[i] = zero
        scale[i] = unit
        for p in range(pixels):
            out_flux[i, p] = values[p]
            out_ivar[i, p] = weights[p] * unit * unit

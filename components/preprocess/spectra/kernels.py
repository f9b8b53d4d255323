"""The compiled inner loop: one spectrum from its own pixels to the grid, filled and normalised, in one pass.

Everything runs in float64 in buffers that stay in the processor's cache; only the result is rounded to float32.
The functions are serial and release the interpreter lock: `prepare` spreads rows over Python threads instead of a
numba threading layer, because those layers abort when two threads enter them at once or when a process forks.
Loops run from 0 over whole arrays and choose without branches, because the compiler vectorises only such loops.
"""

import numpy as np

from components.common.compilation import compiled

STANDARD, MINMAX, ROBUST = range(3)
EDGE, INTERPOLATE, ZERO = range(3)
GOOD, NO_GOOD_PIXEL, CONSTANT, OUT_OF_RANGE = range(4)

MAD_TO_SIGMA = 1.482602218505602
"""1 / Phi^-1(3/4): the median absolute deviation of a Gaussian, as a standard deviation."""

_ZERO = np.float32(0.0)
_LARGEST = np.finfo(np.float32).max
_FLAT = 1e-9  # one float32 rounding step in one of 4618 equal pixels gives a relative deviation of 9e-10


_compiled = compiled(nogil=True, fastmath={"reassoc"})
# Sums may be reordered: else each addition waits for the one before it. Not-a-number and infinity keep meaning.


@_compiled
def place(flux, ivar, shift, fine_values, fine_weights):  # type: ignore[no-untyped-def]
    """Copy a spectrum to the fine pixels of the grid, flux[0] to fine pixel `shift`; weight 0 is missing."""
    fine = fine_weights.size
    low = min(max(shift, 0), fine)
    high = max(min(shift + flux.size, fine), low)
    fine_weights[:low] = 0.0
    fine_values[:low] = 0.0
    fine_weights[high:] = 0.0
    fine_values[high:] = 0.0
    if high == low:
        return
    own_flux, own_ivar = flux[low - shift : high - shift], ivar[low - shift : high - shift]
    values, weights = fine_values[low:high], fine_weights[low:high]
    for j in range(high - low):
        w = own_ivar[j]
        f = own_flux[j]
        good = (w > _ZERO) & (w <= _LARGEST) & (abs(f) <= _LARGEST)  # false for NaN and infinity as well
        weights[j] = np.float64(w if good else _ZERO)
        values[j] = np.float64(f if good else _ZERO)


@_compiled
def average_bins(fine_values, fine_weights, values, weights):  # type: ignore[no-untyped-def]
    """Average the pixels of each bin with their weights; returns the number of bins that have any.

    Shapes: fine_values and fine_weights (pixels, bin_pixels), values and weights (pixels,).
    """
    observed = 0
    pixels, bin_pixels = fine_values.shape
    if bin_pixels == 1:  # spares a third of the time of the whole kernel, which is divisions
        for p in range(pixels):
            values[p] = fine_values[p, 0]
            weights[p] = fine_weights[p, 0]
            observed += int(weights[p] > 0.0)
        return observed
    for p in range(pixels):
        weight = 0.0
        total = 0.0
        for k in range(bin_pixels):
            weight += fine_weights[p, k]
            total += fine_weights[p, k] * fine_values[p, k]
        seen = weight > 0.0
        weights[p] = weight
        values[p] = total / (weight if seen else 1.0)
        observed += int(seen)
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
    for p in range(values.size):
        values[p] = (values[p] - centre) / deviation if carries[p] else 0.0
    if normalisation == ROBUST and clip_sigma > 0.0:
        for p in range(values.size):
            values[p] = min(max(values[p], -clip_sigma), clip_sigma)
    if normalisation != MINMAX:
        return centre, deviation
    lowest = values.min()
    for p in range(values.size):
        values[p] = values[p] - lowest + 0.001
    highest = values.max()
    for p in range(values.size):
        values[p] /= highest
    return centre + deviation * (lowest - 0.001), deviation * highest


@_compiled
def store(values, weights, unit, out_flux, out_ivar):  # type: ignore[no-untyped-def]
    """Round the result to float32; returns how many pixels do not fit into it."""
    square = unit * unit
    beyond = 0
    for p in range(values.size):
        ivar = weights[p] * square
        beyond += int(not ((abs(values[p]) <= _LARGEST) & (ivar <= _LARGEST)))
        out_flux[p] = values[p]
        out_ivar[p] = ivar
    return beyond


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
    fine_values = np.empty((pixels, bin_pixels))
    fine_weights = np.empty((pixels, bin_pixels))
    values = np.empty(pixels)
    weights = np.empty(pixels)
    scratch = np.empty(pixels)
    carries = np.empty(pixels, dtype=np.bool_)
    for i in range(rows):
        out_flux[i] = 0.0
        out_ivar[i] = 0.0
        offset[i] = 0.0
        scale[i] = 1.0
        own = slice(0, max(length[i], 0))
        place(flux[i, own], ivar[i, own], shift[i], fine_values.reshape(-1), fine_weights.reshape(-1))
        observed = average_bins(fine_values, fine_weights, values, weights)
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
        beyond = store(values, weights, unit, out_flux[i], out_ivar[i])
        if beyond or not (abs(zero) <= _LARGEST and 0.0 < unit <= _LARGEST):
            status[i] = OUT_OF_RANGE
            out_flux[i] = 0.0
            out_ivar[i] = 0.0
            continue
        status[i] = GOOD
        offset[i] = zero
        scale[i] = unit

"""The compiled inner loop: one picture looked at, for what it shows and where the middle of the galaxy is.

Serial and without the interpreter's lock, as all loops of preprocessing: rows are spread over Python threads.
"""

import numpy as np

from components.common.compilation import compiled

_PASSES = 2  # of a binomial of five pixels: a width like that of a star, 1.4 pixels
_SMOOTHED_NOISE = 0.2  # of the noise of a pixel


@compiled(nogil=True, error_model="numpy")
def inspect(images, weights, offset, contrast, missing, empty):  # type: ignore[no-untyped-def]
    """Look at pictures, (rows, channels, size, size).

    For each it sets how far from the middle, in pixels, the hill ends that the middle lies on; how high the hill
    is above the border, in units of its noise; the share of pixels that are not numbers; and the share of rows
    and columns in which every pixel is exactly 0.
    """
    rows, channels, size, _ = images.shape
    light = np.empty((size, size))
    smooth = np.empty((size, size))
    for row in range(rows):
        bad = 0
        for i in range(size):
            for j in range(size):
                total = 0.0
                for k in range(channels):
                    total += weights[k] * images[row, k, i, j]
                if not np.isfinite(total):
                    bad += 1
                    total = 0.0
                light[i, j] = total
        missing[row] = bad / (size * size)
        empty[row] = _empty_share(light)
        noise, level = _border(light)
        for _ in range(_PASSES):
            _blur(light, smooth)
        i, j = _climb(light)
        middle = 0.5 * (size - 1)
        up, right = _top(light[:, j], i), _top(light[i], j)
        offset[row] = np.sqrt((up - middle) ** 2 + (right - middle) ** 2)
        height = light[i, j] - level
        contrast[row] = height / (_SMOOTHED_NOISE * noise) if noise > 0.0 else (1e6 if height > 0.0 else 0.0)


@compiled(nogil=True)
def _empty_share(light):  # type: ignore[no-untyped-def]
    size = light.shape[0]
    lines = 0
    for i in range(size):
        row_empty, column_empty = True, True
        for j in range(size):
            row_empty &= light[i, j] == 0.0
            column_empty &= light[j, i] == 0.0
        lines += int(row_empty) + int(column_empty)
    return min(1.0, lines / size)


@compiled(nogil=True, error_model="numpy")
def _border(light):  # type: ignore[no-untyped-def]
    """Noise, from differences of neighbours, and mean of the outermost pixels."""
    size = light.shape[0]
    squares, total = 0.0, 0.0
    for k in range(size - 1):
        for a, b in (
            (light[0, k], light[0, k + 1]),
            (light[size - 1, k], light[size - 1, k + 1]),
            (light[k, 0], light[k + 1, 0]),
            (light[k, size - 1], light[k + 1, size - 1]),
        ):
            squares += (a - b) ** 2
            total += a
    count = 4.0 * (size - 1)
    return np.sqrt(0.5 * squares / count), total / count


@compiled(nogil=True)
def _blur(light, other):  # type: ignore[no-untyped-def]
    """Smooth in place with the binomial of five pixels along both axes; the edge repeats."""
    size = light.shape[0]
    last = size - 1
    for i in range(size):
        for j in range(size):
            left, right = light[i, max(j - 1, 0)], light[i, min(j + 1, last)]
            far = light[i, max(j - 2, 0)] + light[i, min(j + 2, last)]
            other[i, j] = 0.375 * light[i, j] + 0.25 * (left + right) + 0.0625 * far
    for i in range(size):
        for j in range(size):
            near = other[max(i - 1, 0), j] + other[min(i + 1, last), j]
            far = other[max(i - 2, 0), j] + other[min(i + 2, last), j]
            light[i, j] = 0.375 * other[i, j] + 0.25 * near + 0.0625 * far


@compiled(nogil=True)
def _climb(light):  # type: ignore[no-untyped-def]
    """Go uphill from the middle until there is no higher neighbour."""
    size = light.shape[0]
    i, j = size // 2, size // 2
    while True:
        best_i, best_j = i, j
        for u in range(max(i - 1, 0), min(i + 2, size)):
            for v in range(max(j - 1, 0), min(j + 2, size)):
                if light[u, v] > light[best_i, best_j]:
                    best_i, best_j = u, v
        if best_i == i and best_j == j:
            return i, j
        i, j = best_i, best_j


@compiled(nogil=True, error_model="numpy")
def _top(values, k):  # type: ignore[no-untyped-def]
    """Place of the highest point of the parabola through a highest pixel and its two neighbours."""
    if k == 0 or k == len(values) - 1:
        return float(k)
    bend = values[k - 1] - 2.0 * values[k] + values[k + 1]
    return k + 0.5 * (values[k - 1] - values[k + 1]) / bend if bend < 0.0 else float(k)

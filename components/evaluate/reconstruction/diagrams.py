"""Curves over wavenumber: correlation, transfer, power, calibration; and what values maps have."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from components.common.figures import INK, MUTED, SERIES, Figure, figure_style, finish, new_axes, new_panels
from components.evaluate.reconstruction.measuring import (
    HISTOGRAM,
    IDENTITY,
    LINEAR,
    NETWORK,
    SAMPLE,
    UNET,
    WIENER,
    ZELDOVICH,
    Measurements,
)
from components.evaluate.reconstruction.scores import EDGES, Measured

Floats = npt.NDArray[np.float64]

_FAINTEST_POWER = 1e-3
_LEAK = 0.9
_EVEN = 0.05
_NOWHERE = "The network is nowhere above one half"
_CENTRES = np.sqrt(np.array(EDGES[:-1]) * np.array(EDGES[1:]))
_TICKS = (0.3, 0.5, 1, 2, 4, 8)
_LINES: Mapping[str, tuple[str, Any, str]] = {
    NETWORK: (SERIES[0], "-", "network, mean"),
    SAMPLE: (SERIES[0], (0, (1, 1.5)), "network, one sample"),
    LINEAR: (SERIES[2], "-", "linear estimate"),
    UNET: (SERIES[3], "-", "plain U-Net"),
    ZELDOVICH: (SERIES[1], "-", "inverse Zel\u2019dovich"),
    WIENER: (SERIES[4], (0, (4, 2)), "Wiener filter"),
    IDENTITY: (SERIES[5], (0, (4, 2)), "final density"),
}


@figure_style()
def draw_correlation(methods: Mapping[str, Measured], where: str, finest: float) -> Figure:
    """Draw r(k) of all methods, up to the finest wave of a grid."""
    drawing, axes = new_axes(3.2, grid="both")
    values = {name: _cut(own.correlation(_ones(own))[0], finest) for name, own in methods.items()}
    _curves(axes, values, "upper right")
    axes.set_ylim(-0.1, 1.03)
    axes.set_ylabel("Cross-correlation r with the truth")
    found = methods[NETWORK].correlation(_ones(methods[NETWORK]))[0]
    half = _last_above(found, 0.5)
    least = max(0.0, float(np.nanmin(_cut(found, finest))))
    leak = "no curve does that" if least < _LEAK else "look for the cause before you believe these"
    return finish(
        drawing,
        f"Cross-correlation of reconstructed and true initial fields over wavenumber, {where}.",
        f"1 is right in every wave, 0 is chance ({where}). "
        + (f"The network stays above one half up to k = {half:.2g} h/Mpc" if half > EDGES[0] else _NOWHERE)
        + f", and falls to {least:.2f} at worst. A curve near 1 everywhere would mean that the truth had leaked "
        f"in: {leak}.",
    )


@figure_style()
def draw_transfer(methods: Mapping[str, Measured], where: str, finest: float) -> Figure:
    """Draw T(k) of all methods, up to the finest wave of a grid."""
    drawing, axes = new_axes(3.2, grid="both")
    _curves(axes, {name: _cut(own.transfer(_ones(own))[0], finest) for name, own in methods.items()}, "upper left")
    axes.set_ylim(0, 3.9)
    axes.axhline(1, color=INK, linewidth=0.8)
    axes.set_ylabel("Transfer T = root of power over truth")
    sampled = _cut(methods[SAMPLE].transfer(_ones(methods[SAMPLE]))[0], finest)
    worst = float(np.nanmax(np.abs(sampled - 1)))
    return finish(
        drawing,
        f"Root of the reconstructed over the true power, over wavenumber, {where}.",
        "The mean of what may have been fades where less is known, as it has to: T falls below 1. On small "
        "scales the final density has more power than linear growth alone would have given it. A single sample "
        f"has the power of the truth at all scales, to {worst:.0%} at worst.",
    )


@figure_style()
def draw_power(measured: Measurements) -> Figure:
    """Draw the power of truth, mean and sample in slab maps."""
    drawing, axes = new_axes(3.2, grid="both")
    modes = np.maximum(measured.modes_in_maps, 1)
    mean, sample = measured.maps[NETWORK], measured.maps[SAMPLE]
    for values, colour, style, label in (
        (mean.truth, INK, "-", "truth"),
        (mean.power, SERIES[0], "-", "network, mean"),
        (sample.power, SERIES[1], (0, (4, 2)), "network, one sample"),
        (mean.truth + mean.power - 2 * mean.cross, SERIES[3], (0, (1, 1.5)), "error of the mean"),
    ):
        axes.plot(
            _CENTRES,
            _cut(values.mean(axis=0) / modes, measured.finest[0]),
            color=colour,
            linestyle=style,
            label=label,
        )
    true = _cut(mean.truth.mean(axis=0) / modes, measured.finest[0])
    axes.set_yscale("log")
    axes.set_ylim(_FAINTEST_POWER * float(np.nanmax(true)), 2 * float(np.nanmax(true)))
    _wavenumbers(axes)
    axes.set_ylabel("Power of the maps, white noise of rms 1 = 1")
    axes.legend(loc="lower left")
    return finish(
        drawing,
        "Power of true and reconstructed initial maps, and of what the reconstruction misses.",
        "Where the error reaches the truth nothing is known of single waves. There the mean is close to nothing, "
        "and samples are noise with the power of the truth.",
    )


@figure_style()
def draw_calibration(measured: Measurements) -> Figure:
    """Draw spread over error by wavenumber, in maps and in boxes, and the ranks of the truth."""
    drawing, (upper, lower) = new_panels((1.1, 1), height=4.6, share_x=False)
    for own, finest, colour, label in (
        (measured.maps[NETWORK], measured.finest[0], SERIES[0], "slab maps"),
        (measured.boxes[NETWORK], measured.finest[1], SERIES[1], "boxes"),
    ):
        upper.plot(_CENTRES, _cut(own.calibration(_ones(own))[0], finest), "o-", color=colour, label=label)
    upper.axhspan(0.8, 1.2, color=MUTED, alpha=0.12, linewidth=0)
    upper.axhline(1, color=INK, linewidth=0.8)
    upper.set_ylim(0.4, 1.6)
    _wavenumbers(upper)
    upper.set_ylabel("Spread over error")
    upper.legend(loc="lower right")
    ranks = measured.ranks / measured.ranks.sum()
    lower.bar(np.arange(ranks.size), ranks * ranks.size, width=0.9, color=SERIES[0])
    lower.axhline(1, color=INK, linewidth=0.8)
    lower.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    lower.set_xlabel("Samples below the truth, in pixels of coarse maps")
    lower.set_ylabel("Share, even = 1")
    ratio = _cut(measured.maps[NETWORK].calibration(_ones(measured.maps[NETWORK]))[0], measured.finest[0])
    outside = int(np.sum(np.abs(ratio - 1) > 0.2))
    words = "in none of the bins" if not outside else f"in {outside} of {int(np.isfinite(ratio).sum())} bins"
    return finish(
        drawing,
        "Spread of the samples over the error of their mean, by wavenumber, and rank histogram of the truth.",
        f"Above: samples that scatter as much as the mean errs are at 1; {words} of the maps they are off by more "
        "than a fifth. Below: ranks are even where the samples are what the truth may be. "
        f"{_ranks_in_words(ranks)}",
    )


def _ranks_in_words(ranks: Floats) -> str:
    """Say how far ranks are from even, and in what way; `ranks` are shares of all pixels."""
    even = ranks * ranks.size
    third = max(1, ranks.size // 3)
    low, middle, high = (float(part.mean()) for part in (even[:third], even[third:-third], even[-third:]))
    words = f"The lowest third holds {low:.2f} of an even share, the middle {middle:.2f}, the highest {high:.2f}"
    if max(abs(low - 1), abs(middle - 1), abs(high - 1)) < _EVEN:
        return f"{words}: even within a twentieth."
    if (low - middle) * (high - middle) > 0:
        shape = "a bowl: samples scatter too little" if low > middle else "a hill: samples scatter too much"
        return f"{words}, {shape}."
    side = "dense" if high > low else "empty"
    return f"{words}: a slope, as samples are not {side} enough."


@figure_style()
def draw_histograms(measured: Measurements) -> Figure:
    """Draw the values of true, mean and sampled maps."""
    drawing, axes = new_axes(3.0, grid="y")
    width = HISTOGRAM[1] - HISTOGRAM[0]
    deviations = {}
    for name, colour, label in (
        ("truth", INK, "truth"),
        ("mean", SERIES[0], "network, mean"),
        ("samples", SERIES[1], "network, samples"),
    ):
        counts = measured.histograms[name]
        density = counts / counts.sum() / width
        axes.stairs(density, HISTOGRAM, color=colour, label=label, linewidth=1.3)
        centre = (HISTOGRAM[1:] + HISTOGRAM[:-1]) / 2
        deviations[name] = float(np.sqrt((density * width * centre**2).sum()))
    reach = 4 * deviations["truth"]
    axes.set_xlim(-reach, reach)
    axes.set_xlabel("Initial overdensity of a pixel, scaled to today")
    axes.set_ylabel("Share per unit")
    axes.legend(loc="upper left")
    return finish(
        drawing,
        "Histograms of the pixels of true, mean and sampled initial maps.",
        f"The truth is Gaussian, of rms {deviations['truth']:.2f}; samples have {deviations['samples']:.2f}, and "
        f"the mean {deviations['mean']:.2f}, because it leaves out what it cannot know.",
    )


def draw_latents(share: Mapping[str, Sequence[float]]) -> Figure:
    """Draw which share of the missing power the latents spread, by wavenumber."""
    with figure_style():
        drawing, axes = new_axes(2.6, grid="both")
        edges = np.array(share["edges"])
        centre = np.sqrt(edges[1:] * edges[:-1])
        value = np.array(share["share"], dtype=np.float64)  # None becomes NaN: a band without waves
        centre, value = centre[np.isfinite(value)], value[np.isfinite(value)]
        axes.plot(centre, value, "o-", color=SERIES[0])
        axes.set_ylim(0, max(0.05, 1.15 * float(np.nanmax(value))))
        _wavenumbers(axes)
        axes.set_ylabel("Share of the latents")
    most = int(np.nanargmax(value))
    return finish(
        drawing,
        "Share of the missing power that the latents spread, over wavenumber.",
        f"What the latents spread of the power that the mean misses: {value[most]:.0%} at most, at k = "
        f"{centre[most]:.2g} h/Mpc. The rest of a sample is noise whose power is set wave by wave.".replace(
            "%", "\u202f%"
        ),
    )


def _curves(axes: Axes, values: Mapping[str, Floats], place: Literal["upper left", "upper right"]) -> None:
    for name, (colour, style, label) in reversed(list(_LINES.items())):
        if name in values:
            width = 2.0 if name == NETWORK else 1.2
            axes.plot(_CENTRES, values[name], color=colour, linestyle=style, linewidth=width, label=label)
    _wavenumbers(axes)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], loc=place)


def _wavenumbers(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.set_xlim(EDGES[0], EDGES[-1])
    axes.xaxis.set_major_locator(FixedLocator(_TICKS))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(_TICKS, [f"{tick:g}" for tick in _TICKS])
    axes.set_xlabel("Wavenumber k, h/Mpc")


def _cut(values: Floats, finest: float) -> Floats:
    """Leave out bins that a grid has no waves for in all directions, or none at all."""
    return np.where((np.array(EDGES[1:]) <= 1.01 * finest) & np.isfinite(values), values, np.nan)


def _last_above(values: Floats, limit: float) -> float:
    """Upper end of the last bin before the values first fall below a limit; bins without waves do not count."""
    below, known = np.flatnonzero(values <= limit), np.flatnonzero(np.isfinite(values))
    if not known.size or (below.size and below[0] == known[0]):
        return EDGES[0]
    return float(EDGES[int(below[0]) if below.size else int(known[-1]) + 1])


def _ones(measured: Measured) -> Floats:
    return np.ones((1, len(measured)))

"""Diagrams of classified strain: what is found by loudness and mass, and windows found, missed and mistaken."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from components.common.figures import SERIES, Figure, figure_style, finish, new_axes, new_panels, set_percent
from components.common.scores import Floats
from components.evaluate.classification.strain_efficiency import FALSE_POSITIVE_RATE, Efficiency
from components.evaluate.regression.diagrams import MODEL
from components.physics.detectors import DETECTORS
from components.physics.spectrogram import constant_q
from components.predict.strain.plots import FREQUENCIES_HZ, paint_energy

_SHOWN_SECONDS = 1.0


@figure_style()
def draw_efficiency(found: Efficiency, quantity: str, labels: Mapping[str, str]) -> Figure:
    """Draw the share of waves that are found.

    Parameters
    ----------
    found : Efficiency
        In bins.
    quantity : str
        Name and unit of the horizontal axis.
    labels : mapping of str to str
        Names of the methods.
    """
    drawing, axes = new_axes(3.0)
    high = np.where(np.isfinite(found.high), found.high, 2 * found.low - _before(found.low))
    centre = (found.low + high) / 2
    for number, (name, share) in enumerate(found.found.items()):
        error = np.sqrt(share * (1 - share) / found.count)
        axes.errorbar(
            centre, share, error, fmt="o-", markersize=4,
            color=MODEL if number == 0 else SERIES[2], label=labels.get(name, name),
        )  # fmt: skip
    axes.set_ylim(-0.02, 1.05)
    set_percent(axes.yaxis)
    axes.set_xlabel(quantity[0].upper() + quantity[1:])
    axes.set_ylabel("Waves found")
    axes.legend(loc="upper left")
    return finish(
        drawing,
        f"Share of waves found by {quantity}, by model and matched filter.",
        f"Share of the waves found by {quantity}, where {100 * FALSE_POSITIVE_RATE:.0f}\u202f% of the noise is "
        "taken for one. Bars are one standard error.",
    )


@figure_style()
def draw_window(strain: npt.NDArray[np.float32], sample_rate: float, merger: float, text: str) -> Figure:
    """Draw a window of whitened strain as spectrograms.

    Parameters
    ----------
    strain : ndarray, shape (detectors, samples)
        Whitened.
    sample_rate : float
        In Hz.
    merger : float
        Seconds from its beginning at which the wave merges; NaN for noise, of which the loudest part is shown.
    text : str
        What it is.
    """
    shown = [(name, row) for name, row in zip(DETECTORS, strain, strict=False) if row.any()]
    drawing, panels = new_panels((1.0,) * len(shown), height=0.9 + 1.1 * len(shown))
    length = strain.shape[1] / sample_rate
    middle = merger - 0.2 if np.isfinite(merger) else _loudest(strain) / sample_rate
    first = float(np.clip(middle - _SHOWN_SECONDS / 2, 0, max(0.0, length - _SHOWN_SECONDS)))
    start = round(first * sample_rate)
    stop = min(strain.shape[1], start + round(_SHOWN_SECONDS * sample_rate))
    for axes, (name, row) in zip(panels, shown, strict=True):
        energy = constant_q(row, sample_rate, FREQUENCIES_HZ)[:, start:stop]
        axes.set_xlim(start / sample_rate, stop / sample_rate)
        paint_energy(axes, energy, start / sample_rate, stop / sample_rate, name)
        if np.isfinite(merger):
            axes.axvline(merger, color=SERIES[2], linewidth=0.8, linestyle=":")
    panels[-1].set_xlabel("Seconds from the beginning of the window")
    return finish(drawing, f"Spectrograms of {', '.join(name for name, _ in shown)}: {text}", text)


def _loudest(strain: npt.NDArray[np.float32]) -> int:
    energy = np.convolve((strain.astype(np.float64) ** 2).sum(0), np.ones(64), mode="same")
    return int(energy.argmax())


def _before(low: Floats) -> float:
    """Beginning of the last bin but one, so that an open bin is drawn as wide as that."""
    return float(low[-2]) if len(low) > 1 else 0.0

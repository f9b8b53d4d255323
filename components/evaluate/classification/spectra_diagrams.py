"""Diagrams of classified spectra: what the network looks at, and the spectra that it gets wrong."""

import numpy as np

from components.common.figures import Figure, figure_style, finish, new_axes
from components.common.scores import Floats
from components.common.wording import counted
from components.evaluate.classification.outcome import Outcome
from components.evaluate.regression.diagrams import MODEL, OTHER
from components.evaluate.regression.spectrum_diagrams import CATALOGUE, draw_flux, mark_lines
from components.physics.spectral_lines import ABSORPTION_LINES, EMISSION_LINES

LINES = (*EMISSION_LINES, *ABSORPTION_LINES)

_PEAKS = 4
_ON_LINE = 0.012
_APART = 0.05


@figure_style()
def draw_attention(rest_angstrom: Floats, attribution: Floats, name: str, spectra: int) -> Figure:
    """Draw the mean attribution to a class by rest wavelength, with the lines marked.

    Parameters
    ----------
    rest_angstrom : ndarray, shape (k + 1,)
        Edges of the bins.
    attribution : ndarray, shape (k,)
        Of each bin; NaN where no spectrum reaches.
    name : str
        The class.
    spectra : int
        How many it is the mean of.
    """
    drawing, axes = new_axes(3.0)
    seen = np.isfinite(attribution)
    values = np.where(seen, attribution, 0.0)
    axes.set_xlim(rest_angstrom[0], rest_angstrom[-1])
    axes.stairs(values, rest_angstrom, color=MODEL, fill=True, alpha=0.35)
    axes.stairs(values, rest_angstrom, color=MODEL, linewidth=1.0, baseline=None)
    axes.axhline(0, color=OTHER, linewidth=0.8)
    mark_lines(axes, 0.0, LINES, CATALOGUE, 1.01)
    axes.set_xlabel("Rest wavelength in \N{LATIN CAPITAL LETTER A WITH RING ABOVE}")
    axes.set_ylabel(f"Speaks for {name}, nats a pixel")
    return finish(
        drawing,
        f"Mean attribution to the class {name} by rest wavelength, with spectral lines marked.",
        f"What makes the model say {name}: the mean over {counted(spectra, 'spectrum', 'spectra')} of that class. "
        f"{describe_peaks(rest_angstrom, values)} Peaks on marked lines are physics; others are to be asked "
        "about.",
    )


def describe_peaks(rest_angstrom: Floats, values: Floats) -> str:
    """Name the strongest peaks of an attribution by the lines that they lie on, or by their wavelength."""
    centre = np.sqrt(rest_angstrom[1:] * rest_angstrom[:-1])
    left, words = np.abs(values), []
    for _ in range(_PEAKS):
        at = int(left.argmax())
        if not left[at] > 0:
            break
        line = min(LINES, key=lambda line: abs(np.log(line.wavelength_angstrom / centre[at])))
        near = abs(line.wavelength_angstrom / centre[at] - 1) < _ON_LINE
        place = line.name if near else f"{centre[at]:.0f}\u00a0\N{LATIN CAPITAL LETTER A WITH RING ABOVE}"
        words.append(f"{place} ({values[at]:+.2g})")
        left = np.where(np.abs(centre / centre[at] - 1) < _APART, 0.0, left)
    return f"Strongest: {', '.join(words)}." if words else ""


def draw_misclassified(outcome: Outcome, wavelength_angstrom: Floats) -> list[Figure]:
    """Draw each of the worst spectra, with lines at the catalogue's redshift."""
    return [_draw(outcome, wavelength_angstrom, place) for place in range(len(outcome.worst))]


@figure_style()
def _draw(outcome: Outcome, wavelength_angstrom: Floats, place: int) -> Figure:
    row = int(outcome.worst[place])
    flux, ivar = outcome.worst_data["flux"][place], outcome.worst_data["ivar"][place]
    drawing, axes = new_axes(2.7)
    draw_flux(axes, wavelength_angstrom, np.where(ivar > 0, flux, np.nan))
    redshift = float(outcome.columns["redshift"][row])
    if np.isfinite(redshift):
        mark_lines(axes, redshift, LINES, CATALOGUE, 1.01)
    axes.set_xlabel("Observed wavelength in \N{LATIN CAPITAL LETTER A WITH RING ABOVE}")
    axes.set_ylabel("Flux, scaled")
    true, called = outcome.classes[outcome.truth[row]], outcome.classes[outcome.predictions.predicted[row]]
    sure = float(outcome.probability[row].max())
    chance = "more than 99.9\u202f%" if sure > 0.999 else f"{100 * sure:.1f}\u202f%"
    text = (
        f"{outcome.columns['id'][row]}: {true} at z\u00a0=\u00a0{redshift:.3f}, taken for {called} with a "
        f"probability of {chance} (S/N {outcome.columns['sn_median'][row]:.1f})."
    )
    return finish(drawing, f"Spectrum {text}", text)

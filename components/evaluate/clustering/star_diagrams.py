"""What the stars of a cluster are: colours, spectral types, temperatures, against brightness."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from components.common.clustering_scores import Labels
from components.common.figures import INK, SERIES, Figure, draw_points, figure_style, finish, new_axes
from components.common.scores import Floats
from components.common.themed_svg import HALO
from components.common.wording import counted, grouped
from components.evaluate.clustering.scene import Scene
from components.evaluate.clustering.sequences import Landmarks, find_landmarks
from components.evaluate.clustering.sky_diagrams import colour_of, label_of

FIELD = SERIES[5]
SPECTRAL_TYPES = ("O", "B", "A", "F", "G", "K", "M")
"""Hot to cool, as they are drawn: the letters' own order means nothing."""

_TOP, _BOTTOM = 0.5, 0.5
_NEAR_EDGE = 0.22  # of the panel: a name has no room to the left
_OLD = 3.5
"""A turn-off fainter than this absolute magnitude leaves stars like the Sun and lighter ones."""


@figure_style()
def draw_colour_magnitude(
    colour: Floats, magnitude: Floats, members: Labels, number: int, name: str, facts: Mapping[str, Any]
) -> Figure:
    """Draw the colour-magnitude diagram of one cluster before the field, with turn-off and giants marked.

    Parameters
    ----------
    colour, magnitude : ndarray, shape (n,)
        BP - RP and G.
    members : ndarray of int, shape (n,)
        Cluster of each star; -1 for none.
    number : int
        Of the cluster.
    name : str
        For legend and caption.
    facts : mapping
        What is known of the cluster.
    """
    own = (members == number) & np.isfinite(colour)
    field = (members < 0) & np.isfinite(colour)
    landmarks = find_landmarks(colour[own], magnitude[own])
    tightness = (
        f"Its sequence is tighter than that of field stars of the same magnitudes by {facts['cmd_score']:.1f} "
        "standard deviations."
        if (own | field).any()
        else "No star has a colour: it was judged by motion and place alone."
    )
    drawing, axes = new_axes(4.2, grid="both")
    axes.set_xlim(*_span(colour[own | field], 0.1))
    axes.set_ylim(*_span(magnitude[own | field], _TOP)[::-1])
    axes.set_xlabel("BP − RP, mag")
    axes.set_ylabel("G, mag")
    draw_points(axes, colour[field], magnitude[field], FIELD, 1.6, "field")
    draw_points(axes, colour[own], magnitude[own], colour_of(number), 2.6, name)
    if landmarks is not None:
        _mark(axes, landmarks)
    axes.legend(loc="lower left", markerscale=2)
    return finish(
        drawing,
        f"Colour-magnitude diagram of {int(own.sum())} members of {name} before the field.",
        f"{name}: {counted(int(own.sum()), 'member')} with a colour before {counted(int(field.sum()), 'star')} of "
        f"the field. {describe_landmarks(landmarks, facts)} {tightness}",
    )


def describe_landmarks(landmarks: Landmarks | None, facts: Any) -> str:
    """Say in words where a sequence turns and what that means."""
    if landmarks is None:
        return "There are too few members to find a turn-off."
    if landmarks.end == "bottom":
        return "It is bluest at its faintest stars: a turn-off, if there is one, is fainter than these."
    place = f"at G = {landmarks.bluest_g:.1f}, BP − RP = {landmarks.bluest_bp_rp:.2f}"
    if landmarks.end == "turns":
        words = f"The main sequence is bluest {place}"
    else:
        words = f"The main sequence goes on to the brightest members and ends {place}"
    if facts["parallax"] > 5 * facts["parallax_error"]:
        absolute = landmarks.bluest_g + 5 * np.log10(facts["parallax"] / 100)
        words += f", which is an absolute magnitude of {absolute:.1f} at the cluster's parallax, before extinction"
        if landmarks.end == "turns":
            old = absolute > _OLD
            words += (
                ". Unless dust dims it, only stars like the Sun and lighter are left there: it is old"
                if old
                else ". Stars hotter than the Sun are still there: it is young or of middle age"
            )
    if not landmarks.giants:
        return f"{words}. Hardly a member is brighter and redder: there is no giant branch to see."
    return (
        f"{words}. {counted(landmarks.giants, 'member')} are giants, about as bright or brighter and redder, at a "
        f"median of G = {landmarks.giant_g:.1f}, BP − RP = {landmarks.giant_bp_rp:.2f}."
    )


@figure_style()
def draw_spectral_types(scene: Scene, names: list[str]) -> Figure:
    """Draw magnitude against spectral type in the order of temperature, O to M."""
    types, magnitude = scene.column("spectraltype_esphs").astype(str), scene.column("phot_g_mean_mag")
    place = np.array([SPECTRAL_TYPES.index(t) if t in SPECTRAL_TYPES else -1 for t in types], dtype=np.int64)
    typed = place >= 0
    drawing, axes = new_axes(4.2)
    axes.set_xlim(-0.6, len(SPECTRAL_TYPES) - 0.4)
    axes.set_ylim(*_span(magnitude[typed] if typed.any() else magnitude, _BOTTOM)[::-1])
    axes.set_xticks(range(len(SPECTRAL_TYPES)), SPECTRAL_TYPES)
    axes.set_xlabel("Spectral type, hot to cool")
    axes.set_ylabel("G, mag")
    spread = np.random.default_rng(0).uniform(-0.3, 0.3, len(place))  # else stars of a type hide each other
    field = typed & (scene.members < 0)
    draw_points(axes, (place + spread)[field], magnitude[field], FIELD, 1.6, "field")
    words = []
    for k in range(len(scene.facts)):
        own = typed & (scene.members == k)
        draw_points(axes, (place + spread)[own], magnitude[own], colour_of(k), 2.6, label_of(scene, names, k))
        words.append(
            f"{label_of(scene, names, k)}: {_types_in_words(place[own], int((scene.members == k).sum()))}"
        )
    axes.legend(loc="best", markerscale=2)
    faintest = float(magnitude[typed].max()) if typed.any() else float("nan")
    limit = (
        f"Of all stars {typed.mean():.0%} have a type, none of them fainter than G = {faintest:.1f}. "
        if typed.any()
        else ""
    )
    return finish(
        drawing,
        "Magnitude against spectral type, O to M, of field stars and members of clusters.",
        "Magnitude against spectral type, in the order of temperature. "
        + limit + ("; ".join(words) + ". " if words else "")
        + "A letter is a coarse colour: what the diagram beside shows as a line is here a stair.",
    )  # fmt: skip


def _types_in_words(place: Any, members: int) -> str:
    if not len(place):
        return f"none of its {members} members has a type, as all are too faint"
    counts = np.bincount(place, minlength=len(SPECTRAL_TYPES))
    most = SPECTRAL_TYPES[int(counts.argmax())]
    hottest = SPECTRAL_TYPES[int(np.flatnonzero(counts)[0])]
    return f"{len(place)} of {members} members have a type, most of them {most}, the hottest {hottest}"


@figure_style()
def draw_hertzsprung_russell(scene: Scene, names: list[str]) -> Figure:
    """Draw absolute magnitude against temperature, the members at the parallax of their cluster."""
    temperature = scene.column("teff_gspphot").astype(np.float64)
    magnitude, parallax = (
        scene.column("phot_g_mean_mag").astype(np.float64),
        scene.column("parallax").astype(np.float64),
    )
    sure = (parallax > 5 * scene.column("parallax_error")) & (scene.members < 0)
    used = np.where(sure, parallax, np.nan)
    for k, facts in enumerate(scene.facts):
        used[scene.members == k] = facts["parallax"] if facts["parallax"] > 0 else np.nan
    absolute = magnitude + 5 * np.log10(used / 100)
    known = np.isfinite(absolute) & np.isfinite(temperature)
    drawing, axes = new_axes(4.2, grid="both")
    axes.set_xscale("log")
    span = _span(np.log10(temperature[known]), 0.03) if known.any() else (3.5, 4.0)
    axes.set_xlim(10 ** span[1], 10 ** span[0])
    axes.set_ylim(*_span(absolute[known], _BOTTOM)[::-1])
    ticks = [
        t for t in (3000, 4000, 5000, 6000, 8000, 10000, 15000, 20000, 30000) if 10 ** span[0] < t < 10 ** span[1]
    ]
    axes.set_xticks(ticks, [str(t) for t in ticks])
    axes.minorticks_off()
    axes.set_xlabel("Temperature, K")
    axes.set_ylabel("Absolute magnitude in G before extinction, mag")
    field = known & (scene.members < 0)
    draw_points(axes, temperature[field], absolute[field], FIELD, 1.6, "field with sure parallax")
    words = []
    for k in range(len(scene.facts)):
        own = known & (scene.members == k)
        draw_points(axes, temperature[own], absolute[own], colour_of(k), 2.6, label_of(scene, names, k))
        if own.any():
            low, high = np.quantile(temperature[own], [0.05, 0.95])
            words.append(
                f"{label_of(scene, names, k)} reaches from an absolute magnitude of {absolute[own].min():.1f} to "
                f"{absolute[own].max():.1f} and, but for a twentieth at either end, from {low:.0f} to {high:.0f} K"
            )
    axes.legend(loc="best", markerscale=2)
    return finish(
        drawing,
        "Absolute magnitude against temperature of field stars and members of clusters.",
        "The Hertzsprung-Russell diagram: temperatures of GSP-Phot, members at the parallax of their cluster, "
        f"field stars ({grouped(int(field.sum()))}) only where the parallax is five times its error. "
        + ("; ".join(words) + "." if words else "No member has a temperature."),
    )  # fmt: skip


def _mark(axes: Any, landmarks: Landmarks) -> None:
    if landmarks.end != "bottom":
        word = "turn-off" if landmarks.end == "turns" else "top"
        _label(axes, landmarks.bluest_bp_rp, landmarks.bluest_g, "D", word, -1)
    if landmarks.giants:
        _label(axes, landmarks.giant_bp_rp, landmarks.giant_g, "s", "giants", 1)


def _label(axes: Any, x: float, y: float, marker: str, word: str, side: int) -> None:
    """Mark a place and name it beside, on the side of the panel's middle where it would be cut."""
    axes.plot(x, y, marker, color=INK, fillstyle="none", markersize=7)
    left, right = axes.get_xlim()
    if (x - left) / (right - left) < _NEAR_EDGE:
        side = 1
    axes.annotate(
        word, (x, y), xytext=(9 * side, 0), textcoords="offset points", color=INK, fontsize=8, gid=HALO,
        ha="left" if side > 0 else "right", va="center",
    )  # fmt: skip


def _span(values: Any, pad: float) -> tuple[float, float]:
    if not len(values):
        return 0.0, 1.0
    low, high = np.quantile(values, [0.001, 0.999])
    return float(low) - pad, float(high) + pad

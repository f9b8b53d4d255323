"""Diagrams of what a tree model rests on: swarms, dependence, interaction, importance of groups."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from components.common.figures import INK, MUTED, SERIES, Figure, draw_points, figure_style, finish, new_axes
from components.common.scores import Floats
from components.evaluate.classification.explanation import Explanation
from components.evaluate.classification.morphology_names import label_of, short
from components.evaluate.regression.diagrams import MODEL, OTHER

LOW, HIGH = SERIES[0], SERIES[1]
"""Colours of values below and above the median."""

_FEATURES = 9
_BINS = 60
_SPREAD = 0.42
_SHOWN = (0.005, 0.995)


@figure_style()
def draw_swarm(found: Explanation, index: int) -> Figure:
    """Draw the SHAP values of the features that matter most to a class, one row of points each."""
    order = np.argsort(-found.by_class[:, index], kind="stable")[:_FEATURES]
    values = found.shap[:, order, index]
    drawing, axes = new_axes(0.9 + 0.3 * len(order), grid="x")
    axes.set_xlim(*_limits(values))
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.axvline(0, color=INK, linewidth=0.8, zorder=1)
    parts: dict[str, list[Floats]] = {LOW: [], HIGH: [], MUTED: []}
    for row, feature in enumerate(order):
        own, shap = found.values[:, feature], values[:, row]
        place = np.stack([shap, row + _spread(shap, axes.get_xlim())], axis=1)
        middle = np.nanmedian(own) if np.isfinite(own).any() else 0.0
        for colour, chosen in ((LOW, own <= middle), (HIGH, own > middle), (MUTED, np.isnan(own))):
            parts[colour].append(place[chosen])
    for colour, name in ((LOW, "low values"), (HIGH, "high values"), (MUTED, "missing")):
        points = np.concatenate(parts[colour])
        if len(points):
            draw_points(axes, points[:, 0], points[:, 1], colour, 1.8, name)
    axes.set_yticks(np.arange(len(order)), [short(found.features[k]) for k in order])
    axes.tick_params(axis="y", length=0)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, markerscale=2)
    name = found.classes[index]
    axes.set_xlabel(f"SHAP value: speaks for {name} to the right")
    first = found.features[order[0]]
    return finish(
        drawing,
        f"SHAP values of {len(order)} features for the class {name}, a point for each galaxy.",
        f"What speaks for and against {name}: each point is a galaxy, its place what the feature adds to the "
        f"score of the class, its colour whether the value is below or above the median. First comes {first}.",
    )


@figure_style()
def draw_dependence(found: Explanation, feature: int, index: int) -> Figure:
    """Draw the SHAP values of a feature for a class against its values."""
    drawing, axes = new_axes(2.7, grid="both")
    own, shap = found.values[:, feature].astype(np.float64), found.shap[:, feature, index]
    known = np.isfinite(own)
    axes.set_xlim(*_limits(own[known]))
    axes.set_ylim(*_limits(shap))
    axes.axhline(0, color=INK, linewidth=0.8, zorder=1)
    draw_points(axes, own[known], shap[known], MODEL, 2.6)
    _draw_median(axes, own[known], shap[known])
    name, label = found.classes[index], label_of(found.features[feature])
    axes.set_xlabel(label[:1].upper() + label[1:])
    axes.set_ylabel(f"Speaks for {name}")
    low, high = (float(np.median(shap[known][_end(own[known], side)])) for side in (0, 1))
    direction = "for" if high > low else "against"
    ends = [f"{value:+.2f}".replace("-", "\u2212") for value in (low, high)]
    return finish(
        drawing,
        f"SHAP value of {found.features[feature]} for {name} against its value.",
        f"What {label} adds to the score of {name}; the line is the median. High values speak {direction} it: "
        f"from {ends[0]} in the lowest tenth to {ends[1]} in the highest. How far points at one value "
        "scatter shows what other features have to say about it.",
    )


@figure_style()
def draw_interaction(found: Explanation, pair: tuple[int, int]) -> Figure:
    """Draw the interaction of two features, for the class where it is strongest."""
    index = int(np.abs(found.interaction).mean(axis=0).argmax())
    first, second = (found.values[: len(found.interaction), k].astype(np.float64) for k in pair)
    value = found.interaction[:, index]
    drawing, axes = new_axes(2.9, grid="both")
    axes.set_xlim(*_limits(first[np.isfinite(first)]))
    axes.set_ylim(*_limits(value))
    axes.axhline(0, color=INK, linewidth=0.8, zorder=1)
    middle = np.nanmedian(second)
    names = [label_of(found.features[k]) for k in pair]
    for colour, chosen, word in ((LOW, second <= middle, "low"), (HIGH, second > middle, "high")):
        both = chosen & np.isfinite(first)
        draw_points(axes, first[both], value[both], colour, 3.0, f"{word} {short(found.features[pair[1]])}")
    axes.legend(loc="best")
    axes.set_xlabel(names[0][:1].upper() + names[0][1:])
    axes.set_ylabel(f"Interaction, for {found.classes[index]}")
    return finish(
        drawing,
        f"SHAP interaction of {names[0]} and {names[1]} for {found.classes[index]}.",
        f"What {names[0]} and {names[1]} say together of {found.classes[index]}, beyond what each says alone: "
        "of all pairs these interact most. Where the colours part, the one feature changes what the other means.",
    )


@figure_style()
def draw_group_importance(found: Explanation, labels: Sequence[str]) -> Figure:
    """Draw the importance of groups of features by both methods, each relative to its largest."""
    order = np.argsort(-found.group_shap, kind="stable")[:14]
    drawing, axes = new_axes(0.9 + 0.3 * len(order), grid="x")
    row = np.arange(len(order))
    for shift, values, colour, name in (
        (-0.19, found.group_shap, MODEL, "SHAP"),
        (0.19, found.group_permutation, OTHER, "permutation"),
    ):
        length = values[order] / max(float(values.max()), 1e-12)
        axes.barh(row + shift, np.maximum(length, 0), height=0.36, color=colour, label=name, linewidth=0)
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.set_yticks(row, [labels[k] for k in order])
    axes.tick_params(axis="y", length=0)
    axes.legend(loc="lower right")
    axes.set_xlabel("Importance, relative to the largest")
    return finish(
        drawing,
        "Importance of groups of features by SHAP and by permutation.",
        "Which groups of features matter, by two methods that share nothing but the model: the mean size of "
        f"the SHAP values, and what shuffling costs. First comes {labels[order[0]]}.",
    )


def _limits(values: Floats) -> tuple[float, float]:
    if not values.size:
        return -1.0, 1.0
    low, high = (float(value) for value in np.quantile(values, _SHOWN))
    pad = 0.06 * (high - low) or 0.5
    return low - pad, high + pad


def _spread(values: Floats, limits: tuple[float, float]) -> Floats:
    """Move points apart where many have nearly the same value, always the same way."""
    edges = np.linspace(*limits, _BINS + 1)
    number = np.clip(np.digitize(values, edges) - 1, 0, _BINS - 1)
    counts = np.bincount(number, minlength=_BINS)
    order = np.argsort(number, kind="stable")
    rank = np.empty(len(values))
    rank[order] = np.concatenate([np.arange(count) for count in counts]) if len(values) else 0
    middle = rank - (counts[number] - 1) / 2
    return np.asarray(2 * _SPREAD * middle / max(int(counts.max()), 1))


def _draw_median(axes: Axes, x: Floats, y: Floats) -> None:
    edges = np.unique(np.quantile(x, np.linspace(0.01, 0.99, 16))) if x.size else np.zeros(0)
    if edges.size < 4:
        return
    number = np.digitize(x, edges[1:-1])
    middle = [(np.median(x[number == k]), np.median(y[number == k])) for k in np.unique(number)]
    axes.plot(*np.array(middle).T, color=SERIES[1], linewidth=1.8)


def _end(values: Floats, side: int) -> Floats:
    low, high = np.quantile(values, [0.1, 0.9])
    return np.asarray(values >= high if side else values <= low)

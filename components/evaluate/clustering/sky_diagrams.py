"""Where clusters are: on the sky, in proper motion, in parallax."""

import numpy as np

from components.common.figures import SERIES, Figure, draw_points, figure_style, finish, new_axes, note
from components.common.scores import Floats
from components.common.wording import counted
from components.evaluate.clustering.scene import Scene
from components.physics.celestial import to_tangent_plane

FIELD = SERIES[5]
CLUSTERS = SERIES[:5]
"""Colours of the clusters in order; a sixth begins anew."""

_MARGIN = 0.04


def colour_of(number: int) -> str:
    """Colour of a cluster, the same in all figures."""
    return CLUSTERS[number % len(CLUSTERS)]


def label_of(scene: Scene, names: list[str], number: int) -> str:
    """Name of a cluster for legends: its own, and that by which it is known."""
    own = scene.model.names[number]
    return f"{own} ({names[number]})" if names[number] else own


@figure_style()
def draw_sky(scene: Scene, names: list[str]) -> Figure:
    """Draw all stars on the tangent plane, members in colour, with a circle at each Plummer radius."""
    centre = float(scene.settings["region"]["ra"]), float(scene.settings["region"]["dec"])
    x, y = to_tangent_plane(scene.column("ra"), scene.column("dec"), *centre)
    drawing, axes = new_axes(4.2, grid=None)
    axes.set_xlim(*_limits(x)[::-1])  # east is left, as on the sky
    axes.set_ylim(*_limits(y))
    axes.set_aspect("equal")  # fixed limits: the picture of many points is laid over them
    axes.set_xlabel("Offset to east, deg")
    axes.set_ylabel("Offset to north, deg")
    _draw_all(scene, names, axes, x, y)
    angle = np.linspace(0, 2 * np.pi, 100)
    for number, facts in enumerate(scene.facts):
        cx, cy = to_tangent_plane(np.array([facts["ra"]]), np.array([facts["dec"]]), *centre)
        radius = facts["radius"]
        axes.plot(
            cx[0] + radius * np.cos(angle), cy[0] + radius * np.sin(angle), color=colour_of(number), linewidth=1
        )
    words = [
        f"{label_of(scene, names, k)} has a Plummer radius of {60 * f['radius']:.1f} ± "
        f"{60 * f['radius_error']:.1f} arcmin"
        for k, f in enumerate(scene.facts)
    ]
    return finish(
        drawing,
        f"The region on the sky: {counted(len(scene.stars), 'star')}, those of "
        f"{counted(len(scene.facts), 'cluster')} in colour.",
        "The region on the sky, north up and east left; the field in grey, circles at the Plummer radii. "
        + (_listed(words) if words else "No cluster was found, so that all is field."),
    )


@figure_style()
def draw_vector_points(scene: Scene, names: list[str]) -> Figure:
    """Draw proper motions against each other."""
    pmra, pmdec = scene.column("pmra"), scene.column("pmdec")
    drawing, axes = new_axes(4.0, grid="both")
    members = scene.members >= 0
    axes.set_xlim(*_limits(pmra, members))
    axes.set_ylim(*_limits(pmdec, members))
    axes.set_xlabel("Proper motion in right ascension, mas/yr")
    axes.set_ylabel("Proper motion in declination, mas/yr")
    _draw_all(scene, names, axes, pmra, pmdec)
    field = ~members
    words = []
    for k, f in enumerate(scene.facts):
        near = np.hypot(pmra[field] - f["pmra"], pmdec[field] - f["pmdec"]) < 1.0
        words.append(
            f"{label_of(scene, names, k)} moves by ({f['pmra']:.3f}, {f['pmdec']:.3f}) mas/yr with a dispersion "
            f"of {(f['pmra_dispersion'] + f['pmdec_dispersion']) / 2:.2f}, and within 1 mas/yr of that the field "
            f"has {counted(int(near.sum()), 'star')}"
        )
    return finish(
        drawing,
        f"Proper motions of {counted(len(scene.stars), 'star')}, those of {counted(len(scene.facts), 'cluster')} "
        "in colour.",
        "The vector-point diagram: stars of a cluster move together, and faint ones scatter by their errors. "
        + (_listed(words) if words else "No group of stars moves together more than the field does."),
    )


@figure_style()
def draw_parallaxes(scene: Scene, names: list[str]) -> Figure:
    """Draw histograms of parallax."""
    parallax, labels = scene.column("parallax"), scene.members
    drawing, axes = new_axes(3.0)
    low, high = _limits(parallax, labels >= 0) if len(parallax) else (0.0, 1.0)
    edges = np.linspace(low, high, 81).tolist()
    axes.hist(parallax[labels < 0], edges, color=FIELD, alpha=0.5, label="field")
    for k in range(len(scene.facts)):
        axes.hist(
            parallax[labels == k], edges, histtype="step", color=colour_of(k), linewidth=1.6,
            label=label_of(scene, names, k),
        )  # fmt: skip
    axes.set_yscale("log")
    axes.set_xlim(low, high)
    axes.set_xlabel("Parallax, zero-point subtracted, mas")
    axes.set_ylabel("Stars")
    axes.legend()
    words = [
        f"{label_of(scene, names, k)} has {f['parallax']:.3f} ± {f['parallax_error']:.3f} mas, of which "
        f"{f['parallax_systematic_floor']:.2f} is the systematic floor: {distance_words(f)}"
        for k, f in enumerate(scene.facts)
    ]
    return finish(
        drawing,
        "Histogram of the parallaxes of field stars and of the members of "
        f"{counted(len(scene.facts), 'cluster')}.",
        "Parallaxes. A cluster's histogram is widened by the errors of its faint stars; its mean is known far "
        "better. " + (_listed(words) if words else "There is only the field."),
    )


def distance_words(facts: "object") -> str:
    """Say how far a parallax is, with its error, or that it does not tell."""
    assert hasattr(facts, "__getitem__")
    parallax, error = facts["parallax"], facts["parallax_error"]
    if parallax < 3 * error:
        return "too small for a distance"
    return f"{1 / parallax:.2f} kpc, {1 / (parallax + error):.2f} to {1 / (parallax - error):.2f}"


def _draw_all(scene: Scene, names: list[str], axes: "object", x: Floats, y: Floats) -> None:
    from matplotlib.axes import Axes

    assert isinstance(axes, Axes)
    labels = scene.members
    draw_points(axes, x[labels < 0], y[labels < 0], FIELD, 1.6, "field")
    for k in range(len(scene.facts)):
        draw_points(axes, x[labels == k], y[labels == k], colour_of(k), 2.4, label_of(scene, names, k))
    axes.legend(loc="best", markerscale=2)


def _limits(values: Floats, always: "np.typing.NDArray[np.bool_] | None" = None) -> tuple[float, float]:
    """Limits that hold nearly all stars, and all members."""
    if not len(values):
        return -1.0, 1.0
    low, high = np.quantile(values, [0.005, 0.995]) if always is not None else (values.min(), values.max())
    if always is not None and always.any():
        a, b = np.quantile(values[always], [0.002, 0.998])
        low, high = min(low, a), max(high, b)
    pad = _MARGIN * max(float(high - low), 1e-3)
    return float(max(low - pad, -1e4)), float(min(high + pad, 1e4))


def _listed(words: list[str]) -> str:
    return "; ".join(words) + "."


__all__ = ["colour_of", "distance_words", "draw_parallaxes", "draw_sky", "draw_vector_points", "label_of", "note"]

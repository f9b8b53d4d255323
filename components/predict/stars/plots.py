"""Pictures of a prediction: the members of each cluster among all stars, by motion and on the sky."""

from pathlib import Path

import numpy as np

from components.common.figures import SERIES, Figure, draw_points, figure_style, finish, new_axes
from components.common.files import whole
from components.common.tables import Columns
from components.common.wording import counted, grouped

_LIKELY = 0.5
_AROUND = 8.0


def draw_members(columns: Columns, names: list[str], folder: Path) -> None:
    """Write one vector-point diagram for each cluster into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        with whole(folder / f"{name}.svg") as part:
            part.write_text(_draw(columns, name).svg, encoding="utf-8")


@figure_style()
def _draw(columns: Columns, name: str) -> Figure:
    own = (columns["cluster"] == name) & (columns["probability"] > _LIKELY)
    drawing, axes = new_axes(4.0, grid="both")
    around = own if own.any() else np.ones(len(own), dtype=bool)
    centre = [np.median(columns[motion][around]) if len(own) else 0.0 for motion in ("pmra", "pmdec")]
    axes.set_xlim(centre[0] - _AROUND, centre[0] + _AROUND)
    axes.set_ylim(centre[1] - _AROUND, centre[1] + _AROUND)
    axes.set_xlabel("Proper motion in right ascension, mas/yr")
    axes.set_ylabel("Proper motion in declination, mas/yr")
    draw_points(axes, columns["pmra"][~own], columns["pmdec"][~own], SERIES[5], 1.6, "other stars")
    draw_points(axes, columns["pmra"][own], columns["pmdec"][own], SERIES[0], 2.6, name)
    axes.legend(loc="best")
    words = f"{grouped(int(own.sum()))} of {counted(len(own), 'star')} are more probably in {name} than not."
    axes.set_title(words)  # the picture stands alone
    return finish(drawing, f"Proper motions around those of {name}.", words)

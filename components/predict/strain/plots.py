"""One picture for each candidate: what the detectors saw, in time and in frequency."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from components.common.figures import SERIES, figure_style, finish, new_panels, note
from components.common.files import whole
from components.common.themed_svg import TINT, role_of
from components.physics.detectors import DETECTORS
from components.physics.spectrogram import constant_q
from components.predict.strain.search import Found
from components.predict.strain.stretch import Stretch

_BEFORE_SECONDS, _AFTER_SECONDS = 0.4, 0.2
_CONTEXT_SECONDS = 1.0
FREQUENCIES_HZ = np.geomspace(20, 500, 64)
LOUD = 25.0
"""Energy of the darkest tile in units of the noise's mean: noise exceeds it once in e^25."""
_COLUMNS = 240


def draw_candidates(found: Found, stretch: Stretch, folder: Path) -> list[Path]:
    """Draw spectrograms of all candidates, one panel a detector.

    Returns
    -------
    list of Path
        SVG files, by rank.
    """
    files = []
    for rank, (gps, statistic) in enumerate(zip(found.gps, found.statistic, strict=True), start=1):
        path = folder / f"{rank:03d}-gps-{gps:.2f}.svg"
        with whole(path) as part:
            part.write_text(_draw(stretch, float(gps), float(statistic)), encoding="utf-8")
        files.append(path)
    return files


@figure_style()
def _draw(stretch: Stretch, gps: float, statistic: float) -> str:
    shown = stretch.detectors
    drawing, panels = new_panels((1.0,) * len(shown), height=1.0 + 1.5 * len(shown))
    for axes, name in zip(panels, shown, strict=True):
        energy, first, last = _tiles(stretch, DETECTORS.index(name), gps)
        axes.set_xlim(-_BEFORE_SECONDS, _AFTER_SECONDS)
        paint_energy(axes, energy, first, last, name)
    panels[0].set_title(f"Statistic {statistic:.2f}; darkest: {LOUD:.0f} times the mean energy of noise")
    panels[-1].set_xlabel(f"seconds from GPS {gps:.2f}")
    alt = f"Spectrograms of {', '.join(shown)} around GPS {gps:.2f}"
    return finish(drawing, alt, f"{alt}; statistic {statistic:.2f}.").svg


def _tiles(stretch: Stretch, index: int, gps: float) -> tuple[npt.NDArray[np.float64], float, float]:
    """Energy of a detector around a time, and from when to when, in seconds from it."""
    rate = stretch.sample_rate
    centre = round((gps - stretch.gps_start) * rate)
    reach = round(_CONTEXT_SECONDS * rate)
    start, stop = max(0, centre - reach), min(stretch.white.shape[1], centre + reach)
    energy = constant_q(stretch.white[index, start:stop], rate, FREQUENCIES_HZ)
    first = max(start, centre - round(_BEFORE_SECONDS * rate))
    last = min(stop, centre + round(_AFTER_SECONDS * rate))
    return energy[:, first - start : last - start], (first - centre) / rate, (last - centre) / rate


def paint_energy(axes: Axes, energy: npt.NDArray[np.float64], first: float, last: float, name: str) -> None:
    """Paint the energy of a detector in one colour of the palette, the louder the denser, and name it.

    Parameters
    ----------
    axes : Axes
        With the limits of its time set.
    energy : ndarray, shape (frequencies, samples)
        At `FREQUENCIES_HZ`, which are even on the logarithmic axis.
    first, last : float
        Times of its ends.
    name : str
        The detector.
    """
    axes.set_yscale("log")
    axes.set_ylim(FREQUENCIES_HZ[0], FREQUENCIES_HZ[-1])
    axes.set_yticks([30, 100, 300], ["30", "100", "300"])
    axes.minorticks_off()  # their labels would not fit
    axes.set_ylabel("frequency / Hz")
    step = max(1, energy.shape[1] // _COLUMNS)
    whole_tiles = energy[:, : energy.shape[1] // step * step]
    coarse = whole_tiles.reshape(len(energy), -1, step).max(-1)
    picture = np.ones((*coarse.shape, 4))
    picture[..., 3] = np.clip(coarse / LOUD, 0, 1)
    begin, end = axes.get_xlim()
    left, right = ((value - begin) / (end - begin) for value in (first, last))
    image = AxesImage(
        axes, extent=(left, right, 0, 1), origin="lower", interpolation="none", transform=axes.transAxes
    )
    image.set_data(picture)
    image.set_gid(f"{TINT}{role_of(SERIES[0])}")
    axes.add_artist(image)
    note(axes, 0.02, 0.9, name, transform=axes.transAxes, va="top")

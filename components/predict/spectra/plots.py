"""One picture for each prediction, for eyes that want to see the lines."""

import re
from html import escape
from pathlib import Path

import numpy as np

from components.common.distributions import BinnedDistribution
from components.common.figures import INK, PAPER
from components.common.tables import Columns
from components.evaluate.regression.spectrum_diagrams import draw_spectra
from components.predict.writing import write_pictures
from components.preprocess.spectra.preparation import Preparation, Prepared

_HEAD = 18.0
_MARGIN = 6.0
_LETTERS, _LETTER_WIDTH = 8.5, 0.62
"""Size of the type, smaller where a line would not fit, and the width of a letter in it."""


def draw_predictions(
    columns: Columns,
    distribution: BinnedDistribution,
    prepared: Prepared,
    preparation: Preparation,
    first: int,
    folder: Path,
) -> list[Path]:
    """Draw spectra with the lines at their predicted redshift, and the predicted distribution below.

    Parameters
    ----------
    columns : dict of str to ndarray
        Rows of the table of predictions.
    distribution, prepared
        Of the same rows.
    preparation : Preparation
        Where the pixels lie.
    first : int
        Number of the first row in the table: files are named by number and id, as two files may hold spectra of
        the same id.
    folder : Path
        Where the files go, in SVG.

    Returns
    -------
    list of Path
        The files, in the order of the rows.
    """
    figures = draw_spectra(
        preparation.grid.wavelength_angstrom,
        np.where(prepared.ivar > 0, prepared.flux, np.nan),
        np.full(len(prepared.flux), np.nan),
        columns["redshift"],
        distribution.edges,
        distribution.probability,
        [_title(*row) for row in zip(columns["id"], columns["sn_median"], columns["warnings"], strict=True)],
    )
    return write_pictures(folder, first, columns["id"], (_headed(f.svg, f.caption) for f in figures))


def _headed(svg: str, text: str) -> str:
    """Write above a drawing what a report would write below it."""
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    if box is None:
        raise ValueError("An SVG without a viewBox from the origin was drawn.")
    width, height = (float(size) for size in box.groups())
    size = min(_LETTERS, (width - 2 * _MARGIN) / (_LETTER_WIDTH * len(text)))
    head = f'<text x="{_MARGIN}" y="{-_MARGIN}" font-size="{size:.3g}" fill="{INK}">{escape(text)}</text>'
    paper = f'<rect y="{-_HEAD}" width="100%" height="100%" fill="{PAPER}"/>'
    end = svg.index(">", box.end()) + 1
    frame = f'viewBox="0 {-_HEAD} {width:g} {height + _HEAD:g}"'
    return svg[: box.start()] + frame + svg[box.end() : end] + paper + head + svg[end:]


def _title(name: str, sn_median: float, warnings: str) -> str:
    return f"{name}, S/N {sn_median:.1f}" + (f", {warnings}" if warnings else "")

"""Pictures of classified spectra, one file each."""

from pathlib import Path

import numpy as np

from components.common.figures import Figure, figure_style, finish, new_axes
from components.evaluate.regression.spectrum_diagrams import draw_flux
from components.predict.classes.prediction import Predicted


def draw_predictions(predicted: Predicted, first: int, folder: Path) -> None:
    """Draw every spectrum into a folder, named by its number and id.

    Parameters
    ----------
    predicted : Predicted
        What to draw.
    first : int
        Number of the first spectrum.
    folder : Path
        Where to; made where it is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for row, identifier in enumerate(predicted.columns["id"]):
        name = f"{first + row:05d}-{identifier}.svg".replace("/", "-")
        (folder / name).write_text(_draw(predicted, row).svg, encoding="utf-8")


@figure_style()
def _draw(predicted: Predicted, row: int) -> Figure:
    drawing, axes = new_axes(2.7)
    prepared, columns = predicted.prepared, predicted.columns
    wavelength = predicted.preparation.grid.wavelength_angstrom
    draw_flux(axes, wavelength, np.where(prepared.ivar[row] > 0, prepared.flux[row], np.nan))
    text = f"{columns['id'][row]}: {columns['label'][row]}, {100 * columns['probability'][row]:.1f}\u202f%"
    axes.set_title(text)
    axes.set_xlabel("Observed wavelength in \N{LATIN CAPITAL LETTER A WITH RING ABOVE}")
    axes.set_ylabel("Flux")
    return finish(drawing, f"Spectrum {text}", text)

"""Pictures of classified spectra, one file each."""

from pathlib import Path

import numpy as np

from components.common.figures import Figure, figure_style, finish, new_axes
from components.evaluate.regression.spectrum_diagrams import draw_flux
from components.predict.classes.prediction import Predicted
from components.predict.writing import write_pictures


def draw_predictions(predicted: Predicted, first: int, folder: Path) -> None:
    """Draw every spectrum into a folder, named by its number and id.

    Parameters
    ----------
    predicted : Predicted
        What to draw.
    first : int
        Rows before these.
    folder : Path
        Where to; made where it is missing.
    """
    names = predicted.columns["id"]
    write_pictures(folder, first, names, (_draw(predicted, row).svg for row in range(len(names))))


@figure_style()
def _draw(predicted: Predicted, row: int) -> Figure:
    drawing, axes = new_axes(2.7)
    prepared, columns = predicted.ready.prepared, predicted.columns
    wavelength = predicted.ready.preparation.grid.wavelength_angstrom
    draw_flux(axes, wavelength, np.where(prepared.ivar[row] > 0, prepared.flux[row], np.nan))
    text = f"{columns['id'][row]}: {columns['label'][row]}, {100 * columns['probability'][row]:.1f}\u202f%"
    axes.set_title(text)
    axes.set_xlabel("Observed wavelength in \N{LATIN CAPITAL LETTER A WITH RING ABOVE}")
    axes.set_ylabel("Flux, scaled")
    return finish(drawing, f"Spectrum {text}", text)

"""Spectra with the lines where the predicted redshift puts them, one SVG each."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from components.common.figures import INK, SERIES, figure_style, finish, new_axes, note
from components.common.tables import Columns
from components.physics.spectral_lines import ABSORPTION_LINES, EMISSION_LINES
from components.predict.writing import write_pictures
from components.preprocess.spectra.preparation import Preparation, Prepared

_LINES = (*(line for line in EMISSION_LINES if line.wavelength_angstrom > 3700.0), *ABSORPTION_LINES)


def draw_spectra(columns: Columns, prepared: Prepared, preparation: Preparation, first: int, folder: Path) -> None:
    """Draw each spectrum into `folder`, named by its number, `first` rows being before it, and its id."""
    wave, names = preparation.grid.wavelength_angstrom, columns["id"]
    write_pictures(folder, first, names, (_draw(columns, prepared, wave, row) for row in range(len(names))))


@figure_style()
def _draw(columns: Columns, prepared: Prepared, wave: npt.NDArray[np.float64], row: int) -> str:
    flux = prepared.offset[row] + prepared.scale[row] * prepared.flux[row]
    flux = np.where(prepared.ivar[row] > 0, flux, np.nan)
    name, redshift, sigma = columns["id"][row], columns["redshift"][row], columns["sigma"][row]
    drawing, axes = new_axes(2.8, width=7.0)
    axes.plot(wave, flux, color=INK, linewidth=0.6)
    axes.set_xlim(wave[0], wave[-1])
    low, high = np.nanquantile(flux, [0.002, 0.998])
    axes.set_ylim(min(0.0, low), 1.25 * high)
    for number, line in enumerate(_LINES):
        at = line.wavelength_angstrom * (1 + redshift)
        if wave[0] < at < wave[-1]:
            axes.axvline(at, color=SERIES[1], linewidth=0.5)
            note(axes, at, (1.2 - 0.07 * (number % 3)) * high, line.name, ha="center", fontsize=6.5)
    axes.set_xlabel("Observed wavelength in Å")
    axes.set_ylabel("Flux, 10⁻¹⁷ erg/s/cm²/Å")
    error = f"\u00b1 {sigma:.4f}" if np.isfinite(sigma) else "with an unknown error"
    warnings = columns["warnings"][row]
    axes.set_title(f"{name}: z = {redshift:.4f} {error}" + (f"; {warnings}" if warnings else ""))
    return finish(drawing, f"Spectrum {name} with lines at redshift {redshift:.4f}.", "").svg

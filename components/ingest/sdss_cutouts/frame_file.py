"""Calibrated frames of the imaging survey: `frame-{band}-{run:06d}-{camcol}-{field:04d}.fits.bz2`.

https://data.sdss.org/datamodel/files/BOSS_PHOTOOBJ/frames/RERUN/RUN/CAMCOL/frame.html
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning
from astropy.wcs import WCS, NoConvergence, WcsError
from scipy.ndimage import map_coordinates

from components.common.errors import InputError

_MARGIN = 8
"""Pixels around a picture that cubic interpolation reaches into."""


class UnusableFrameError(InputError):
    """A frame that cannot be used.

    Attributes
    ----------
    reason : str
        In a word or two; rejections are counted by it.
    """

    def __init__(self, reason: str, problem: str):
        super().__init__(problem, "Fetch the frame again, or leave its field out.")
        self.reason = reason


@dataclass(frozen=True)
class Frame:
    """One band of a field.

    Attributes
    ----------
    flux : ndarray of float32, shape (rows, columns)
        In nanomaggies, sky subtracted.
    wcs : astropy.wcs.WCS
        Where its pixels are on the sky.
    """

    flux: npt.NDArray[np.float32]
    wcs: WCS


def frame_name(run: int, camcol: int, field: int, band: str) -> str:
    """Name of a frame's file."""
    return f"frame-{band}-{run:06d}-{camcol}-{field:04d}.fits.bz2"


def require_frame(path: Path) -> None:
    """Raise unless a file begins as a frame does: a web page is none."""
    with path.open("rb") as file:
        head = file.read(6)
    if not head.startswith((b"BZh", b"SIMPLE")):
        raise UnusableFrameError("corrupt frame", f"{path.name} is no FITS file: it begins with {head!r}.")


def read_frame(path: Path, band: str) -> Frame:
    """Read a frame.

    Raises
    ------
    UnusableFrameError
        When it is not there, no whole FITS file, of another band, or not calibrated.
    """
    if not path.is_file():
        raise UnusableFrameError("no frame", f"There is no {path.name}.")
    try:
        with warnings.catch_warnings(), fits.open(path, memmap=False) as file:
            warnings.simplefilter("ignore", AstropyWarning)  # of headers that astropy mends
            header, flux = file[0].header, file[0].data
            wcs = WCS(header)
    except (OSError, EOFError, ValueError, TypeError, WcsError) as error:
        raise UnusableFrameError("corrupt frame", f"{path.name} cannot be read: {error}.") from error
    if flux is None or flux.ndim != 2:
        raise UnusableFrameError("corrupt frame", f"{path.name} holds no picture.")
    if str(header.get("FILTER", band)).strip() != band:
        raise UnusableFrameError("wrong frame", f"{path.name} is of the band {header['FILTER']}, not {band}.")
    if "nanomagg" not in str(header.get("BUNIT", "")).lower():
        raise UnusableFrameError(
            "not calibrated", f"{path.name} is in {header.get('BUNIT', 'no unit')}, not in nanomaggies."
        )
    if not wcs.has_celestial:
        raise UnusableFrameError("no coordinates", f"{path.name} does not say where on the sky it is.")
    return Frame(np.asarray(flux, dtype=np.float32), wcs)


def cut_out(
    frames: list[Frame], reference: int, ra: float, dec: float, size: int
) -> npt.NDArray[np.float32] | None:
    """Cut the same piece of sky out of the bands of a field.

    The pixels are those of the frame `reference`; the others, which are some pixels off, are interpolated at the
    same places on the sky.

    Returns
    -------
    ndarray of float32, shape (bands, size, size), or None
        None where the piece reaches beyond a frame.
    """
    try:
        x, y = (float(v) for v in frames[reference].wcs.all_world2pix(ra, dec, 0))
    except NoConvergence:
        return None
    first_x, first_y = round(x - (size - 1) / 2), round(y - (size - 1) / 2)
    columns, rows = np.meshgrid(first_x + np.arange(size), first_y + np.arange(size))
    if not _inside(frames[reference], columns, rows, 0):
        return None
    sky = frames[reference].wcs.all_pix2world(columns.ravel(), rows.ravel(), 0)
    result = np.empty((len(frames), size, size), dtype=np.float32)
    for k, frame in enumerate(frames):
        if k == reference:
            result[k] = frame.flux[first_y : first_y + size, first_x : first_x + size]
            continue
        u, v = (np.asarray(values).reshape(size, size) for values in frame.wcs.all_world2pix(*sky, 0))
        if not _inside(frame, u, v, _MARGIN):
            return None
        left, low = int(u.min()) - _MARGIN, int(v.min()) - _MARGIN
        near = frame.flux[low : int(v.max()) + _MARGIN + 2, left : int(u.max()) + _MARGIN + 2]
        result[k] = map_coordinates(near, [v - low, u - left], order=3, mode="nearest")
    return result


def _inside(frame: Frame, columns: npt.NDArray[Any], rows: npt.NDArray[Any], margin: int) -> bool:
    height, width = frame.flux.shape
    return bool(
        columns.min() >= margin
        and rows.min() >= margin
        and columns.max() <= width - 2 - margin
        and rows.max() <= height - 2 - margin
    )

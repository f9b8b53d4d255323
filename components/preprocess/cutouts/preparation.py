"""Pictures as a network sees them: one fixed stretch for all, so that flux, colour and size stay what they are.

Nothing is fitted and nothing is scaled by the galaxy itself: a picture means the same alone and among a million.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError, ParameterError
from components.physics.sdss_imaging import SCALE_ARCSEC
from components.preprocess.cutouts import kernels

_JPEG_UNIT = 64.0
"""Grey value that becomes 1."""

_SOFTENING = {"u": 0.12, "g": 0.05, "r": 0.08, "i": 0.12, "z": 0.5}
"""Nanomaggies in a pixel below which the stretch is linear: three times the noise of the sky."""

_MOST_MISSING = 0.01
_MOST_EMPTY = 0.05

REASONS = (
    ("missing pixels", f"More than {_MOST_MISSING:.0%} of the pixels are not numbers."),
    ("edge of the survey", f"More than {_MOST_EMPTY:.0%} of the rows and columns are empty."),
    ("no object", "Nothing stands out of the noise in the middle."),
    ("off centre", "What the middle shows belongs to something beside it."),
)
"""Why a picture is not usable, by its status less one."""

Images = npt.NDArray[Any]


@dataclass(frozen=True)
class Preparation:
    """How pictures become input; stored with every dataset and model, so that prediction repeats it.

    Attributes
    ----------
    bands : tuple of str
        Bands of the channels.
    encoding : {"jpeg", "flux"}
        8-bit pictures or nanomaggies.
    size : int
        Pixels along each side of what comes out; larger pictures are cut around their middle.
    scale_arcsec : float
        Of a pixel.
    """

    bands: tuple[str, ...]
    encoding: str
    size: int
    scale_arcsec: float = SCALE_ARCSEC

    def to_settings(self) -> dict[str, Any]:
        """Return the JSON-able form, which a table or a model stores."""
        return {
            "bands": list(self.bands),
            "encoding": self.encoding,
            "size": self.size,
            "scale_arcsec": self.scale_arcsec,
        }

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "Preparation":
        """Read what `to_settings` wrote, among whatever else a table or a model stores."""
        return cls(
            tuple(settings["bands"]),
            str(settings["encoding"]),
            int(settings["size"]),
            float(settings["scale_arcsec"]),
        )

    @property
    def storage(self) -> str:
        """Type of the elements of stored pictures."""
        return "uint8" if self.encoding == "jpeg" else "float16"


def pack(images: Images, preparation: Preparation) -> Images:
    """Return pictures as the table stores them: cut to size, jpeg as it is, flux stretched by asinh.

    Parameters
    ----------
    images : ndarray, shape (rows, channels, pixels, pixels)
        uint8 of encoding jpeg, floating-point nanomaggies of encoding flux; a missing pixel becomes 0, empty sky.
    preparation : Preparation
        What to make of them.

    Raises
    ------
    InputError
        When they have other channels, are too small, or are not of this encoding.
    """
    _require(images, preparation)
    start = (images.shape[-1] - preparation.size) // 2
    inner = images[..., start : start + preparation.size, start : start + preparation.size]
    if preparation.encoding == "jpeg":
        return np.ascontiguousarray(inner)
    softening = np.array([_SOFTENING[band] for band in preparation.bands], dtype=np.float32)[:, None, None]
    flux = np.asarray(inner, dtype=np.float32)
    known = np.nan_to_num(flux, nan=0.0, posinf=0.0, neginf=0.0)
    return np.asarray(np.arcsinh(known / softening), dtype=np.float16)


def prepare(images: Images, settings: Mapping[str, Any]) -> npt.NDArray[np.float32]:
    """Return pictures as the network sees them.

    Parameters
    ----------
    images : ndarray, shape (rows, channels, pixels, pixels)
        Stored ones (uint8, or float16, which has been stretched already) or raw ones (uint8, or nanomaggies as
        float32 or float64): the type says which.
    settings : mapping
        With the keys of `Preparation.to_settings`, as `read_settings` of the preprocessed table gives them.

    Returns
    -------
    ndarray of float32, shape (rows, channels, size, size)
        Sky near 0, most galaxies below 5.
    """
    preparation = Preparation.from_settings(settings)
    packed = images if images.dtype == np.float16 else pack(images, preparation)
    if preparation.encoding == "jpeg":
        return np.multiply(packed, np.float32(1 / _JPEG_UNIT), dtype=np.float32)
    return np.asarray(packed, dtype=np.float32)


@dataclass(frozen=True)
class Inspection:
    """What pictures show.

    Attributes
    ----------
    status : ndarray of int, shape (rows,)
        0 for a usable picture, else 1 plus the place in `REASONS`.
    offset_arcsec : ndarray of float32, shape (rows,)
        From the middle of the picture to the top of what it shows.
    """

    status: npt.NDArray[np.int64]
    offset_arcsec: npt.NDArray[np.float32]


def inspect(
    images: Images, bands: Sequence[str], scale_arcsec: float, maximum_offset: float, minimum_contrast: float
) -> Inspection:
    """Look at raw pictures for a galaxy in their middle.

    Parameters
    ----------
    images : ndarray, shape (rows, channels, pixels, pixels)
        As `pack` takes them.
    bands : sequence of str
        Bands of the channels, which for flux are weighted by their noise.
    scale_arcsec : float
        Of a pixel.
    maximum_offset : float
        In arcseconds.
    minimum_contrast : float
        Height above the border, in units of the noise.
    """
    jpeg = images.dtype == np.uint8
    weights = np.array([1.0 if jpeg else 1 / _SOFTENING[band] for band in bands])
    offset, contrast, missing, empty = np.empty((4, len(images)))
    kernels.inspect(np.ascontiguousarray(images), weights, offset, contrast, missing, empty)
    offset *= scale_arcsec
    checks = (
        missing > _MOST_MISSING,
        empty > _MOST_EMPTY,
        contrast < minimum_contrast,
        offset > maximum_offset,
    )
    status = np.select(checks, range(1, len(checks) + 1), default=0)
    return Inspection(status.astype(np.int64), offset.astype(np.float32))


def _require(images: Images, preparation: Preparation) -> None:
    if preparation.size < 1:
        raise ParameterError(f"A picture of {preparation.size} pixels is none.", "Give a positive size.")
    if images.ndim != 4 or images.shape[1] != len(preparation.bands) or images.shape[2] != images.shape[3]:
        raise InputError(
            f"Pictures of shape {images.shape[1:]} are not square ones in {', '.join(preparation.bands)}.",
            "Give pictures of the bands that the model learnt from.",
        )
    if images.shape[-1] < preparation.size:
        raise InputError(
            f"Pictures of {images.shape[-1]} pixels are smaller than the {preparation.size} that are wanted.",
            f"Give pictures of at least {preparation.size} pixels of {preparation.scale_arcsec:g} arcsec.",
        )
    if (images.dtype == np.uint8) != (preparation.encoding == "jpeg"):
        raise InputError(
            f"Pictures of {images.dtype} are not of the encoding {preparation.encoding}.",
            "Give 8-bit pictures for jpeg, and nanomaggies for flux.",
        )

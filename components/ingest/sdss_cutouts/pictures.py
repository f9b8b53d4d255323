"""8-bit pictures from files, and why a file may be none: archives also answer with web pages and black squares."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from components.common.errors import InputError

_BLACK = 15
"""Grey value that some pixel of a galaxy exceeds, also of a faint one."""

_QUALITY = 90
"""Of simulated pictures: then one of 64 pixels has two to three kilobytes, as SkyServer's have."""

_MOST_PIXELS = 4096 * 4096
_KINDS = ("JPEG", "PNG")
_REMEDY = "Fetch the picture again, as 8-bit red, green and blue, or leave it out."


class UnusablePictureError(InputError):
    """A file that is no usable picture.

    Attributes
    ----------
    reason : str
        In a word or two; rejections are counted by it.
    """

    def __init__(self, reason: str, problem: str, remedy: str = _REMEDY):
        super().__init__(problem, remedy)
        self.reason = reason


def require_picture(path: Path) -> None:
    """Raise unless the file is a whole picture of any kind: a cut-off answer and a web page are none."""
    _decode(path)


def read_picture(path: Path, size: int) -> npt.NDArray[np.uint8]:
    """Read red, green and blue, shape (3, size, size); a larger picture is cut around its middle.

    Raises
    ------
    UnusablePictureError
        When the file is no whole picture, has no colours, is too small, or is black.
    """
    mode, pixels = _decode(path)
    if mode != "RGB":
        kind = {"L": "greyscale", "1": "greyscale", "I;16": "greyscale", "CMYK": "CMYK"}.get(mode, "not RGB")
        what = {"greyscale": "is grey", "CMYK": "is made for printing, in CMYK"}.get(kind, f"has the mode {mode}")
        raise UnusablePictureError(kind, f"{path.name} {what}, not in red, green and blue.")
    height, width = pixels.shape[:2]
    if min(height, width) < size:
        raise UnusablePictureError(
            "too small",
            f"{path.name} has {width} x {height} pixels, fewer than {size} x {size}.",
            f"Fetch it again with {size} pixels or more on each side, and do not enlarge it: size tells distance.",
        )
    top, left = (height - size) // 2, (width - size) // 2
    inner = pixels[top : top + size, left : left + size]
    if inner.max() <= _BLACK:
        raise UnusablePictureError(
            "outside the footprint", f"{path.name} is black, as pictures are where the survey has not been."
        )
    return np.ascontiguousarray(inner.transpose(2, 0, 1))


def through_jpeg(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return pictures, (rows, 3, y, x), as they are after a JPEG file: colours lose half of their resolution."""
    result = np.empty_like(images)
    for row, image in enumerate(images):
        file = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0))).save(file, "JPEG", quality=_QUALITY)
        with Image.open(file, formats=("JPEG",)) as read:
            result[row] = np.asarray(read).transpose(2, 0, 1)
    return result


def _decode(path: Path) -> tuple[str, npt.NDArray[Any]]:
    with path.open("rb") as file:
        head = file.read(256).lstrip()
    if not head:
        raise UnusablePictureError("empty file", f"{path.name} is empty.")
    if head[:1] == b"<":
        raise UnusablePictureError("web page", f"{path.name} is a web page, not a picture.")
    try:
        with Image.open(path, formats=_KINDS) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise UnusablePictureError("too large", f"{path.name} has {image.width} x {image.height} pixels.")
            return image.mode, np.asarray(image)
    except Image.DecompressionBombError as error:  # before its size can be asked
        raise UnusablePictureError("too large", f"{path.name} is no cutout: {error}.") from error
    except UnidentifiedImageError as error:
        raise UnusablePictureError("no picture", f"{path.name} is neither a JPEG nor a PNG file.") from error
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises of a file that breaks off
        raise UnusablePictureError("corrupt picture", f"{path.name} cannot be read: {error}.") from error

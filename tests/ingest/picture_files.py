"""Pictures as files, whole and otherwise."""

import io
import struct
import zlib

import numpy as np
import numpy.typing as npt
from PIL import Image

WEB_PAGE = b"<!DOCTYPE html><html><body>maintenance</body></html>"


def galaxy(size: int = 64, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Return a round galaxy on a noisy sky, (size, size, 3)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    light = 200 * np.exp(-np.hypot(x, y) / 5) + rng.uniform(2, 14, (size, size))
    return np.stack([light, 0.9 * light, 0.6 * light], axis=2).clip(0, 255).astype(np.uint8)


def encode(pixels: npt.NDArray[np.uint8], mode: str = "RGB", kind: str = "JPEG") -> bytes:
    """Return the bytes of a picture file, converted to another kind of colours."""
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, kind)
    return file.getvalue()


def huge(size: int) -> bytes:
    """Return the beginning of a PNG file that claims to be this large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


UNUSABLE = {
    "empty file": b"",
    "web page": WEB_PAGE,
    "no picture": b"GIF89a, and then nothing that is a picture",
    "corrupt picture": encode(galaxy())[:-700],
    "greyscale": encode(galaxy(), "L"),
    "CMYK": encode(galaxy(), "CMYK"),
    "too small": encode(galaxy(40)),
    "too large": huge(20_000),
    "outside the footprint": encode(np.zeros((64, 64, 3), np.uint8)),
}
"""By the reason for which it is rejected."""

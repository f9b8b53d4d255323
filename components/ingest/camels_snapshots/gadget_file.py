"""Gadget's binary format 1: blocks between their own lengths, the head first and then the positions."""

import struct
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

import numpy as np

from components.common.errors import InputError
from components.ingest.camels_snapshots.snapshot_header import Header, Part, read_header

_HEAD = struct.Struct("<6I6ddd2i6I2i4d2i6I")
_HEAD_BYTES = 256
_PARTICLES_PER_PART = 1 << 20


class GadgetFile(AbstractContextManager["GadgetFile"]):
    """A little-endian file of format 1 with single precision, of types that all have one mass: 2LPT writes such.

    Raises
    ------
    InputError
        When it is cut off, or is none.
    """

    def __init__(self, path: Path):
        self._path = path
        self._size = path.stat().st_size
        self._file = path.open("rb")
        try:
            self.header = self._read_head()
        except InputError:
            self._file.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def parts(self, kind: int) -> Iterator[Part]:
        """Read the particles of a type, part by part."""
        counts = self.header.counts
        if kind >= len(counts) or not counts[kind]:
            return
        if self.header.masses[kind] <= 0:
            raise self._not_one(f"gives particles of type {kind} masses of their own, which is not read")
        first, last = int(counts[:kind].sum()), int(counts[: kind + 1].sum())
        begin = _HEAD_BYTES + 12  # past the head, its two lengths and the length of this block
        for start in range(first, last, _PARTICLES_PER_PART):
            stop = min(last, start + _PARTICLES_PER_PART)
            self._file.seek(begin + 12 * start)
            values = np.frombuffer(self._file.read(12 * (stop - start)), dtype="<f4")
            yield Part(values.reshape(-1, 3), float(self.header.masses[kind]))

    def _read_head(self) -> Header:
        head = self._file.read(_HEAD_BYTES + 12)
        if len(head) < _HEAD_BYTES + 12 or self._length(head, 0) != _HEAD_BYTES:
            raise self._not_one("is neither HDF5 nor Gadget's format 1")
        v = _HEAD.unpack_from(head, 4)
        counts = np.array(v[:6], dtype=np.int64)
        block = self._length(head, _HEAD_BYTES + 8)
        if block != 12 * int(counts.sum()):
            raise self._not_one(f"has {block} bytes of positions, not 12 for each of {counts.sum()} particles")
        if self._size < _HEAD_BYTES + 16 + block:
            raise self._not_one(f"is cut off after {self._size} bytes")
        values = {
            "NumPart_ThisFile": counts,
            "MassTable": v[6:12],
            "Time": v[12],
            "Redshift": v[13],
            "NumPart_Total": v[16:22],
            "NumFilesPerSnapshot": v[23],
            "BoxSize": v[24],
            "Omega0": v[25],
            "NumPart_Total_HighWord": v[30:36],
        }
        return read_header(self._path, values)

    @staticmethod
    def _length(head: bytes, place: int) -> int:
        return int.from_bytes(head[place : place + 4], "little")

    def _not_one(self, problem: str) -> InputError:
        return InputError(f"{self._path} {problem}.", "Fetch it again; if it stays so, leave this simulation out.")

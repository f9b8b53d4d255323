"""Rows that cannot be used by anyone: without an identifier or a class, and doubles."""

import numpy as np
import numpy.typing as npt

from components.common.rejections import Rejections
from components.common.tables import Columns
from components.physics.gz2_classes import is_valid

NO_IDENTIFIER, DUPLICATE = "no identifier", "duplicate dr7objid"
NO_CLASS, UNKNOWN_CLASS = "no gz2_class", "unknown gz2_class"


class Usable:
    """Tell batch by batch which rows can be used, and record the others with their row and reason.

    Parameters
    ----------
    rejections : Rejections
        Takes the others.
    first_row : int
        Number of the first row in the source.
    """

    def __init__(self, rejections: Rejections, first_row: int = 0):
        self._rejections = rejections
        self._row = first_row
        self._seen: set[int] = set()
        self._valid: dict[object, bool] = {}

    def keep(self, batch: Columns) -> npt.NDArray[np.bool_]:
        """Return which rows of the next batch are usable; of doubles the first is."""
        identifiers, classes = batch["dr7objid"].tolist(), batch["gz2_class"].tolist()
        keep = np.ones(len(identifiers), dtype=bool)
        for i, (identifier, text) in enumerate(zip(identifiers, classes, strict=True)):
            if text not in self._valid:
                self._valid[text] = is_valid(text)
            if identifier > 0 and identifier not in self._seen and self._valid[text]:
                self._seen.add(identifier)
                continue
            keep[i] = False
            self._rejections.add(str(identifier), *self._reason(identifier, text, self._row + i))
        self._row += len(identifiers)
        return keep

    def remember(self, batch: Columns) -> None:
        """Look through rows that belong to another shard, so that their doubles are known here."""
        rejections, self._rejections = self._rejections, Rejections()
        self.keep(batch)
        self._rejections = rejections

    def _reason(self, identifier: int, text: object, row: int) -> tuple[str, str]:
        if identifier <= 0:
            return NO_IDENTIFIER, f"row {row} has no dr7objid, or one that was rounded to a float"
        if identifier in self._seen:
            return DUPLICATE, f"row {row}: an earlier row has it too, and is kept"
        if text is None or not str(text).strip():
            return NO_CLASS, f"row {row}: gz2_class is empty"
        return UNKNOWN_CLASS, f"row {row}: {str(text)!r} is not in the grammar of Galaxy Zoo 2"

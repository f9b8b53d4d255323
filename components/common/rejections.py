"""The rows that a stage dropped, kept with their reason, so that counts add up."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.tables import column, write_table

Mask = npt.NDArray[np.bool_]

FIELDS = (
    column("id", "string", "identifier of the rejected object"),
    column("reason", "string", "why it was dropped, in a word or two: counts are by this"),
    column("detail", "string", "what exactly was wrong, and what would mend it"),
)


@dataclass(frozen=True)
class Noun:
    """What the rows of a stage are, for a reader.

    Attributes
    ----------
    one, many : str
        Singular and plural.
    remedy : str
        What to do when not one of them can be used.
    """

    one: str
    many: str
    remedy: str


class Rejections:
    """Collect what a stage drops and write it as `rejected.parquet`."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str, str]] = []

    def add(self, identifier: str, reason: str, detail: str = "") -> None:
        """Record one dropped object."""
        self._rows.append((identifier, reason, detail))

    def add_many(self, identifiers: Iterable[str], reason: str, detail: str = "") -> None:
        """Record objects dropped for the same reason."""
        self._rows.extend((str(identifier), reason, detail) for identifier in identifiers)

    def sift(self, identifiers: npt.NDArray[Any], checks: Iterable[tuple[str, str, Mask]]) -> Mask:
        """Record the rows that fail a check, each with the first that it fails, and return which are kept.

        Parameters
        ----------
        identifiers : ndarray, shape (rows,)
            Of the objects.
        checks : iterable of (str, str, ndarray of bool)
            Reason, detail, and which rows are bad for it; the order is that of the reasons.
        """
        keep = np.ones(len(identifiers), dtype=bool)
        for reason, detail, bad in checks:
            self.add_many(identifiers[keep & bad], reason, detail)
            keep &= ~bad
        return keep

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def counts(self) -> dict[str, int]:
        """Number of dropped objects by reason."""
        return dict(Counter(reason for _, reason, _ in self._rows))

    def require_rest(self, rows: int, source: Path, noun: Noun) -> None:
        """Make sure that a stage is left with rows.

        Raises
        ------
        InputError
            When none of `source` is left: it says for which reasons.
        """
        if rows == 0:
            raise InputError(
                f"No {noun.one} of {source} can be used: {self.in_words or 'the table is empty'}.", noun.remedy
            )

    @property
    def in_words(self) -> str:
        """The counts, for a reader; empty where nothing was dropped."""
        return ", ".join(f"{count} {reason}" for reason, count in self.counts.items())

    @property
    def details(self) -> tuple[str, ...]:
        """What exactly was wrong with each dropped object, in their order."""
        return tuple(detail for _, _, detail in self._rows)

    def write(self, path: Path, provenance: Provenance) -> None:
        """Write the table, also when it is empty: its absence would say nothing."""
        ids, reasons, details = zip(*self._rows, strict=True) if self._rows else ((), (), ())
        write_table(path, FIELDS, {"id": ids, "reason": reasons, "detail": details}, provenance)

"""The rows that a stage dropped, kept with their reason, so that counts add up."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from components.common.provenance import Provenance
from components.common.tables import column, write_table

FIELDS = (
    column("id", "string", "identifier of the rejected object"),
    column("reason", "string", "why it was dropped, in a word or two: counts are by this"),
    column("detail", "string", "what exactly was wrong, and what would mend it"),
)


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

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def counts(self) -> dict[str, int]:
        """Number of dropped objects by reason."""
        return dict(Counter(reason for _, reason, _ in self._rows))

    @property
    def details(self) -> tuple[str, ...]:
        """What exactly was wrong with each dropped object, in their order."""
        return tuple(detail for _, _, detail in self._rows)

    def write(self, path: Path, provenance: Provenance) -> None:
        """Write the table, also when it is empty: its absence would say nothing."""
        ids, reasons, details = zip(*self._rows, strict=True) if self._rows else ((), (), ())
        write_table(path, FIELDS, {"id": ids, "reason": reasons, "detail": details}, provenance)

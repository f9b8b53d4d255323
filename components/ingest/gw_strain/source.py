"""What the sources of strain have in common."""

from collections.abc import Iterator
from dataclasses import dataclass

from components.common.provenance import Provenance
from components.common.tables import Columns

WINDOWS_PER_BATCH = 256


@dataclass
class Source:
    """Windows on their way into the table.

    Attributes
    ----------
    provenance : Provenance
        Complete but for the counts.
    asked : int
        Windows that will arrive or be rejected; what `requested` says in the provenance. Grows while the batches
        are read where nobody can know it before.
    batches : iterator of Columns
        With the columns of `schema.FIELDS`. Not read before the table is written; rejections grow while it runs.
    """

    provenance: Provenance
    asked: int
    batches: Iterator[Columns]

"""What every source hands to the stage."""

from collections.abc import Iterator
from dataclasses import dataclass

from components.common.provenance import Provenance
from components.common.tables import Columns


@dataclass(frozen=True)
class Source:
    """Pictures on their way into the table.

    Attributes
    ----------
    provenance : Provenance
        Complete but for the counts.
    asked : int
        Rows of this shard that will arrive or be rejected; what `requested` says in the provenance.
    batches : iterator of Columns
        Not read before the table is written; rejections grow while it runs.
    """

    provenance: Provenance
    asked: int
    batches: Iterator[Columns]

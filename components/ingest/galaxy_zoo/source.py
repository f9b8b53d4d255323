"""What the sources of galaxies have in common."""

from collections.abc import Iterator
from dataclasses import dataclass

from components.common.provenance import Provenance
from components.common.tables import Columns


@dataclass
class Source:
    """Galaxies on their way into the table.

    Attributes
    ----------
    provenance : Provenance
        Complete but for the counts.
    batches : iterator of Columns
        Columns named as in `schema.FIELDS`, some of them missing, `dr7objid` and `gz2_class` always there. Not
        read before the table is written. Where `has_truth`, also those of `schema.TRUTH_FIELDS`.
    asked : int or None
        Galaxies of this shard, where that is known before they are read.
    first_row : int
        Number of the first row in the source, for messages.
    skipped : int
        So many of the first batches belong to shards before this one: they are looked through for doubles alone.
    has_truth : bool
        Whether `truth.parquet` is written.
    """

    provenance: Provenance
    batches: Iterator[Columns]
    asked: int | None = None
    first_row: int = 0
    skipped: int = 0
    has_truth: bool = False

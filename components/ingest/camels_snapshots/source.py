"""What the sources of simulations have in common."""

from collections.abc import Iterator
from dataclasses import dataclass

from components.common.provenance import Provenance
from components.common.tables import Columns

SIMULATIONS_PER_BATCH = 1
"""A row holds two grids of up to 64 MB each: memory is flat because rows travel alone."""


@dataclass
class Source:
    """Simulations on their way into the table.

    Attributes
    ----------
    provenance : Provenance
        Complete but for the counts.
    asked : int
        Simulations of this shard that will arrive or be rejected; what `requested` says in the provenance.
    batches : iterator of Columns
        With the columns of `schema.fields`, one row each. Not read before the table is written; rejections grow
        while it runs.
    """

    provenance: Provenance
    asked: int
    batches: Iterator[Columns]

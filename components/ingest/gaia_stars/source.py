"""What the sources of stars have in common."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from components.common.provenance import Provenance
from components.common.tables import Columns
from components.ingest.gaia_stars.regions import Region


@dataclass
class Source:
    """Stars on their way into the table.

    Attributes
    ----------
    provenance : Provenance
        Complete but for the counts.
    asked : int
        Stars of this shard that will arrive or be rejected; what `requested` says in the provenance.
    batches : iterator of Columns
        Columns named as in `schema.FIELDS`, some of them missing. Not read before the table is written. Where
        `has_truth`, also `cluster` and `probability`.
    region : Region
        Where the stars are.
    release : {"dr2", "dr3"}
        Whose names and zero-point they have.
    has_truth : bool
        Whether `truth.parquet` is written.
    truth : mapping
        JSON-able, for the settings of that table: the true clusters, or the catalogue.
    """

    provenance: Provenance
    asked: int
    batches: Iterator[Columns]
    region: Region
    release: str = "dr3"
    has_truth: bool = False
    truth: Mapping[str, Any] = field(default_factory=dict)

"""Tables of a search."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from components.common.provenance import Provenance
from components.common.tables import Columns, column, write_table
from components.train.clustering.candidates import Candidate

CANDIDATE_FIELDS = (
    column("proposed", "int64", "stars that the method proposed"),
    column("members", "int64", "stars more probably in it than not"),
    column("ra", "float64", "right ascension of its centre", "deg"),
    column("dec", "float64", "declination of its centre", "deg"),
    column("pmra", "float64", "mean proper motion in right ascension", "mas/yr"),
    column("pmdec", "float64", "mean proper motion in declination", "mas/yr"),
    column("parallax", "float64", "mean parallax", "mas"),
    column("radius", "float64", "Plummer radius", "deg"),
    column("density_sigma", "float64", "standard deviations by which it is denser than the field"),
    column("sky_sigma", "float64", "standard deviations by which it gathers on the sky"),
    column("cmd_score", "float64", "standard deviations by which its colours and magnitudes are tighter"),
    column("reason", "string", "why it is no cluster; empty where it is one"),
)
"""Fields of `candidates.parquet`."""

MEMBERSHIP_FIELDS = (
    column("source_id", "int64", "Gaia's identifier"),
    column("cluster", "string", "the cluster that it most probably belongs to; empty for none"),
    column("probability", "float64", "probability of that"),
)
"""Fields of `membership.parquet`."""


def write_candidates(path: Path, candidates: Sequence[Candidate], provenance: Provenance) -> None:
    """Write what was examined, also when it is nothing."""
    rows = [
        (
            len(c.proposed), len(c.members), c.ra, c.dec, *c.fit.cluster.mean.tolist(),
            c.fit.cluster.profile.radius,
            c.density_sigma, c.sky_sigma, c.cmd_score, c.reason,
        )
        for c in candidates
    ]  # fmt: skip
    columns = zip(*rows, strict=True) if rows else ([] for _ in CANDIDATE_FIELDS)
    write_table(
        path,
        CANDIDATE_FIELDS,
        {field.name: list(values) for field, values in zip(CANDIDATE_FIELDS, columns, strict=True)},
        provenance,
    )


def write_membership(path: Path, columns: Columns, provenance: Provenance) -> None:
    """Write the membership of every star."""
    write_table(path, MEMBERSHIP_FIELDS, columns, provenance)


def write_comparison(path: Path, columns: Columns, provenance: Provenance) -> None:
    """Write what each method proposed, and the cluster that became of it."""
    fields = [column("source_id", "int64", "Gaia's identifier")]
    for name in columns:
        method, _, what = name.rpartition("_")
        if what == "group":
            fields.append(column(name, "int64", f"group by {method}; -1 for none"))
        elif what == "cluster":
            fields.append(column(name, "int64", f"cluster that was fitted to groups of {method}; -1 for none"))
        elif what == "probability":
            fields.append(column(name, "float64", f"probability of that, by {method}"))
    write_table(path, fields, {name: np.asarray(values) for name, values in columns.items()}, provenance)

"""Which of the well-known clusters a found one is."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from components.physics.celestial import separation
from components.physics.known_clusters import KnownCluster, known_clusters

_SIGMAS = 5.0
_LEAST_PM, _LEAST_PARALLAX = 0.3, 0.05


def name_clusters(facts: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the known name of each found cluster; empty where it is like none of the table."""
    return [name_of(entry) for entry in facts]


def name_of(facts: Mapping[str, Any]) -> str:
    """Return the nearest known cluster whose place, motion and parallax agree with those found.

    It must lie within the radius that holds most of the known cluster's stars. Motions and parallaxes may differ
    by five standard errors, and by what members of a cluster differ where only a part of it was found.
    """
    near = [(_distance(facts, known), known) for known in known_clusters()]
    agreeing = [(d, known.name) for d, known in near if d <= known.query_radius_deg and _agrees(facts, known)]
    return min(agreeing)[1] if agreeing else ""


def _distance(facts: Mapping[str, Any], known: KnownCluster) -> float:
    return float(separation(facts["ra"], facts["dec"], known.ra_deg, known.dec_deg))


def _agrees(facts: Mapping[str, Any], known: KnownCluster) -> bool:
    motion = np.hypot(facts["pmra"] - known.pmra, facts["pmdec"] - known.pmdec)
    allowed = max(_LEAST_PM, _SIGMAS * float(np.hypot(facts["pmra_error"], facts["pmdec_error"])))
    depth = max(_LEAST_PARALLAX, _SIGMAS * facts["parallax_error"])
    return bool(motion <= allowed and abs(facts["parallax"] - known.parallax) <= depth)

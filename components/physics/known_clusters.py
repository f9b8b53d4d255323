"""Well-known clusters: where they are and how they move, to name what was found and to ask for a field by name.

Values of the globulars are those of the table of the GaiaTools of E. Vasiliev, which go with Vasiliev & Baumgardt
2021 (MNRAS 505, 5978). Open clusters are left out until their values have been read in a catalogue.
"""

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from components.common.errors import ParameterError

_TABLE = Path(__file__).with_name("known_clusters.csv")
_OTHER_NAMES = {
    "ngc104": "47tuc", "ngc5139": "omegacen", "ngc5272": "m3", "ngc5904": "m5", "ngc6121": "m4", "ngc6205": "m13",
    "ngc6218": "m12", "ngc6341": "m92", "ngc6656": "m22", "ngc6809": "m55", "ngc7078": "m15", "ocen": "omegacen",
    "omegacentauri": "omegacen", "47tucanae": "47tuc",
}  # fmt: skip


@dataclass(frozen=True)
class KnownCluster:
    """What is published about a cluster.

    Attributes
    ----------
    name : str
        As people call it.
    ra_deg, dec_deg, distance_kpc : float
        Its centre, ICRS.
    pmra, pmdec, parallax : float
        In mas/yr and mas; pmra includes cos(dec), the parallax is free of its zero-point.
    query_radius_deg : float
        A radius that holds most of its stars.
    """

    name: str
    ra_deg: float
    dec_deg: float
    distance_kpc: float
    pmra: float
    pmdec: float
    parallax: float
    query_radius_deg: float


@cache
def known_clusters() -> tuple[KnownCluster, ...]:
    """All clusters of the table."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return tuple(
        KnownCluster(row.pop("name"), **{key: float(value) for key, value in row.items()}) for row in rows
    )


def find_cluster(name: str) -> KnownCluster:
    """Look a cluster up by name, whatever its spaces and capitals.

    Raises
    ------
    ParameterError
        When it is not in the table; lists what is.
    """
    wanted = _plain(name)
    wanted = _OTHER_NAMES.get(wanted, wanted)
    for cluster in known_clusters():
        if _plain(cluster.name) == wanted:
            return cluster
    names = ", ".join(cluster.name for cluster in known_clusters())
    raise ParameterError(
        f"There is no cluster {name!r} in the table.",
        f"Choose one of {names}; or give ra, dec and radius_deg, or a polygon.",
    )


def _plain(name: str) -> str:
    return re.sub(r"messier", "m", re.sub(r"[\s_.-]+", "", name.lower()))

"""What can be asked of the ingest stage."""

from dataclasses import dataclass

from components.common.checks import require_between, require_one_of
from components.common.errors import ParameterError
from components.common.shards import Sharded
from components.ingest.gaia_stars.regions import Region, region_of

SOURCES = ("simulated", "archive", "files")
RELEASES = ("auto", "dr2", "dr3")
GAIA_ARCHIVE = "https://gea.esac.esa.int/tap-server/tap"
MOST_CLUSTERS = 3


@dataclass(frozen=True)
class Settings(Sharded):
    """Where stars come from, and which of them are wanted.

    Attributes
    ----------
    source : {"simulated", "archive", "files"}
        The simulator, a TAP service with the tables of Gaia DR3, or files.
    rows : int
        Field stars to simulate. The other sources give all that they have.
    seed : int
        Of the simulator.
    clusters : int
        Clusters to simulate: the first is a globular, up to two more are open; 0 makes a control field.
    cluster_stars : int
        Members of all of them together: 0.6 of them in the globular, 0.25 and 0.15 in the open ones.
    binary_fraction : float
        Share of the simulated stars that are unresolved pairs.
    location : str
        For `files`: a file (VOTable, FITS, CSV or Parquet, also .gz), a folder of them, or several separated by
        commas.
    release : {"auto", "dr2", "dr3"}
        Of the files; by their column names if `auto`.
    members : str
        CSV file of members, by source_id or position: the truth that evaluation compares with. Empty for none.
    region_name : str
        Region: around a cluster of the bundled table.
    ra, dec, radius_deg : float
        Region, instead of a name: a circle, in degrees. A radius beside a name replaces the table's. A radius of 0
        means that none is given: the simulator then has a field of its own, and files are taken whole.
    polygon : str
        Region, instead of a circle: its corners, as "ra dec, ra dec, ra dec".
    maximum_magnitude : float
        Faintest G.
    maximum_ruwe, minimum_visibility_periods, maximum_parallax_error, maximum_pm_error
        Stars to keep, by quality, errors in mas and mas/yr; 0 for no cut. The archive is asked to make it, so that
        less travels; the other sources are cut by preprocess alone. Never by parallax over error: that would
        delete the distant clusters.
    archive_url : str
        Address of the TAP service.
    timeout_seconds : float
        Longest that the archive's job may take, its time in the queue included.
    data_version : str
        Opaque. Change it to have unchanged settings run anew, because the files behind them changed.
    shard, shards : int
        Which part of the table to write, from 0, of how many.
    """

    source: str = "simulated"
    rows: int = 20000
    seed: int = 0
    clusters: int = MOST_CLUSTERS
    cluster_stars: int = 1600
    binary_fraction: float = 0.3
    location: str = ""
    release: str = "auto"
    members: str = ""
    region_name: str = ""
    ra: float = 0.0
    dec: float = 0.0
    radius_deg: float = 0.0
    polygon: str = ""
    maximum_magnitude: float = 18.0
    maximum_ruwe: float = 1.4
    minimum_visibility_periods: int = 10
    maximum_parallax_error: float = 0.0
    maximum_pm_error: float = 0.3
    archive_url: str = GAIA_ARCHIVE
    timeout_seconds: float = 3600.0
    data_version: str = ""
    shard: int = 0
    shards: int = 1

    def __post_init__(self) -> None:
        _ = self.part  # there is none of an impossible number
        require_one_of(SOURCES, source=self.source)
        require_one_of(RELEASES, release=self.release)
        if self.source == "files" and not self.location:
            raise ParameterError("The source files needs a location.", "Set location to a file or folder.")
        if self.source == "archive" and self.region is None:
            raise ParameterError(
                "The source archive needs a region.", "Set region_name, or ra, dec and radius_deg, or polygon."
            )
        _ = self.region  # impossible ones are found before hours of waiting
        self._check_numbers()

    @property
    def region(self) -> Region | None:
        """The region that is asked for, if one is."""
        return region_of(self.region_name, self.ra, self.dec, self.radius_deg, self.polygon)

    def _check_numbers(self) -> None:
        if self.source == "simulated" and (self.rows < 1 or not 0 <= self.clusters <= MOST_CLUSTERS):
            raise ParameterError(
                f"{self.rows} field stars and {self.clusters} clusters cannot be simulated.",
                f"Give at least one star, and 0 to {MOST_CLUSTERS} clusters.",
            )
        if self.source == "simulated" and self.clusters and self.cluster_stars < 20 * self.clusters:
            raise ParameterError(
                f"{self.cluster_stars} stars are too few for {self.clusters} clusters.",
                "Give at least 20 for each, or clusters=0 for a control field.",
            )
        require_between(0, 1, binary_fraction=self.binary_fraction)
        if not 10 <= self.maximum_magnitude <= 21.5:
            raise ParameterError(
                f"maximum_magnitude is {self.maximum_magnitude}.", "Give 10 to 21.5: Gaia sees no fainter stars."
            )
        cuts = ("maximum_ruwe", "minimum_visibility_periods", "maximum_parallax_error", "maximum_pm_error")
        if bad := [name for name in cuts if getattr(self, name) < 0]:
            raise ParameterError(f"{bad[0]} is negative.", "Give a positive limit, or 0 for no cut.")
        if self.timeout_seconds <= 0:
            raise ParameterError("timeout_seconds is not positive.", "Give the seconds that a job may take.")

"""What can be asked of the ingest stage."""

from dataclasses import dataclass

from components.common.checks import require_one_of
from components.common.errors import ParameterError
from components.common.shards import Sharded

SOURCES = ("simulated", "archive", "skyserver", "files")
TABLE_URL = "https://gz2hart.s3.amazonaws.com/gz2_hart16.csv.gz"
SKYSERVER = "https://skyserver.sdss.org"
MOST_PER_QUERY = 70
"""As many identifiers as fit, with the rest of the query, into an address that SkyServer takes."""


@dataclass(frozen=True)
class Settings(Sharded):
    """Where galaxies and votes come from, and how many are wanted.

    Attributes
    ----------
    source : {"simulated", "archive", "skyserver", "files"}
        The simulator; the table of Hart et al. (2016) with SkyServer's photometry; SkyServer's own table of Galaxy
        Zoo 2, of the older debiasing; or files that have votes, photometry or both.
    rows : int
        Galaxies to simulate, or the most to take from a source; 0 takes all there are.
    seed : int
        Of the simulator.
    location : str
        For `files`: a CSV, FITS or Parquet file (also .gz), a folder of them, or several separated by commas.
    photometry : str
        For `archive` and `files`: a file with the photometry of the galaxies by dr7objid, in place of SkyServer's.
    table_url : str
        Address of the table of votes, CSV or FITS, also .gz.
    skyserver_url : str
        Address of SkyServer. Empty for no photometry at all.
    objects_per_query : int
        Galaxies that SkyServer is asked for at a time, 70 at most.
    data_version : str
        Opaque. Change it to have unchanged settings run anew, because what is behind them changed.
    shard, shards : int
        Which part of the table to write, from 0, of how many.
    """

    source: str = "simulated"
    rows: int = 20000
    seed: int = 0
    location: str = ""
    photometry: str = ""
    table_url: str = TABLE_URL
    skyserver_url: str = SKYSERVER
    objects_per_query: int = MOST_PER_QUERY
    data_version: str = ""
    shard: int = 0
    shards: int = 1

    def __post_init__(self) -> None:
        _ = self.part  # there is none of an impossible number
        require_one_of(SOURCES, source=self.source)
        if self.source == "files" and not self.location:
            raise ParameterError("The source files needs a location.", "Set location to a file or folder.")
        if self.rows < 0 or (self.source == "simulated" and not self.rows):
            raise ParameterError(f"{self.rows} rows cannot be had.", "Give a positive number of galaxies.")
        if not 1 <= self.objects_per_query <= MOST_PER_QUERY:
            raise ParameterError(
                f"objects_per_query is {self.objects_per_query}.",
                f"Give 1 to {MOST_PER_QUERY}: the list of identifiers has to fit into an address.",
            )

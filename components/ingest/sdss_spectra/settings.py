"""What can be asked of the ingest stage."""

from dataclasses import dataclass, field

from components.common.checks import require_one_of
from components.common.errors import ParameterError
from components.common.shards import Sharded
from components.ingest.sdss_spectra.schema import CLASSES, GALAXY, QSO, STAR

SOURCES = ("simulated", "semi-empirical", "skyserver", "archive", "files", "kaggle")
SDSS_ARCHIVE = "https://data.sdss.org/sas"
SKYSERVER = "https://skyserver.sdss.org"
_WHERE = "stars come from skyserver, archive or files, quasars from simulated, archive or files"


@dataclass(frozen=True)
class Settings(Sharded):
    """Where spectra come from, and which of them are wanted.

    Attributes
    ----------
    source : {"simulated", "semi-empirical", "skyserver", "archive", "files", "kaggle"}
        The simulator of quasars, simulated spectra of real galaxies, the main galaxy sample or stars by
        SkyServer's SQL, the SDSS archive by its quasar catalogue, a folder of files, or the workshop's HDF5 file.
    rows : int
        Spectra wanted, drawn at random where there are more; 0 means all.
    seed : int
        Of the simulator, or of that draw.
    location : str
        Folder of spectra for `files`, the HDF5 file for `kaggle`, or several between commas; empty otherwise.
    archive_url : str
        Base address of the SDSS Science Archive Server.
    catalogue : str
        Labels on the archive: `DR16Q_v4.fits`, or `DR16Q_Superset_v3.fits`, which has stars and galaxies too. With
        `+main-galaxies` behind it, galaxies of the SDSS main sample, which SkyServer names, take the place of the
        catalogue's: easy negatives. `plates` then has to name plates of both, below 2975 and from 3510, or none.
    plates : str
        Plates to take from the archive, such as "3655-3660,4000"; empty means all.
    run2d : str
        Version of the BOSS reduction to read on the archive.
    classes : tuple of str
        Spectral classes wanted.
    minimum_redshift, maximum_redshift : float
        Range of redshifts wanted. Stars are exempt: theirs are velocities.
    skyserver_url : str
        Base address of SkyServer.
    data_version : str
        Opaque. Change it to have unchanged settings run anew, because the files behind them changed.
    shard, shards : int
        Which part of the table to write, from 0, of how many. The parts in order are exactly the whole.
    """

    source: str = "simulated"
    rows: int = 0
    seed: int = 0
    location: str = ""
    archive_url: str = SDSS_ARCHIVE
    catalogue: str = "DR16Q_v4.fits"
    plates: str = ""
    run2d: str = "v5_13_0"
    classes: tuple[str, ...] = field(default=("QSO",))
    minimum_redshift: float = 0.0
    maximum_redshift: float = 7.0
    skyserver_url: str = SKYSERVER
    data_version: str = ""
    shard: int = 0
    shards: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(self.classes))  # KFP hands over a list
        _ = self.part  # there is none of an impossible number
        require_one_of(SOURCES, source=self.source)
        if self.rows < 0 or (self.source in ("simulated", "semi-empirical") and self.rows == 0):
            raise ParameterError(f"rows is {self.rows}.", "Give a positive number of spectra.")
        unknown = sorted(set(self.classes) - set(CLASSES))
        if unknown or not self.classes:
            raise ParameterError(
                f"There is no spectral class {', '.join(unknown) or '(none given)'}.",
                f"Choose among {', '.join(CLASSES)}.",
            )
        if self.source == "simulated" and set(self.classes) not in ({QSO}, {QSO, GALAXY}):
            raise ParameterError(
                f"The simulator cannot make {', '.join(self.classes)}.",
                f"Ask it for {QSO}, or for {QSO} and {GALAXY}, or choose another source: {_WHERE}.",
            )
        if self.source == "semi-empirical" and GALAXY not in self.classes:
            raise ParameterError(
                f"The source {self.source} has galaxies only, not {', '.join(self.classes)}.",
                f"Choose the class {GALAXY}, or another source: {_WHERE}.",
            )
        if self.source == "skyserver" and set(self.classes) not in ({GALAXY}, {STAR}):
            raise ParameterError(
                f"The source {self.source} has galaxies or stars, not {', '.join(self.classes)}.",
                f"Choose the class {GALAXY} or {STAR}, or another source.",
            )
        if not self.minimum_redshift < self.maximum_redshift:
            raise ParameterError(
                f"The redshift range {self.minimum_redshift} to {self.maximum_redshift} is empty.",
                "Make minimum_redshift smaller than maximum_redshift.",
            )
        if self.source in ("files", "kaggle") and not self.location:
            raise ParameterError(
                f"The source {self.source} needs a location.",
                "Set location to the folder of spectra." if self.source == "files" else "Set it to the .h5 file.",
            )

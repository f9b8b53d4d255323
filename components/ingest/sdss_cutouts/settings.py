"""What can be asked of the ingest stage."""

from dataclasses import dataclass

from components.common.checks import require_one_of
from components.common.errors import ParameterError
from components.common.shards import Sharded
from components.ingest.sdss_cutouts.schema import ENCODINGS, JPEG_BANDS
from components.physics.sdss_imaging import BANDS

SOURCES = ("semi-empirical", "archive", "frames", "files")
SKYSERVER = "https://skyserver.sdss.org"
SDSS_ARCHIVE = "https://data.sdss.org/sas"
_SIZES = (16, 512)


@dataclass(frozen=True)
class Settings(Sharded):
    """Where pictures come from, and which of them are wanted.

    Attributes
    ----------
    source : {"semi-empirical", "archive", "frames", "files"}
        Simulated pictures of real galaxies; the main galaxy sample by SkyServer's SQL with its pictures; the same
        with pictures cut out of the survey's calibrated five-band frames; a folder of pictures.
    rows : int
        Pictures wanted, drawn at random where there are more; 0 means all.
    seed : int
        Of the simulator, or of that draw.
    location : str
        Folder of pictures for `files`. For `frames` the folder that holds the frames, or empty for the archive.
    skyserver_url, archive_url : str
        Base addresses of SkyServer, and of the Science Archive Server with the frames.
    encoding : {"jpeg", "flux"}
        8-bit red, green and blue as SkyServer draws them, or flux in nanomaggies.
    bands : tuple of str
        Bands of flux, in the order of the channels; jpeg has i, r, g always.
    size : int
        Pixels along each side, of 0.396127 arcsec.
    minimum_redshift, maximum_redshift : float
        Range of redshifts wanted.
    maximum_magnitude : float
        Faintest Petrosian (of simulated pictures: model) magnitude in r, corrected for extinction.
    minimum_ra, maximum_ra : float
        Stripe of the sky that SkyServer is asked for, in degrees of right ascension.
    data_version : str
        Opaque. Change it to have unchanged settings run anew, because the files behind them changed.
    shard, shards : int
        Which part of the table to write, from 0, of how many. The parts in order are exactly the whole.
    """

    source: str = "semi-empirical"
    rows: int = 0
    seed: int = 0
    location: str = ""
    skyserver_url: str = SKYSERVER
    archive_url: str = SDSS_ARCHIVE
    encoding: str = "jpeg"
    bands: tuple[str, ...] = BANDS
    size: int = 64
    minimum_redshift: float = 0.01
    maximum_redshift: float = 0.4
    maximum_magnitude: float = 17.77
    minimum_ra: float = 0.0
    maximum_ra: float = 360.0
    data_version: str = ""
    shard: int = 0
    shards: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "bands", tuple(self.bands))  # KFP hands over a list
        _ = self.part  # there is none of an impossible number
        require_one_of(SOURCES, source=self.source)
        require_one_of(ENCODINGS, encoding=self.encoding)
        if self.rows < 0 or (self.source == "semi-empirical" and self.rows == 0):
            raise ParameterError(f"rows is {self.rows}.", "Give a positive number of pictures.")
        self._check_pictures()
        if not self.minimum_redshift < self.maximum_redshift:
            raise ParameterError(
                f"The redshift range {self.minimum_redshift} to {self.maximum_redshift} is empty.",
                "Make minimum_redshift smaller than maximum_redshift.",
            )
        if not 0 <= self.minimum_ra < self.maximum_ra <= 360:
            raise ParameterError(
                f"There is no sky between right ascensions {self.minimum_ra} and {self.maximum_ra}.",
                "Choose 0 <= minimum_ra < maximum_ra <= 360.",
            )
        if self.source == "files" and not self.location:
            raise ParameterError("The source files needs a location.", "Set location to the folder of pictures.")

    def _check_pictures(self) -> None:
        unknown = [band for band in self.bands if band not in BANDS]
        if unknown or not self.bands or len(set(self.bands)) < len(self.bands):
            raise ParameterError(f"The bands are {', '.join(self.bands)}.", f"Choose among {', '.join(BANDS)}.")
        if not _SIZES[0] <= self.size <= _SIZES[1]:
            raise ParameterError(
                f"A picture of {self.size} pixels is none.", f"Choose a size from {_SIZES[0]} to {_SIZES[1]}."
            )
        wanted = {"archive": "jpeg", "files": "jpeg", "frames": "flux"}.get(self.source, self.encoding)
        if self.encoding != wanted:
            raise ParameterError(
                f"The source {self.source} has no pictures of the encoding {self.encoding}.",
                f"Set encoding to {wanted}, or choose another source.",
            )

    @property
    def channels(self) -> tuple[str, ...]:
        """Bands of the channels of a picture."""
        return JPEG_BANDS if self.encoding == "jpeg" else self.bands

"""What can be asked of the ingest stage."""

from dataclasses import dataclass

from components.common.checks import require_between, require_one_of
from components.common.errors import ParameterError
from components.common.shards import Sharded
from components.ingest.gw_strain.schema import SAMPLE_RATE_HZ, SAMPLES

SOURCES = ("simulated", "g2net", "gwosc")
GWOSC_ARCHIVE = "https://gwosc.org"
_DURATION = SAMPLES / SAMPLE_RATE_HZ


@dataclass(frozen=True)
class Settings(Sharded):
    """Where strain comes from, and what is injected into it.

    Attributes
    ----------
    source : {"simulated", "g2net", "gwosc"}
        The simulator, the files of the G2Net competition, or open data of the detectors with injected waves.
    rows : int
        Windows wanted, drawn at random where there are more, of open data as many from each stretch of time; 0
        means all.
    seed : int
        Of the simulator, of the injections, or of that draw.
    location : str
        For `g2net` the folder, or the S3 prefix as `s3://bucket/prefix`, with `training_labels.csv`; for `gwosc`
        HDF5 files separated by commas, or their folder: then nothing is asked of the archive.
    archive_url : str
        Base address of the Gravitational Wave Open Science Center.
    event : str
        Event whose data are wanted of the archive, such as GW150914.
    gps_start, gps_stop : int
        Instead of an event: the first and last GPS second of the open data that are wanted.
    exclude : str
        GPS times separated by commas around which real data are no noise: known events.
    minimum_detectors : int
        Windows of open data with fewer detectors are left out.
    signal_fraction : float
        Share of the windows with a wave, for what is simulated or injected.
    minimum_mass, maximum_mass : float
        Lightest and heaviest black hole of simulated pairs, in the detectors' frame, in solar masses.
    maximum_spin : float
        Largest aligned spin.
    snr_mean, snr_spread : float
        Mean and scatter of the signal-to-noise ratio in a detector: normally distributed, never below 1; times the
        root of 3 it is the network's. The defaults are those with which a winner of G2Net simulated the
        competition's data.
    earliest_merger, latest_merger : float
        When black holes merge, in seconds from the beginning of the window.
    data_version : str
        Opaque. Change it to have unchanged settings run anew, because the files behind them changed.
    shard, shards : int
        Which part of the table to write, from 0, of how many. The parts in order are exactly the whole.
    """

    source: str = "simulated"
    rows: int = 0
    seed: int = 0
    location: str = ""
    archive_url: str = GWOSC_ARCHIVE
    event: str = ""
    gps_start: int = 0
    gps_stop: int = 0
    exclude: str = ""
    minimum_detectors: int = 2
    signal_fraction: float = 0.5
    minimum_mass: float = 10.0
    maximum_mass: float = 80.0
    maximum_spin: float = 0.9
    snr_mean: float = 3.6
    snr_spread: float = 1.0
    earliest_merger: float = 1.0
    latest_merger: float = 1.8
    data_version: str = ""
    shard: int = 0
    shards: int = 1

    def __post_init__(self) -> None:
        _ = self.part  # there is none of an impossible number
        require_one_of(SOURCES, source=self.source)
        if self.rows < 0 or (self.source == "simulated" and self.rows == 0):
            raise ParameterError(f"rows is {self.rows}.", "Give a positive number of windows.")
        self._check_place()
        self._check_waves()

    @property
    def excluded_times(self) -> list[float]:
        """The times in `exclude`."""
        return [float(text) for text in self.exclude.split(",") if text.strip()]

    def _check_place(self) -> None:
        if self.source == "g2net" and not self.location:
            raise ParameterError(
                "The source g2net needs a location.",
                "Set it to the folder, or to s3://bucket/prefix, that holds training_labels.csv.",
            )
        if self.source == "gwosc" and not (self.location or self.event or 0 < self.gps_start < self.gps_stop):
            raise ParameterError(
                "The source gwosc needs to know which data.",
                "Set location to HDF5 files, or event, or gps_start and a later gps_stop.",
            )
        if not 1 <= self.minimum_detectors <= 3:
            raise ParameterError(f"minimum_detectors is {self.minimum_detectors}.", "Give 1, 2 or 3.")
        try:
            _ = self.excluded_times
        except ValueError as error:
            raise ParameterError(
                f"exclude is {self.exclude!r}: {error}.", "Give GPS times separated by commas."
            ) from error

    def _check_waves(self) -> None:
        require_between(0, 1, signal_fraction=self.signal_fraction)
        if not 3 <= self.minimum_mass <= self.maximum_mass <= 250:
            raise ParameterError(
                f"Masses from {self.minimum_mass} to {self.maximum_mass} cannot be simulated.",
                "Choose 3 <= minimum_mass <= maximum_mass <= 250: lighter ones last longer than a window.",
            )
        if not 0 <= self.maximum_spin <= 0.95:
            raise ParameterError(f"maximum_spin is {self.maximum_spin}.", "Give 0 to 0.95, where the model holds.")
        if not (self.snr_mean >= 0 and self.snr_spread >= 0):
            raise ParameterError(
                "snr_mean and snr_spread are ratios and cannot be negative.", "Give positive ones."
            )
        if not 0.5 <= self.earliest_merger <= self.latest_merger <= _DURATION:
            raise ParameterError(
                f"Mergers from {self.earliest_merger} to {self.latest_merger} s do not lie in a window.",
                f"Choose 0.5 <= earliest_merger <= latest_merger <= {_DURATION:g}.",
            )

"""The ingest stage: spectra with labels, from wherever they are, into one table."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from components.common.provenance import Origin, Provenance, code_version
from components.common.rejections import Noun, Rejections
from components.common.tables import Columns
from components.ingest.dataset import Dataset, Source, write_dataset
from components.ingest.sdss_spectra.schema import FIELDS, GALAXY, MEASUREMENTS, with_measurements
from components.ingest.sdss_spectra.settings import Settings

__all__ = ["Settings", "ingest"]


SPECTRA = Noun("spectrum", "spectra", "Check classes and redshift range, and what the log says about the files.")


def ingest(output: Path, settings: Settings) -> Provenance:
    """Write `dataset.parquet` and `rejected.parquet` into the folder `output`.

    Memory does not grow with the number of spectra, but for their labels. A shard may come out empty; that the
    whole is not, the stage that merges them sees to.

    Parameters
    ----------
    output : Path
        Folder to create; it appears when it is complete.
    settings : Settings
        What is wanted, and from where.

    Returns
    -------
    Provenance
        As stored in both tables. Rows requested = received + rejected.

    Raises
    ------
    InputError
        When not one spectrum can be used, or the source is not what it should be.
    ArchiveError
        When the archive is down.
    """
    return write_dataset(output, settings, lambda rejections: _dataset(settings, rejections), SPECTRA)


def _dataset(settings: Settings, rejections: Rejections) -> Dataset:
    source = _open(settings, rejections)
    source.batches = map(with_measurements, source.batches)
    return Dataset(source, (*FIELDS, *MEASUREMENTS))


def _open(settings: Settings, rejections: Rejections) -> Source:
    # Imported here, because the simulator, the network and HDF5 are heavy and each run needs one of them.
    if settings.source == "files":
        from components.ingest.sdss_spectra.files_source import open_folder

        return open_folder(Path(settings.location), settings, rejections)
    if settings.source == "kaggle":
        from components.ingest.sdss_spectra.kaggle_source import open_hdf5

        return open_hdf5(settings, rejections)
    if settings.source == "archive":
        from components.ingest.sdss_spectra.archive_source import open_archive

        return open_archive(settings, rejections)
    if settings.source == "skyserver":
        from components.ingest.sdss_spectra.skyserver import open_skyserver

        return open_skyserver(settings, rejections)
    if settings.source == "semi-empirical":
        return _open_real_galaxies(settings)
    if GALAXY in settings.classes:
        return _open_mixture(settings)
    return _open_simulator(settings)


def _open_simulator(settings: Settings) -> Source:
    from components.ingest.sdss_spectra.simulated import simulate

    return _simulated(
        settings,
        simulate,
        origin="simulated",
        archive="Armillary's simulator of quasar spectra",
        what="quasars",
        notes=("Simulated spectra: what a model scores on them is no measure of how it does on the sky.",),
    )


def _open_mixture(settings: Settings) -> Source:
    from components.ingest.sdss_spectra.mixture import NOTES, simulate

    return _simulated(
        settings,
        simulate,
        origin="simulated",
        archive="Armillary's simulator of quasars and galaxies, with the photometry of real ones (kcorrect)",
        what="spectra",
        notes=NOTES,
    )


def _open_real_galaxies(settings: Settings) -> Source:
    from components.ingest.sdss_spectra.semi_empirical import simulate

    return _simulated(
        settings,
        simulate,
        origin="semi-empirical",
        archive="SDSS photometry and redshifts of 10,000 galaxies (kcorrect) and Armillary's simulator",
        what="spectra",
        notes=(
            "Redshifts, magnitudes and colours are real. The pixels are mixtures of five templates with drawn "
            "lines and noise, which makes redshifts easier to find than in real spectra.",
        ),
    )


def _simulated(
    settings: Settings,
    simulate: Callable[..., Iterator[Columns]],
    *,
    origin: Origin,
    archive: str,
    what: str,
    notes: tuple[str, ...],
) -> Source:
    from components.ingest.sdss_spectra.simulated import ROWS_PER_BATCH

    low, high = settings.minimum_redshift, settings.maximum_redshift
    provenance = Provenance(
        origin=origin,
        archive=archive,
        query=f"{settings.rows} {what}, redshift {low} to {high}",
        release=code_version(),
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=settings.seed,
        notes=notes,
    )
    batches = simulate(settings.rows, settings.seed, low, high, settings.part)
    return Source(provenance, len(settings.part.rows(settings.rows, ROWS_PER_BATCH)), batches)

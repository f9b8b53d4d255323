"""The ingest stage: spectra with labels, from wherever they are, into one table."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from components.common.contents import content_hash
from components.common.errors import InputError
from components.common.files import whole
from components.common.provenance import Provenance, code_version
from components.common.rejections import Rejections
from components.common.tables import Columns, TableWriter
from components.common.telemetry import report_counts, report_progress, stage
from components.ingest.sdss_spectra.batches import Source
from components.ingest.sdss_spectra.schema import FIELDS, GALAXY, MEASUREMENTS, with_measurements
from components.ingest.sdss_spectra.settings import Settings

__all__ = ["Settings", "ingest"]


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
    part = settings.part
    marks = part.to_settings({**settings.request, "contents": content_hash()})
    with stage(part.stage_name("ingest"), output), whole(output) as folder:
        rejections = Rejections()
        source = _open(settings, rejections)
        with TableWriter(folder / "dataset.parquet", (*FIELDS, *MEASUREMENTS), source.provenance, marks) as writer:
            for columns in source.batches:
                writer.write(with_measurements(columns))
                report_progress(writer.rows + len(rejections), source.asked, "spectra", rejected=len(rejections))
            if not writer.rows and part.is_whole:
                raise _nothing(settings, rejections)
            writer.provenance = dataclasses.replace(
                source.provenance,
                requested=source.asked,
                received=writer.rows,
                rejected=rejections.counts,
            )
        rejections.write(folder / "rejected.parquet", writer.provenance)
        report_counts(rows_in=source.asked, rows_out=writer.rows, rejected=len(rejections))
    return writer.provenance


def _open(settings: Settings, rejections: Rejections) -> Source:
    # Imported here, because the simulator, the network and HDF5 are heavy and each run needs one of them.
    if settings.source == "files":
        from components.ingest.sdss_spectra.files_source import open_folder

        return open_folder(Path(settings.location), settings, rejections)
    if settings.source == "kaggle":
        from components.ingest.sdss_spectra.kaggle_source import open_hdf5

        return open_hdf5(Path(settings.location), settings, rejections)
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
    from components.ingest.sdss_spectra.simulated import ROWS_PER_BATCH, simulate

    batches: Iterator[Columns] = simulate(
        settings.rows, settings.seed, settings.minimum_redshift, settings.maximum_redshift, settings.part
    )
    provenance = Provenance(
        origin="simulated",
        archive="Armillary's simulator of quasar spectra",
        query=f"{settings.rows} quasars, redshift {settings.minimum_redshift} to {settings.maximum_redshift}",
        release=code_version(),
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=settings.seed,
        notes=("Simulated spectra: what a model scores on them is no measure of how it does on the sky.",),
    )
    return Source(provenance, len(settings.part.rows(settings.rows, ROWS_PER_BATCH)), batches)


def _open_mixture(settings: Settings) -> Source:
    from components.ingest.sdss_spectra.mixture import NOTES, simulate
    from components.ingest.sdss_spectra.simulated import ROWS_PER_BATCH

    batches: Iterator[Columns] = simulate(
        settings.rows, settings.seed, settings.minimum_redshift, settings.maximum_redshift, settings.part
    )
    provenance = Provenance(
        origin="simulated",
        archive="Armillary's simulator of quasars and galaxies, with the photometry of real ones (kcorrect)",
        query=f"{settings.rows} spectra, redshift {settings.minimum_redshift} to {settings.maximum_redshift}",
        release=code_version(),
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=settings.seed,
        notes=NOTES,
    )
    return Source(provenance, len(settings.part.rows(settings.rows, ROWS_PER_BATCH)), batches)


def _open_real_galaxies(settings: Settings) -> Source:
    from components.ingest.sdss_spectra.semi_empirical import simulate
    from components.ingest.sdss_spectra.simulated import ROWS_PER_BATCH

    batches: Iterator[Columns] = simulate(
        settings.rows, settings.seed, settings.minimum_redshift, settings.maximum_redshift, settings.part
    )
    provenance = Provenance(
        origin="semi-empirical",
        archive="SDSS photometry and redshifts of 10,000 galaxies (kcorrect) and Armillary's simulator",
        query=f"{settings.rows} spectra, redshift {settings.minimum_redshift} to {settings.maximum_redshift}",
        release=code_version(),
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=settings.seed,
        notes=(
            "Redshifts, magnitudes and colours are real. The pixels are mixtures of five templates with drawn "
            "lines and noise, which makes redshifts easier to find than in real spectra.",
        ),
    )
    return Source(provenance, len(settings.part.rows(settings.rows, ROWS_PER_BATCH)), batches)


def _nothing(settings: Settings, rejections: Rejections) -> InputError:
    counts = ", ".join(f"{count} {reason}" for reason, count in rejections.counts.items())
    return InputError(
        f"Not one spectrum from the source {settings.source} can be used: {counts or 'none was found'}.",
        "Check classes and redshift range, and what the log says about the files.",
    )

"""Labels from SkyServer's SQL service, of galaxies of the main sample or of stars; spectra from the SAS."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from components.common.archive import store_if_there
from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.store import Store
from components.ingest.dataset import Source
from components.ingest.sdss_spectra.archive_source import choose, stream_spectra
from components.ingest.sdss_spectra.batches import SPECTRA_PER_BATCH
from components.ingest.sdss_spectra.catalogue import parse_plates
from components.ingest.sdss_spectra.schema import GALAXY, NO_NUMBER, STAR
from components.ingest.sdss_spectra.settings import Settings
from components.ingest.skyserver import RELEASE, Expected, ask_all

MAIN_SAMPLE_PLATES = "266-2974"
"""Plates of SDSS-I and II, on which the main galaxy sample was observed."""

_PLATES_PER_QUERY, _RANGES_PER_QUERY = 100, 40  # a query has to fit into an address
_COLUMNS = {
    "plate": "s.plate", "mjd": "s.mjd", "fiber": "s.fiberID", "ra": "s.ra", "dec": "s.dec",
    "redshift": "s.z", "zwarning": "s.zWarning", "velocity_dispersion": "s.velDisp",
    "magnitude_r": "p.fiberMag_r", "magnitude_r_total": "p.petroMag_r", "stellar_mass": "g.lgm_tot_p50",
}  # fmt: skip
EXPECTED = Expected(tuple(_COLUMNS), "Ask for fewer plates at a time.")
_MEASURED = ("magnitude_r", "magnitude_r_total", "velocity_dispersion", "stellar_mass")
_SENTINEL = -9000.0  # SDSS writes -9999 for what was not measured


def open_skyserver(settings: Settings, rejections: Rejections) -> Source:
    """Ask for the labels, choose among them, and stream the spectra.

    Raises
    ------
    ArchiveError
        When the service is down, ends the query, or answers with something that is no table.
    InputError
        When no row is wanted.
    """
    store = store_if_there()
    labels, digest = ask(settings, store)
    chosen, left_out = choose(labels, dataclasses.replace(settings, catalogue="SkyServer's answer"))
    mine = settings.part.rows(len(chosen), SPECTRA_PER_BATCH)
    own = chosen.iloc[mine.start : mine.stop].reset_index(drop=True)
    provenance = Provenance(
        origin="real",
        archive=f"{settings.skyserver_url} and {settings.archive_url}",
        query=query(settings, settings.plates or MAIN_SAMPLE_PLATES),
        release=RELEASE.upper(),
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        sha256=digest,
        seed=settings.seed,
        notes=(
            *_notes_on(settings),
            "Redshifts are those of the survey's pipeline with zWarning = 0, which is no certificate of truth.",
            "magnitude_r is fiberMag_r, magnitude_r_total is petroMag_r; neither is corrected for extinction.",
            f"Rows of the answer that were not asked for: {left_out}.",
        ),
    )
    return Source(provenance, len(own), stream_spectra(settings, store, own, rejections))


def _notes_on(settings: Settings) -> tuple[str, ...]:
    if GALAXY in settings.classes:
        return ()
    return (
        "Stars: the redshift is a velocity along the line of sight over that of light, mostly less than a pixel "
        "or two: a constant is hard to beat. What can be learnt of them here is the magnitude.",
    )


def query(settings: Settings, plates: str) -> str:
    """Return the SQL for the main galaxy sample, or for stars, on some plates, such as "266-400,500".

    Stellar masses (Kauffmann et al. 2003, in galSpecExtra) are not known of every galaxy, hence the outer join.
    """
    ranges = [f"s.plate BETWEEN {low} AND {high}" for low, high in parse_plates(plates)]
    columns = ", ".join(f"{source} AS {name}" for name, source in _COLUMNS.items())
    wanted = "s.class = 'STAR'"
    if GALAXY in settings.classes:
        wanted = (
            "s.class = 'GALAXY' AND (s.legacy_target1 & 64) <> 0 AND p.petroMag_r - p.extinction_r < 17.77 "
            f"AND s.z BETWEEN {settings.minimum_redshift:g} AND {settings.maximum_redshift:g}"
        )
    return (
        f"SELECT {columns} FROM SpecObj s JOIN PhotoObj p ON p.objID = s.bestObjID "
        f"LEFT JOIN galSpecExtra g ON g.specObjID = s.specObjID "
        f"WHERE {wanted} AND s.zWarning = 0 AND s.survey = 'sdss' AND ({' OR '.join(ranges)})"
    )


def ask(settings: Settings, store: Store | None) -> tuple[pd.DataFrame, str]:
    """Ask for the labels on the plates of the settings; return them, and the hash of the answers."""
    ranges = parse_plates(settings.plates or MAIN_SAMPLE_PLATES)
    plates = sorted({plate for low, high in ranges for plate in range(low, high + 1)})
    pages = [plates[i : i + _PLATES_PER_QUERY] for i in range(0, len(plates), _PLATES_PER_QUERY)]
    lists = [list(_ranges(page)) for page in pages]
    parts = [of[i : i + _RANGES_PER_QUERY] for of in lists for i in range(0, len(of), _RANGES_PER_QUERY)]
    queries = [query(settings, ",".join(part)) for part in parts]
    table, digest = ask_all(settings, store, queries, EXPECTED)
    return _labels(table, GALAXY if GALAXY in settings.classes else STAR), digest


def _labels(table: pd.DataFrame, spectral_class: str) -> pd.DataFrame:
    if table.empty:
        what = "galaxy of the main sample" if spectral_class == GALAXY else "star"
        raise InputError(f"SkyServer has no {what} there.", "Widen plates or the redshift range.")
    numbers = table.astype({"plate": np.int64, "mjd": np.int64, "fiber": np.int64, "zwarning": np.int64})
    for name in _MEASURED:
        numbers[name] = numbers[name].astype(np.float64).where(lambda values: values > _SENTINEL)
    for name in ("velocity_dispersion", "stellar_mass"):  # 0 where the fit failed
        numbers[name] = numbers[name].where(lambda values: values > 0)
    place = zip(numbers["plate"], numbers["mjd"], numbers["fiber"], strict=True)
    return numbers.assign(
        id=[f"{plate:04d}-{mjd}-{fiber:04d}" for plate, mjd, fiber in place],
        spectral_class=spectral_class,
        redshift_source="SpecObj.z",
        is_bal=False,
        thing_id=NO_NUMBER,
    )


def _ranges(plates: list[int]) -> Iterator[str]:
    """Write increasing plates as ranges."""
    start = previous = plates[0]
    for plate in [*plates[1:], None]:
        if plate != previous + 1:
            yield f"{start}-{previous}"
            start = plate if plate is not None else 0
        previous = plate if plate is not None else 0

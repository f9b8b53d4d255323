"""Labels from SkyServer's SQL service, of galaxies of the main sample or of stars; spectra from the SAS.

SkyServer cuts an answer off at 500,000 rows without a word, and ends queries after ten minutes; both are avoided
by asking for a range of plates at a time, and recognised where they happen all the same.
https://skyserver.sdss.org/dr17/SkyServerWS/SearchTools/SqlSearch
"""

import dataclasses
import hashlib
import io
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd

from components.common.archive import Archive, Request
from components.common.errors import ArchiveError, InputError
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.store import Store
from components.common.telemetry import report_progress, warn
from components.ingest.dataset import Source
from components.ingest.sdss_spectra.archive_source import choose, stream_spectra
from components.ingest.sdss_spectra.batches import SPECTRA_PER_BATCH
from components.ingest.sdss_spectra.catalogue import parse_plates
from components.ingest.sdss_spectra.schema import GALAXY, NO_NUMBER, STAR
from components.ingest.sdss_spectra.settings import Settings

ROW_LIMIT = 500_000
REQUESTS_PER_MINUTE = 60.0
RELEASE = "dr17"
MAIN_SAMPLE_PLATES = "266-2974"
"""Plates of SDSS-I and II, on which the main galaxy sample was observed."""

_PLATES_PER_QUERY = 100
_TIMEOUT_SECONDS = 660.0  # the service itself gives up after 600
_COLUMNS = {
    "plate": "s.plate", "mjd": "s.mjd", "fiber": "s.fiberID", "ra": "s.ra", "dec": "s.dec",
    "redshift": "s.z", "zwarning": "s.zWarning", "velocity_dispersion": "s.velDisp",
    "magnitude_r": "p.fiberMag_r", "magnitude_r_total": "p.petroMag_r", "stellar_mass": "g.lgm_tot_p50",
}  # fmt: skip
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
    store = Store.if_configured()
    if store is None:
        warn("No store is configured (AWS_ENDPOINT_URL): an interrupted download begins anew.")
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


def read_answer(
    content: bytes,
    address: str,
    columns: Iterable[str] = tuple(_COLUMNS),
    remedy: str = "Ask for fewer plates at a time.",
) -> pd.DataFrame:
    """Read an answer of SkyServer, a CSV that begins with a line such as "#Table1".

    Parameters
    ----------
    content : bytes
        The answer.
    address : str
        Whose, for messages.
    columns : iterable of str
        Columns that it must have.
    remedy : str
        How less is asked for at a time.

    Raises
    ------
    ArchiveError
        When it is a web page, an error message, cut off at the row limit, or lacks a column.
    """
    text = content.decode("utf-8", "replace")
    if text.lstrip()[:1] == "<":
        raise ArchiveError(f"{address} answered with a web page, not with a table.", "Run again later.")
    if "timeout" in text[:2000].lower() or "time-out" in text[:2000].lower():
        raise ArchiveError(f"{address} has ended the query: {text[:200].strip()}", remedy)
    try:
        table = pd.read_csv(io.StringIO(text), comment="#")
    except (ValueError, pd.errors.ParserError) as error:
        raise ArchiveError(
            f"{address} answered with no table: {text[:200].strip()!r}.", "Run again later."
        ) from error
    if missing := sorted(set(columns) - set(table.columns)):
        raise ArchiveError(
            f"The answer of {address} has no column {', '.join(missing)}.",
            "The service has changed, or answered with an error; look at the address in a browser.",
        )
    if len(table) >= ROW_LIMIT:
        raise ArchiveError(
            f"The answer of {address} has {len(table)} rows, which is where SkyServer cuts off without a word.",
            remedy,
        )
    return table


def ask(settings: Settings, store: Store | None) -> tuple[pd.DataFrame, str]:
    """Ask for the labels on the plates of the settings; return them, and the hash of the answers."""
    ranges = parse_plates(settings.plates or MAIN_SAMPLE_PLATES)
    plates = sorted({plate for low, high in ranges for plate in range(low, high + 1)})
    pages = [plates[i : i + _PLATES_PER_QUERY] for i in range(0, len(plates), _PLATES_PER_QUERY)]
    tables, digest = [], hashlib.sha256()
    with (
        Archive(
            settings.skyserver_url,
            store,
            requests_per_minute=REQUESTS_PER_MINUTE,
            timeout_seconds=_TIMEOUT_SECONDS,
            version=settings.data_version,
            sharers=settings.shards,
        ) as archive,
        tempfile.TemporaryDirectory(prefix="armillary-") as scratch,
    ):
        for number, page in enumerate(pages):
            sql = query(settings, ",".join(_ranges(page)))
            request = Request(
                f"{RELEASE}/SkyServerWS/SearchTools/SqlSearch?cmd={quote(sql)}&format=csv",
                Path(scratch) / f"page-{number}.csv",
            )
            address = f"{settings.skyserver_url}/{RELEASE}/SkyServerWS/SearchTools/SqlSearch"
            archive.obtain(request, partial(_check, address))
            content = request.destination.read_bytes()
            digest.update(content)
            tables.append(read_answer(content, address))
            report_progress(number + 1, len(pages), "queries", rows=sum(len(table) for table in tables))
    spectral_class = GALAXY if GALAXY in settings.classes else STAR
    return _labels(pd.concat(tables, ignore_index=True), spectral_class), digest.hexdigest()


def _check(address: str, path: Path) -> None:
    read_answer(path.read_bytes(), address)


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

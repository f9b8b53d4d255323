"""The main galaxy sample: labels from SkyServer's SQL service, pictures from its cutout service.

https://skyserver.sdss.org/dr17/SkyServerWS/SearchTools/SqlSearch and .../ImgCutout/getjpeg
"""

import itertools
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from components.common.archive import Archive, NotInArchiveError, Request, store_if_there
from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.store import Store
from components.common.tables import Columns
from components.common.telemetry import report_progress
from components.ingest.dataset import Source
from components.ingest.sdss_cutouts.files_source import read_batch
from components.ingest.sdss_cutouts.labels import choose
from components.ingest.sdss_cutouts.pictures import require_picture
from components.ingest.sdss_cutouts.schema import ROWS_PER_BATCH
from components.ingest.sdss_cutouts.settings import Settings
from components.ingest.skyserver import RELEASE, Expected, ask_all, open_service
from components.physics.sdss_imaging import BANDS, SCALE_ARCSEC

DEGREES_PER_QUERY = 20.0
"""Of right ascension: the 700,000 galaxies of the main sample are at most some 70,000 in such a stripe."""

_COLUMNS = {
    "id": "p.objID", "ra": "p.ra", "dec": "p.dec", "run": "p.run", "camcol": "p.camcol", "field": "p.field",
    "redshift": "s.z", "redshift_error": "s.zErr", "petro_mag_r": "p.petroMag_r", "petro_r50": "p.petroR50_r",
    "petro_r90": "p.petroR90_r", "axis_ratio": "p.expAB_r",
    **{f"mag_{band}": f"p.modelMag_{band}" for band in BANDS},
    **{f"mag_error_{band}": f"p.modelMagErr_{band}" for band in BANDS},
    **{f"extinction_{band}": f"p.extinction_{band}" for band in BANDS},
}  # fmt: skip
_EXPECTED = Expected(tuple(_COLUMNS), "Ask for a narrower stripe of the sky: minimum_ra, maximum_ra.")


def open_skyserver(settings: Settings, rejections: Rejections) -> Source:
    """Ask for the labels, choose among them, and stream the pictures.

    Pictures are kept in the store's cache where there is one, so that days of downloading at one picture a second
    go on where they were interrupted.

    Raises
    ------
    ArchiveError
        When the service is down, ends the query, or answers with something that is no table.
    InputError
        When no row is wanted.
    """
    store = store_if_there()
    labels, digest = ask(settings, store)
    chosen, left_out = choose(labels, settings, "SkyServer's answer")
    mine = settings.part.rows(len(chosen), ROWS_PER_BATCH)
    own = chosen.iloc[mine.start : mine.stop].reset_index(drop=True)
    provenance = real_provenance(settings, settings.skyserver_url, digest, left_out)
    return Source(provenance, len(own), _stream(settings, store, own, rejections))


def query(settings: Settings, low: float, high: float) -> str:
    """Return the SQL for the main galaxy sample in a stripe of right ascension."""
    columns = ", ".join(f"{source} AS {name}" for name, source in _COLUMNS.items())
    return (
        f"SELECT {columns} FROM SpecObj s JOIN PhotoObj p ON p.objID = s.bestObjID "
        f"WHERE s.class = 'GALAXY' AND s.zWarning = 0 AND s.survey = 'sdss' AND (s.legacy_target1 & 64) <> 0 "
        f"AND s.z BETWEEN {settings.minimum_redshift:g} AND {settings.maximum_redshift:g} "
        f"AND p.petroMag_r - p.extinction_r < {settings.maximum_magnitude:g} "
        f"AND p.ra >= {low:g} AND p.ra < {high:g}"
    )


def picture_path(ra: float, dec: float, size: int) -> str:
    """Return where the cutout service has a picture: its own pixels, and no drawings on them."""
    return (
        f"{RELEASE}/SkyServerWS/ImgCutout/getjpeg?ra={ra:.7f}&dec={dec:.7f}&scale={SCALE_ARCSEC}"
        f"&width={size}&height={size}&opt="
    )


def ask(settings: Settings, store: Store | None) -> tuple[pd.DataFrame, str]:
    """Return the labels of all galaxies of the sample, and the hash of the answers."""
    edges = np.append(np.arange(settings.minimum_ra, settings.maximum_ra, DEGREES_PER_QUERY), settings.maximum_ra)
    queries = [query(settings, low, high) for low, high in itertools.pairwise(edges.tolist())]
    labels, digest = ask_all(settings, store, queries, _EXPECTED)
    if labels.empty:
        raise InputError(
            "SkyServer has no galaxy of the main sample there.", "Widen the ranges that are asked for."
        )
    return labels.assign(id=labels["id"].astype(str), redshift_source="SpecObj.z"), digest


def real_provenance(settings: Settings, archive: str, digest: str, left_out: str) -> Provenance:
    """Describe galaxies of the main sample, complete but for the counts."""
    return Provenance(
        origin="real",
        archive=archive,
        query=query(settings, settings.minimum_ra, settings.maximum_ra),
        release=RELEASE.upper(),
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        sha256=digest,
        seed=settings.seed,
        notes=(
            "Redshifts are those of the survey's pipeline with zWarning = 0, which is no certificate of truth.",
            f"Rows of the answer that were not asked for: {left_out}.",
        ),
    )


def _stream(
    settings: Settings, store: Store | None, labels: pd.DataFrame, rejections: Rejections
) -> Iterator[Columns]:
    """Fetch pictures and yield them in batches, in the order of the labels."""
    with open_service(settings, store) as archive:
        for start in range(0, len(labels), ROWS_PER_BATCH):
            part = labels.iloc[start : start + ROWS_PER_BATCH]
            with tempfile.TemporaryDirectory(prefix="armillary-") as scratch:
                paths = _fetch(archive, part, settings.size, Path(scratch), rejections, len(labels))
                arrived = part.loc[list(paths)]
                yield from read_batch(arrived, list(paths.values()), settings.size, rejections)


def _fetch(
    archive: Archive, part: pd.DataFrame, size: int, folder: Path, rejections: Rejections, total: int
) -> dict[int, Path]:
    """Fetch the pictures of a batch; what cannot be had is rejected."""
    requests = {
        row: Request(picture_path(ra, dec, size), folder / f"{name}-{size}.jpg")
        for row, name, ra, dec in part[["id", "ra", "dec"]].itertuples()
    }
    rows = {request.destination: row for row, request in requests.items()}
    files: dict[int, Path] = {}
    failed: dict[int, tuple[str, str]] = {}
    for fetched in archive.fetch_many(requests.values(), check=require_picture):
        row = rows[fetched.request.destination]
        if fetched.error is None:
            files[row] = fetched.request.destination
        else:
            absent = isinstance(fetched.error, NotInArchiveError)
            failed[row] = ("not in archive" if absent else "download failed", str(fetched.error))
        report_progress(int(part.index[0]) + len(files), total, "pictures", rejected=len(rejections))
    for row, (reason, detail) in sorted(failed.items()):  # in the labels' order, however the network delivered
        rejections.add(str(part.at[row, "id"]), reason, detail)
    return dict(sorted(files.items()))

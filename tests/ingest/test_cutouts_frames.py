"""Flux cut out of calibrated frames, in files of SDSS's layout with stars at known places."""

import bz2
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from loopback import LoopbackArchive, Misbehaviour
from shard_tables import assert_same

from components.common.archive import Archive
from components.common.errors import ArchiveError, InputError
from components.common.provenance import Provenance
from components.common.tables import Columns, read_table
from components.ingest.sdss_cutouts import frames_source
from components.ingest.sdss_cutouts.frame_file import frame_name
from components.ingest.sdss_cutouts.frames_source import frame_path
from components.ingest.sdss_cutouts.ingestion import Settings, ingest
from components.merge.shards.merging import merge

_SHAPE = (300, 400)
_SHIFTS = {"u": (3.4, -2.2), "g": (-1.7, 0.6), "r": (0.0, 0.0), "i": (2.25, 1.5), "z": (-4.1, 3.3)}
_FLUX = {"u": 10.0, "g": 30.0, "r": 60.0, "i": 90.0, "z": 120.0}
_SIGMA = 1.6
_PLACES = {"a": (150.2, 140.7), "b": (250.6, 200.1), "edge": (10.0, 100.0)}
"""Columns and rows of stars in the r band."""


def coordinates(band: str) -> WCS:
    """The sky on a frame, turned as SDSS's are; bands are some pixels off each other."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [160.0, 25.0]
    wcs.wcs.crpix = [200 + _SHIFTS[band][0], 150 + _SHIFTS[band][1]]
    scale, angle = 0.396127 / 3600, 0.6
    wcs.wcs.cd = scale * np.array([[np.cos(angle), np.sin(angle)], [np.sin(angle), -np.cos(angle)]])
    return wcs


def write_frame(path: Path, band: str, unit: str = "nanomaggy") -> None:
    """A frame with its stars, compressed."""
    y, x = np.mgrid[: _SHAPE[0], : _SHAPE[1]]
    flux = np.zeros(_SHAPE, dtype=np.float32)
    for column, row in _PLACES.values():
        u, v = coordinates(band).all_world2pix(*coordinates("r").all_pix2world(column, row, 0), 0)
        spot = np.exp(-0.5 * ((x - u) ** 2 + (y - v) ** 2) / _SIGMA**2)
        flux += (_FLUX[band] * spot / (2 * np.pi * _SIGMA**2)).astype(np.float32)
    header = coordinates(band).to_header()
    header["BUNIT"], header["FILTER"] = unit, band
    file = fits.HDUList([fits.PrimaryHDU(flux, header), fits.ImageHDU(np.ones(4, np.float32))])
    plain = path.with_suffix("")
    file.writeto(plain)
    path.write_bytes(bz2.compress(plain.read_bytes()))
    plain.unlink()


def label(name: str, field: int = 206) -> str:
    ra, dec = (float(v) for v in coordinates("r").all_pix2world(*_PLACES[name.split("-")[0]], 0))
    return f"{name},{ra:.9f},{dec:.9f},756,1,{field},0.1"


def write_labels(folder: Path, rows: list[str]) -> None:
    (folder / "labels.csv").write_text("\n".join(["id,ra,dec,run,camcol,field,redshift", *rows]), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One field with two galaxies well inside and one at the edge."""
    place = tmp_path / "frames"
    (place / "756" / "1").mkdir(parents=True)
    for band in "ugriz":
        write_frame(place / "756" / "1" / frame_name(756, 1, 206, band), band)
    write_labels(place, [label(name) for name in _PLACES])
    return place


def run(folder: Path, output: Path, **settings: Any) -> tuple[Provenance, Columns, dict[str, str]]:
    wanted = {"source": "frames", "encoding": "flux", "location": str(folder), "size": 40, **settings}
    provenance = ingest(output, Settings(**wanted))
    rejected = read_table(output / "rejected.parquet")
    table = read_table(output / "dataset.parquet")
    assert provenance.requested == len(table["id"]) + len(rejected["id"])
    return provenance, table, dict(zip(rejected["id"], rejected["reason"], strict=True))


def centroid(image: np.ndarray) -> tuple[float, float]:
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    return float((x * image).sum() / image.sum()), float((y * image).sum() / image.sum())


def test_bands_are_cut_at_one_place_of_the_sky(folder: Path, tmp_path: Path) -> None:
    provenance, table, reasons = run(folder, tmp_path / "out")
    assert provenance.origin == "real"
    assert reasons == {"edge": "edge of the field"}
    assert list(table["id"]) == ["a", "b"]
    assert table["image"].shape == (2, 5, 40, 40)
    for image in table["image"]:
        places = np.array([centroid(band) for band in image])
        assert np.abs(places - places[2]).max() < 0.02, "the same pixel in all bands"
        assert np.abs(places - 19.5).max() <= 0.51, "and the middle"
        np.testing.assert_allclose(image.sum(axis=(1, 2)), list(_FLUX.values()), rtol=2e-3)


def test_frames_need_not_be_compressed(folder: Path, tmp_path: Path) -> None:
    for path in folder.rglob("*.bz2"):
        path.with_suffix("").write_bytes(bz2.decompress(path.read_bytes()))
        path.unlink()
    _, table, _ = run(folder, tmp_path / "out", bands=("r", "g"))
    np.testing.assert_allclose(table["image"].sum(axis=(2, 3))[0], [60.0, 30.0], rtol=2e-3)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: path.unlink(), "no frame"),
        (lambda path: path.write_bytes(path.read_bytes()[:3000]), "corrupt frame"),
        (lambda path: path.write_bytes(b"<html>"), "corrupt frame"),
        (lambda path: write_frame(path, "z"), "wrong frame"),
        (lambda path: write_frame(path, "i", "count"), "not calibrated"),
    ],
)
def test_field_that_cannot_be_used(folder: Path, tmp_path: Path, damage: Any, reason: str) -> None:
    """Its galaxies are rejected; those of the next field are not."""
    for band in "ugriz":
        write_frame(folder / frame_name(756, 1, 207, band), band)
    write_labels(folder, [label("a"), label("b"), label("b-2", 207)])
    damage(folder / "756" / "1" / frame_name(756, 1, 206, "i"))
    _, table, reasons = run(folder, tmp_path / "out")
    assert reasons == {"a": reason, "b": reason}
    assert list(table["field_id"]) == ["756-1-207"]


def test_shards_of_frames_add_up(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames_source, "ROWS_PER_BATCH", 2)
    run(folder, tmp_path / "whole")
    parts = [tmp_path / f"part{number}" for number in range(2)]
    for number, part in enumerate(parts):
        ingest(part, Settings("frames", location=str(folder), encoding="flux", size=40, shard=number, shards=2))
    merge(parts, tmp_path / "merged")
    assert_same(tmp_path / "whole", tmp_path / "merged")


def test_labels_without_a_field(folder: Path, tmp_path: Path) -> None:
    (folder / "labels.csv").write_text("id,ra,dec,redshift\na,1,2,0.1\n", encoding="utf-8")
    with pytest.raises(InputError, match="no column camcol, field, run"):
        run(folder, tmp_path / "out")
    with pytest.raises(InputError, match="no folder"):
        run(tmp_path / "nowhere", tmp_path / "out")


@pytest.fixture
def served(
    folder: Path, archive_server: LoopbackArchive, monkeypatch: pytest.MonkeyPatch
) -> tuple[LoopbackArchive, Path]:
    """The same field in the archive, and a folder that is not there."""
    monkeypatch.setattr(
        frames_source, "Archive", lambda *a, **o: Archive(*a, **{**o, "backoff_seconds": 0.01, "attempts": 2})
    )
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(
        frames_source, "ask", lambda *_: (frames_source.read_labels(folder / "labels.csv", "id"), "")
    )
    for band in "ugriz":
        place = archive_server.root / frame_path(756, 1, 206, band)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes((folder / "756" / "1" / frame_name(756, 1, 206, band)).read_bytes())
    return archive_server, folder


def test_frames_of_the_archive(served: tuple[LoopbackArchive, Path], tmp_path: Path) -> None:
    server, _ = served
    settings = Settings("frames", encoding="flux", archive_url=server.url, size=40)
    ingest(tmp_path / "out", settings)
    table = read_table(tmp_path / "out" / "dataset.parquet")
    np.testing.assert_allclose(table["image"].sum(axis=(2, 3))[1], list(_FLUX.values()), rtol=2e-3)
    assert len(server.requests) == 5, "a frame is fetched once for all its galaxies"


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [(Misbehaviour(status=404), "not in archive"), (Misbehaviour(body=b"nothing"), "download failed")],
)
def test_frame_that_cannot_be_had(
    served: tuple[LoopbackArchive, Path], tmp_path: Path, wrong: Misbehaviour, reason: str
) -> None:
    server, _ = served
    server.script(frame_path(756, 1, 206, "g"), *[wrong] * 4)
    with pytest.raises(InputError, match=f"3 {reason}"):
        ingest(tmp_path / "out", Settings("frames", encoding="flux", archive_url=server.url, size=40))


def test_archive_that_is_down_ends_the_stage(
    served: tuple[LoopbackArchive, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, folder = served
    monkeypatch.setattr(frames_source, "_DOWN_AFTER", 2)
    write_labels(folder, [label("a"), label("a-2", 207), label("b", 208)])
    for field in (206, 207, 208):
        server.script(frame_path(756, 1, field, "u"), *[Misbehaviour(status=503)] * 4)
    with pytest.raises(ArchiveError, match="503"):
        ingest(tmp_path / "out", Settings("frames", encoding="flux", archive_url=server.url, size=40))

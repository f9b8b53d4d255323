"""Quasars, galaxies and stars from the archive's superset catalogue, up to the labels that a network learns."""

import functools
from collections import Counter
from pathlib import Path

import pytest
from catalogue_writer import real_rows, write_catalogue
from loopback import LoopbackArchive

from components.common.archive import Archive
from components.common.tables import read_settings, read_table
from components.ingest.sdss_spectra import archive_source
from components.ingest.sdss_spectra.ingestion import Settings, ingest
from components.preprocess.spectra.preprocessing import Settings as Preprocess
from components.preprocess.spectra.preprocessing import preprocess

SUPERSET = "DR16Q_Superset_v3.fits"


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (("QSO", "GALAXY"), {"QSO": 35, "GALAXY": 7}),
        (("QSO", "GALAXY", "STAR"), {"QSO": 35, "GALAXY": 7, "STAR": 1}),
    ],
)
def test_classes_of_the_superset_become_labels(
    sdss_server: LoopbackArchive,
    real_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    classes: tuple[str, ...],
    expected: dict[str, int],
) -> None:
    quick = functools.partial(Archive, backoff_seconds=0.01, requests_per_minute=60_000.0)
    monkeypatch.setattr(archive_source, "Archive", quick)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    write_catalogue(sdss_server.root / f"dr16/eboss/qso/DR16Q/{SUPERSET}", real_rows(real_data))
    settings = Settings("archive", archive_url=sdss_server.url, catalogue=SUPERSET, classes=classes)
    provenance = ingest(tmp_path / "raw", settings)
    assert provenance.origin == "real"
    preprocess(tmp_path / "raw", tmp_path / "out", Preprocess(classes=classes, minimum_coverage=0.2))
    table = tmp_path / "out" / "dataset.parquet"
    assert Counter(read_table(table, ["label"])["label"]) == expected
    assert read_settings(table)["classes"] == list(classes)

"""Quasars of the superset catalogue beside galaxies of the main sample, by SkyServer, both on loopback."""

import functools
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from catalogue_writer import real_rows, write_catalogue
from loopback import LoopbackArchive

from components.common.archive import Archive
from components.common.errors import InputError
from components.common.tables import read_table
from components.ingest.sdss_spectra import archive_source, skyserver
from components.ingest.sdss_spectra.archive_source import EASY_GALAXIES
from components.ingest.sdss_spectra.ingestion import Settings, ingest
from components.ingest.sdss_spectra.spec_file import read_metadata

SUPERSET = "DR16Q_Superset_v3.fits"
_COLUMNS = ",".join(skyserver._COLUMNS)


@pytest.fixture
def sky(sdss_server: LoopbackArchive, real_data: Path, monkeypatch: pytest.MonkeyPatch) -> LoopbackArchive:
    """The superset, which names all real spectra, and SkyServer, which names those of SDSS-I."""
    quick = functools.partial(Archive, backoff_seconds=0.01)

    def hurried(*arguments: Any, **options: Any) -> Archive:
        return quick(*arguments, **{**options, "requests_per_minute": 60_000.0})

    monkeypatch.setattr(archive_source, "Archive", hurried)
    monkeypatch.setattr("components.ingest.skyserver.Archive", hurried)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    write_catalogue(sdss_server.root / f"dr16/eboss/qso/DR16Q/{SUPERSET}", real_rows(real_data))
    rows = []
    for path in sorted((real_data / "sdss" / "spectra").glob("spec-02*.fits")):
        known = read_metadata(path)
        place = f"{known.plate},{known.mjd},{known.fiber},{known.ra},{known.dec}"
        rows.append(f"{place},{known.redshift},0,150,18.1,16.9,10.9")
    file = sdss_server.root / "dr17/SkyServerWS/SearchTools/SqlSearch"
    file.parent.mkdir(parents=True)
    file.write_text("\n".join(["#Table1", _COLUMNS, *rows]) + "\n", encoding="utf-8")
    return sdss_server


def settings(sky: LoopbackArchive, **changes: Any) -> Settings:
    options = {"catalogue": SUPERSET + EASY_GALAXIES, "plates": "266-299,3655", **changes}
    return Settings("archive", archive_url=sky.url, skyserver_url=sky.url, classes=("QSO", "GALAXY"), **options)


def test_galaxies_of_the_main_sample_take_the_place_of_the_catalogues(
    sky: LoopbackArchive, tmp_path: Path
) -> None:
    provenance = ingest(tmp_path / "out", settings(sky))
    table = read_table(tmp_path / "out" / "dataset.parquet")
    counts = Counter(table["spectral_class"])
    assert counts["QSO"] > 20
    galaxies = table["spectral_class"] == "GALAXY"
    assert galaxies.sum() == counts["GALAXY"] > 1
    assert set(table["redshift_source"][galaxies]) == {"SpecObj.z"}
    assert (table["plate"][galaxies] < 2975).all()
    assert (table["plate"][~galaxies] == 3655).all()
    assert any(note.startswith("Easy negatives") for note in provenance.notes)
    assert len(set(table["id"])) == len(table["id"])


def test_the_hard_ones_are_the_default(sky: LoopbackArchive, tmp_path: Path) -> None:
    provenance = ingest(tmp_path / "out", settings(sky, catalogue=SUPERSET, plates=""))
    assert not any("Easy" in note for note in provenance.notes)
    assert not sky.targets("dr17/SkyServerWS/SearchTools/SqlSearch")


def test_answer_without_a_galaxy_names_the_remedy(sky: LoopbackArchive, tmp_path: Path) -> None:
    file = sky.root / "dr17/SkyServerWS/SearchTools/SqlSearch"
    file.write_text(f"#Table1\n{_COLUMNS}\n", encoding="utf-8")
    with pytest.raises(InputError, match="no galaxy of the main sample"):
        ingest(tmp_path / "out", settings(sky))

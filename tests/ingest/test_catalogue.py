from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from catalogue_writer import write_catalogue

from components.common.errors import InputError, ParameterError
from components.ingest.sdss_spectra import catalogue
from components.ingest.sdss_spectra.catalogue import parse_plates, read_catalogue

_KEY = {"PLATE": 3655, "MJD": 55240, "FIBERID": 2}


@pytest.mark.parametrize(
    ("row", "redshift", "source"),
    [
        ({"Z_VI": 2.35, "Z_CONF": 3, "Z": 2.36, "SOURCE_Z": "VI"}, 2.35, "Z_VI"),
        ({"Z_VI": 2.35, "Z_CONF": 2, "Z": 2.36}, 2.35, "Z_VI"),
        ({"Z_VI": 2.35, "Z_CONF": 1, "Z": 0.91, "SOURCE_Z": "PIPE"}, 0.91, "Z/PIPE"),
        ({"Z_VI": -1.0, "Z_CONF": 3, "Z": 0.91, "SOURCE_Z": "DR12QV"}, 0.91, "Z/DR12QV"),
        ({"Z_VI": 0.0, "Z_CONF": 3, "Z": 0.91, "SOURCE_Z": ""}, 0.91, "Z"),
        ({"Z_VI": -1.0, "Z": -1.0}, np.nan, ""),
        ({"Z_VI": -999.0, "Z": np.nan}, np.nan, ""),
    ],
)
def test_the_label_is_the_surest_redshift(
    tmp_path: Path, row: dict[str, object], redshift: float, source: str
) -> None:
    label = read_catalogue(write_catalogue(tmp_path / "DR16Q_v4.fits", [{**_KEY, **row}])).iloc[0]
    np.testing.assert_equal(label["redshift"], redshift)
    assert label["redshift_source"] == source


@pytest.mark.parametrize(
    ("row", "spectral_class", "is_bal"),
    [
        ({"CLASS_PERSON": 3}, "QSO", False),
        ({"CLASS_PERSON": 30}, "QSO", True),
        ({"CLASS_PERSON": 50}, "QSO", False),
        ({"CLASS_PERSON": 4, "IS_QSO_FINAL": 0}, "GALAXY", False),
        ({"CLASS_PERSON": 1, "IS_QSO_FINAL": 0}, "STAR", False),
        ({"CLASS_PERSON": 0, "IS_QSO_FINAL": 1, "AUTOCLASS_PQN": "STAR", "BAL_PROB": 0.75}, "QSO", True),
        ({"CLASS_PERSON": 0, "IS_QSO_FINAL": 0, "AUTOCLASS_PQN": "STAR", "BAL_PROB": 0.7}, "STAR", False),
        ({"CLASS_PERSON": 0, "IS_QSO_FINAL": 0, "AUTOCLASS_PQN": "UNK", "BAL_PROB": -1.0}, "UNKNOWN", False),
    ],
)
def test_the_class_is_the_persons_verdict_first(
    tmp_path: Path, row: dict[str, object], spectral_class: str, is_bal: bool
) -> None:
    label = read_catalogue(write_catalogue(tmp_path / "DR16Q_v4.fits", [{**_KEY, **row}])).iloc[0]
    assert (label["spectral_class"], label["is_bal"]) == (spectral_class, is_bal)


def test_reads_in_blocks_what_astropy_reads_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(8)
    rows = [
        {
            "PLATE": int(p),
            "MJD": 55000 + i,
            "FIBERID": i % 1000 + 1,
            "Z": float(rng.uniform(0, 5)),
            "THING_ID": 10**9 + i,
        }
        for i, p in enumerate(rng.integers(3500, 12548, 500))
    ]
    path = write_catalogue(tmp_path / "DR16Q_v4.fits", rows)
    monkeypatch.setattr(catalogue, "_BYTES_PER_BLOCK", 5000)  # some ten rows
    labels = read_catalogue(path)
    expected = fits.getdata(path)
    for ours, theirs in (("plate", "PLATE"), ("fiber", "FIBERID"), ("redshift", "Z"), ("thing_id", "THING_ID")):
        np.testing.assert_array_equal(labels[ours], expected[theirs])
    assert labels["id"][0] == f"{rows[0]['PLATE']:04d}-55000-0001"
    some = read_catalogue(path, plates="3500-5000, 12000-13000")
    assert set(some["plate"]) == {p for p in labels["plate"] if p <= 5000 or p >= 12000}


def test_a_table_of_quasars_with_few_columns_will_do(tmp_path: Path, real_data: Path) -> None:
    path = tmp_path / "few.fits"
    with fits.open(real_data / "sdss" / "cat_for_clustering_plate3655.fits.gz") as hdus:
        hdus.writeto(path)
    labels = read_catalogue(path)
    assert len(labels) == 79
    assert set(labels["spectral_class"]) == {"QSO"}
    assert set(labels["redshift_source"]) == {"Z"}
    assert (labels["thing_id"] > 0).all()


def test_names_what_is_no_catalogue(tmp_path: Path, real_data: Path) -> None:
    with pytest.raises(InputError, match="There is no catalogue"):
        read_catalogue(tmp_path / "absent.fits")
    with pytest.raises(InputError, match="no column PLATE"):
        read_catalogue(real_data / "sdss" / "spectra" / "spec-3655-55240-0026.fits")
    fits.PrimaryHDU(np.zeros((2, 2))).writeto(tmp_path / "image.fits")
    with pytest.raises(InputError, match="holds no table"):
        read_catalogue(tmp_path / "image.fits")
    path = write_catalogue(tmp_path / "DR16Q_v4.fits", [_KEY])
    with pytest.raises(InputError, match="no observation on the plates 1-9"):
        read_catalogue(path, plates="1-9")


def test_reads_lists_of_plates() -> None:
    assert parse_plates("") == []
    assert parse_plates(" 3655-3660 ,4000,") == [(3655, 3660), (4000, 4000)]
    with pytest.raises(ParameterError, match="3655-3660,4000"):
        parse_plates("all of them")

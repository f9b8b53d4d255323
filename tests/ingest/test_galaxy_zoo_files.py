"""Galaxies from files: formats, shards, the real rows, and what goes wrong with tables."""

import csv
import gzip
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from shard_tables import assert_same

from components.common.errors import InputError, ParameterError
from components.common.tables import read_table
from components.ingest.galaxy_zoo import files_source, ingestion, schema
from components.ingest.galaxy_zoo.ingestion import Settings, ingest
from components.ingest.galaxy_zoo.schema import FIELDS
from components.merge.shards.merging import merge
from components.physics.gz2_tasks import KEY_COLUMNS, VOTE_COLUMNS

VOTES = "t01_smooth_or_features_a01_smooth_debiased"


@pytest.fixture
def real(real_data: Path) -> Path:
    """The 400 real rows."""
    return real_data / "gz2" / "gz2_hart16_400.csv"


@pytest.fixture
def table(real: Path) -> pd.DataFrame:
    """The first 30 of them, in memory."""
    return pd.read_csv(real).head(30)


def run(tmp_path: Path, location: Path, **settings: object) -> dict[str, np.ndarray]:
    output = tmp_path / "out"
    shutil.rmtree(output, ignore_errors=True)
    ingest(output, Settings(source="files", location=str(location), rows=0, **settings))  # type: ignore[arg-type]
    return read_table(output / "dataset.parquet")


def rejected(tmp_path: Path) -> dict[str, np.ndarray]:
    return read_table(tmp_path / "out" / "rejected.parquet")


def test_all_real_rows_arrive_as_they_are(real: Path, tmp_path: Path) -> None:
    got, source = run(tmp_path, real), pd.read_csv(real)
    assert len(got["id"]) == 400
    assert (got["dr7objid"] == source["dr7objid"].to_numpy()).all(), "eighteen digits, none of them rounded"
    assert (got["id"] == source["dr7objid"].astype(str).to_numpy()).all()
    assert (got["gz2_class"] == source["gz2_class"].to_numpy()).all()
    np.testing.assert_array_equal(got[VOTES], source[VOTES].to_numpy(np.float32))
    assert np.isnan(got["t02_edgeon_a05_no_debiased"]).sum() == 1, "what is missing stays missing"
    assert np.isnan(got["redshift"]).all()
    assert set(KEY_COLUMNS) | set(VOTE_COLUMNS) <= {field.name for field in FIELDS}


@pytest.mark.parametrize("kind", ["csv.gz", "parquet", "fits", "fits.gz"])
def test_formats_say_the_same(kind: str, table: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / f"table.{kind}"
    if kind == "csv.gz":
        table.to_csv(path, index=False)
    elif kind == "parquet":
        table.to_parquet(path)
    else:
        from astropy.table import Table

        plain = tmp_path / "plain.fits"
        Table.from_pandas(table.drop(columns=["asset_key", "objid_key"])).write(plain)
        path.write_bytes(gzip.compress(plain.read_bytes()) if kind == "fits.gz" else plain.read_bytes())
    got = run(tmp_path, path)
    assert (got["dr7objid"] == table["dr7objid"].to_numpy()).all()
    assert (got["gz2_class"] == table["gz2_class"].to_numpy()).all()
    np.testing.assert_array_equal(got[VOTES], table[VOTES].to_numpy(np.float32))


def test_shards_of_a_file_add_up_to_it(
    real: Path, table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (files_source, schema, ingestion):
        monkeypatch.setattr(module, "GALAXIES_PER_GROUP", 64)
    double = tmp_path / "double.csv"
    whole = pd.read_csv(real)
    pd.concat([whole, whole.head(3)]).to_csv(double, index=False)
    base = {"source": "files", "location": str(double), "rows": 0}
    ingest(tmp_path / "whole", Settings(**base))  # type: ignore[arg-type]
    parts = [tmp_path / f"part-{number}" for number in range(3)]
    for number, part in enumerate(parts):
        ingest(part, Settings(**base, shard=number, shards=3))  # type: ignore[arg-type]
    merge(parts, tmp_path / "merged")
    assert_same(tmp_path / "whole", tmp_path / "merged")
    assert len(read_table(tmp_path / "merged" / "rejected.parquet")["id"]) == 3, "doubles in other shards are seen"


def test_doubles_unknown_classes_and_rows_without_either_are_rejected_with_their_row(
    table: pd.DataFrame, tmp_path: Path
) -> None:
    table = table.astype({"dr7objid": object})
    table.loc[4, "gz2_class"] = "Sq9z"
    table.loc[7, "dr7objid"] = table.loc[2, "dr7objid"]
    table.loc[9, "gz2_class"] = None
    table.loc[11, "dr7objid"] = "5.877e+17"
    table.to_csv(tmp_path / "bad.csv", index=False)
    got = run(tmp_path, tmp_path / "bad.csv")
    bad = rejected(tmp_path)
    assert len(got["id"]) == 26
    reasons = dict(zip(bad["reason"], bad["detail"], strict=True))
    assert set(reasons) == {"unknown gz2_class", "duplicate dr7objid", "no gz2_class", "no identifier"}
    assert "row 4: 'Sq9z'" in reasons["unknown gz2_class"]
    assert "row 7" in reasons["duplicate dr7objid"]
    assert "row 9" in reasons["no gz2_class"]
    assert "row 11" in reasons["no identifier"]


def test_galaxies_of_stacked_images_have_longer_identifiers(table: pd.DataFrame, tmp_path: Path) -> None:
    """Those of stripe82_coadd_1 and 2; a number that no integer of 64 bits can be is none."""
    longer = [8_647_474_690_858_025_275, 8_647_474_692_482_139_458, 2**63]
    table.head(3).assign(dr7objid=longer, sample="stripe82_coadd_1").to_csv(tmp_path / "stack.csv", index=False)
    assert run(tmp_path, tmp_path / "stack.csv")["dr7objid"].tolist() == longer[:2]
    assert rejected(tmp_path)["reason"].tolist() == ["no identifier"]


def test_renamed_column_is_named_with_what_looks_like_it(table: pd.DataFrame, tmp_path: Path) -> None:
    table.rename(columns={"gz2_class": "gz2_klass"}).to_csv(tmp_path / "renamed.csv", index=False)
    with pytest.raises(InputError, match=r"no column gz2_class.*gz2_klass looks like it"):
        run(tmp_path, tmp_path / "renamed.csv")


def test_other_capitals_and_skyservers_name_are_understood(table: pd.DataFrame, tmp_path: Path) -> None:
    table = table.drop(columns="objid").rename(columns={"gz2_class": "gz2class", "dr7objid": "OBJID"})
    table.to_csv(tmp_path / "t.csv", index=False)
    assert len(run(tmp_path, tmp_path / "t.csv")["id"]) == 30


@pytest.mark.parametrize(
    ("before", "options", "after"),
    [
        ("#Table1\n", {}, ""),  # SkyServer's SQL search
        ("# votes of GZ2\n\n", {"sep": ";"}, ""),
        ("", {"sep": "\t"}, "\n"),
        ("\ufeff", {"quoting": csv.QUOTE_ALL, "lineterminator": "\r\n"}, "\r\n"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_text_as_other_programs_write_it(
    before: str, options: dict[str, Any], after: str, packed: bool, table: pd.DataFrame, tmp_path: Path
) -> None:
    text = (before + table.to_csv(index=False, **options) + after).encode()
    path = tmp_path / ("t.csv.gz" if packed else "t.csv")
    path.write_bytes(gzip.compress(text) if packed else text)
    got = run(tmp_path, path)
    np.testing.assert_array_equal(got["dr7objid"], table["dr7objid"].astype(np.int64))
    np.testing.assert_array_equal(got[VOTES], table[VOTES].astype(np.float32))


def test_renamed_votes_are_warned_of(
    table: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table.rename(columns={VOTES: "p_smooth"}).to_csv(tmp_path / "t.csv", index=False)
    assert np.isnan(run(tmp_path, tmp_path / "t.csv")[VOTES]).all()
    said = capsys.readouterr()
    assert VOTES in said.out + said.err or "lacks 147 of the 222" in said.out + said.err


def test_z_among_magnitudes_is_no_redshift(table: pd.DataFrame, tmp_path: Path) -> None:
    few = table[["dr7objid", "gz2_class"]].assign(g=17.0, r=16.5, i=16.2, z=16.0)
    few.to_csv(tmp_path / "magnitudes.csv", index=False)
    assert np.isnan(run(tmp_path, tmp_path / "magnitudes.csv")["redshift"]).all()
    few.drop(columns=["g", "r", "i"]).assign(z=0.1).to_csv(tmp_path / "redshifts.csv", index=False)
    assert run(tmp_path, tmp_path / "redshifts.csv")["redshift"] == pytest.approx(0.1)


def test_photometry_of_a_second_file_is_joined_by_identifier(table: pd.DataFrame, tmp_path: Path) -> None:
    votes, photometry = tmp_path / "votes.csv", tmp_path / "photometry.csv"
    table.to_csv(votes, index=False)
    own = table[["dr7objid"]].iloc[::-1].iloc[:20]
    numbers = np.arange(20)
    own.assign(
        redshift=0.1, petroMag_r=np.nan, petro_mag_r=16.0, petroR50_r=2.0, petroR90_r=5.0, g_r=numbers, m_cr4=-9999
    ).to_csv(photometry, index=False)
    got = run(tmp_path, votes, photometry=str(photometry))
    np.testing.assert_array_equal(got["g_r"][::-1][:20], numbers.astype(np.float32))
    assert np.isnan(got["g_r"][:10]).all(), "rows without a match stay without"
    assert got["concentration_r"][15] == pytest.approx(2.5)
    assert got["absolute_mag_r"][15] == pytest.approx(16 - 38.3, abs=0.1)
    assert got["petro_r50_kpc"][15] == pytest.approx(2 * 1.844, rel=0.01)
    assert np.isnan(got["m_cr4"]).all(), "SDSS's -9999 is no measurement"


def test_photometry_of_other_galaxies_is_told(
    table: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever exports objid of a later release than DR7 gets no match, and must not look for the reason later."""
    votes, photometry = tmp_path / "votes.csv", tmp_path / "photometry.csv"
    table.to_csv(votes, index=False)
    own = pd.DataFrame({"objID": 1_237_661_000_000_000_000 + np.arange(30), "petroR50_r": 2.0})
    own.to_csv(photometry, index=False)
    assert np.isnan(run(tmp_path, votes, photometry=str(photometry))["petro_r50_r"]).all()
    assert "no photometry of 30 galaxies" in (said := "".join(capsys.readouterr()))
    assert "later releases than DR7" in said
    own.assign(objID=[*table["dr7objid"][:29], 1]).to_csv(photometry, index=False)
    assert np.isfinite(run(tmp_path, votes, photometry=str(photometry))["petro_r50_r"]).sum() == 29
    assert "no photometry of 1 galaxies" in (said := "".join(capsys.readouterr()))
    assert "DR7" not in said
    table.assign(petroR50_r=3.0).to_csv(votes, index=False)
    kept = run(tmp_path, votes, photometry=str(photometry))["petro_r50_r"]
    assert sorted(kept) == [2.0] * 29 + [3.0], "what the votes' own table says of the last is kept"


def test_skyservers_likelihoods_and_lines_become_ours(table: pd.DataFrame, tmp_path: Path) -> None:
    few = table[["dr7objid", "gz2_class"]].head(3)
    few = few.assign(lnLExp_r=[-9999, -12_000, -3], lnLDeV_r=[-5, -12_500, -4], h_alpha_eqw=[-9999, -20, 3])
    few.to_csv(tmp_path / "raw.csv", index=False)
    got = run(tmp_path, tmp_path / "raw.csv")
    np.testing.assert_array_equal(got["lnl_exp_minus_dev"], [np.nan, 500, 1])
    np.testing.assert_array_equal(got["h_alpha_ew"], [np.nan, 20, -3])


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("t.csv", b"", "cannot be read"),
        ("t.csv", b"<html><body>503</body></html>", "is a web page"),
        ("t.csv.gz", b"not packed at all", r"not packed with gzip.* Rename it to t\.csv\."),
        ("t.csv", b"\x1f\x8b and more", r"packed with gzip.* Rename it to t\.csv\.gz"),
        ("t.parquet", b"PAR1 and nothing more", "cannot be read"),
        ("t.fits", b"SIMPLE  =", "cannot be read|holds no table"),
        ("t.xlsx", b"", "no known format"),
        ("t.csv", b"dr7objid,gz2_class\n", "Not one galaxy"),
        (
            "t.csv",
            b"dr7objid,gz2_class,redshift\n1,Er,0.1\n2,Er,much\n",
            "'much' in its column redshift.* Correct it",
        ),
        (
            "t.csv",
            b"#Table1\ndr7objid,gz2_class,redshift\n1,Er,0.1\n2,Er,much\n",
            "'much' in its column redshift.* Correct it",
        ),
    ],
)
def test_files_that_are_no_tables(name: str, content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=says):
        run(tmp_path, tmp_path / name)
    assert not (tmp_path / "out").exists()


def test_impossible_settings() -> None:
    for wrong in (
        {"source": "moon"},
        {"source": "files"},
        {"rows": -1},
        {"rows": 0},
        {"objects_per_query": 0},
        {"shard": 3, "shards": 2},
    ):
        with pytest.raises(ParameterError):
            Settings(**wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="There is no file"):
        ingest(Path("/nowhere/out"), Settings(source="files", location="/nowhere/table.csv"))

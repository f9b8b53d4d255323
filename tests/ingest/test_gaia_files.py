"""Stars from files: every format says the same, both releases, and everything that can be missing or wrong."""

import csv
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table
from gaia_tables import made_up_stars, real_stars, write

from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.tables import Columns, read_provenance, read_settings, read_table
from components.ingest.gaia_folder.folder import look_over
from components.ingest.gaia_stars.ingestion import Settings, ingest
from components.ingest.gaia_stars.schema import NAMES
from components.merge.shards.merging import merge
from components.physics.celestial import separation
from components.physics.gaia_astrometry import parallax_error


def _ingest(tmp_path: Path, location: Path | str, **settings: object) -> tuple[Columns, Provenance]:
    options = {"maximum_magnitude": 21.0, **settings}
    provenance = ingest(tmp_path / "out", Settings(source="files", location=str(location), **options))  # type: ignore[arg-type]
    stars = read_table(tmp_path / "out" / "dataset.parquet")
    rejected = read_table(tmp_path / "out" / "rejected.parquet")
    assert provenance.requested == len(stars["source_id"]) + len(rejected["id"])
    assert provenance == read_provenance(tmp_path / "out" / "dataset.parquet")
    return stars, provenance


def _reasons(tmp_path: Path) -> dict[str, str]:
    rejected = read_table(tmp_path / "out" / "rejected.parquet")
    return dict(zip(rejected["id"], rejected["reason"], strict=True))


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a.csv.gz", "a.fits", "a.fits.gz", "a.vot", "a.vot.gz"])
def test_all_formats_say_the_same(tmp_path: Path, real_data: Path, name: str) -> None:
    real = real_stars(real_data)
    stars, provenance = _ingest(tmp_path, write(real, tmp_path / name))
    good = real[real.parallax.notna() & (real.phot_g_mean_mag <= 21)].sort_values("source_id")
    assert provenance.origin == "real"
    assert provenance.requested == len(real)
    np.testing.assert_array_equal(stars["source_id"], good.source_id)
    for column in ("ra", "dec", "parallax", "pmra", "bp_rp", "ruwe", "nu_eff_used_in_astrometry", "teff_gspphot"):
        np.testing.assert_allclose(stars[column], good[column], rtol=1e-6)
    np.testing.assert_array_equal(stars["visibility_periods_used"], good.visibility_periods_used)
    assert _reasons(tmp_path)[str(real[real.parallax.isna()].source_id.iloc[0])] in ("no parallax", "faint")


def test_a_field_of_dr2(tmp_path: Path, real_data: Path) -> None:
    stars, provenance = _ingest(tmp_path, real_data / "gaia" / "dr2_field_healpix5_12237.csv.gz")
    assert len(stars["ra"]) == 3218
    assert provenance.release == "Gaia DR2"
    assert read_settings(tmp_path / "out" / "dataset.parquet")["release"] == "dr2"
    assert (stars["source_id"] >> 49 == 12237).all(), "identifiers of 19 digits survive"
    assert (stars["visibility_periods_used"] == -1).all()
    np.testing.assert_allclose(stars["bp_rp"], stars["phot_bp_mean_mag"] - stars["phot_rp_mean_mag"], atol=1e-5)


def test_a_field_without_errors_gets_those_of_dr3_and_says_so(tmp_path: Path, real_data: Path) -> None:
    members = str(real_data / "gaia" / "ngc2112_members_edr3.csv")
    stars, provenance = _ingest(tmp_path, real_data / "gaia" / "ngc2112_field.csv.gz", members=members)
    np.testing.assert_allclose(stars["parallax_error"], parallax_error(stars["phot_g_mean_mag"]), rtol=1e-6)
    assert any("parallax_error, pmra_error, pmdec_error. Assumed: the median" in note for note in provenance.notes)
    assert any("taken for DR3" in note for note in provenance.notes)
    truth = read_table(tmp_path / "out" / "truth.parquet")
    np.testing.assert_array_equal(truth["source_id"], stars["source_id"])
    assert np.sum(truth["cluster"] == "NGC_2112") == 373
    assert set(truth["cluster"]) == {"", "NGC_2112"}
    assert read_settings(tmp_path / "out" / "truth.parquet")["matched_by"] == "source_id"


def test_vizier_names_and_mixed_tables(tmp_path: Path, real_data: Path) -> None:
    gaia = real_data / "gaia"
    both = f"{gaia / 'ngc2112_members_edr3.csv'},{gaia / 'praesepe_dr3.csv'}"
    stars, _ = _ingest(tmp_path, both)
    assert len(stars["ra"]) == 837 + 990
    praesepe = pd.read_csv(gaia / "praesepe_dr3.csv").dropna(subset="parallax").set_index("dr3_source_id")
    where = np.isin(stars["source_id"], praesepe.index)
    # The file has Gaia's pmra and, as pmRA, what its first author had.
    np.testing.assert_allclose(stars["pmra"][where], praesepe.loc[stars["source_id"][where], "pmra"], rtol=1e-12)


@pytest.mark.parametrize("column", NAMES)
def test_nulls_in_any_column_cost_no_other_star(tmp_path: Path, column: str) -> None:
    table = made_up_stars()
    if column == "source_id":
        table[column] = table[column].astype("Int64")
    elif column.endswith(("_used", "_solved")):
        table[column] = table[column].astype("Int16")
    table.loc[3, column] = None
    stars, provenance = _ingest(tmp_path, write(table, tmp_path / "a.csv"))
    needed = {
        "source_id": "no identifier", "ra": "no place", "dec": "no place", "parallax": "no parallax",
        "pmra": "no proper motion", "pmdec": "no proper motion", "phot_g_mean_mag": "no magnitude",
        "parallax_error": "no astrometric error", "pmra_error": "no astrometric error",
        "pmdec_error": "no astrometric error",
    }  # fmt: skip
    assert provenance.rejected == ({needed[column]: 1} if column in needed else {})
    assert len(stars["ra"]) == 40 - (column in needed)


def test_the_archives_own_csv_with_its_header_and_nulls(tmp_path: Path) -> None:
    """Gaia's bulk files begin with lines of ECSV and write null for what is missing."""
    table = made_up_stars()
    table.loc[4, "parallax"] = None
    text = table.to_csv(index=False, na_rep="null")
    (tmp_path / "GaiaSource_1-2.csv").write_text("# %ECSV 1.0\n# ---\n# delimiter: ','\n" + text)
    stars, provenance = _ingest(tmp_path, tmp_path / "GaiaSource_1-2.csv")
    assert provenance.rejected == {"no parallax": 1}
    np.testing.assert_allclose(stars["ra"], table.ra.drop(index=4))


def test_doubles_are_kept_once(tmp_path: Path) -> None:
    table = made_up_stars()
    _, provenance = _ingest(tmp_path, write(pd.concat([table, table.iloc[:7]]), tmp_path / "a.parquet"))
    assert provenance.rejected == {"duplicate source_id": 7}
    assert provenance.received == 40


@pytest.mark.parametrize(("ra", "dec"), [(0.0, 0.0), (150.0, 90.0), (150.0, -90.0)])
def test_regions_across_ra_0_and_poles(tmp_path: Path, ra: float, dec: float) -> None:
    table = made_up_stars(200, ra, dec)
    if abs(dec) == 90:
        table["ra"] = np.random.default_rng(0).uniform(0, 360, 200)
    stars, provenance = _ingest(tmp_path, write(table, tmp_path / "a.csv"), ra=ra, dec=dec, radius_deg=0.3)
    away = separation(table.ra, table.dec, ra, dec)
    assert provenance.rejected == {"outside the region": int(np.sum(away > 0.3))}
    assert len(stars["ra"]) == np.sum(away <= 0.3) > 20
    region = _whole_region(tmp_path / "whole", tmp_path / "a.csv")
    assert float(separation(region["ra"], region["dec"], ra, dec)) < 0.1, "the middle is found without being told"


def _whole_region(output: Path, file: Path) -> dict[str, float]:
    ingest(output, Settings(source="files", location=str(file), maximum_magnitude=21.0))
    region: dict[str, float] = read_settings(output / "dataset.parquet")["region"]
    return region


def test_no_stars_at_all_is_an_error_that_says_why(tmp_path: Path) -> None:
    write(made_up_stars(), tmp_path / "a.csv")
    write(made_up_stars().iloc[:0], tmp_path / "b.csv")
    with pytest.raises(InputError, match="40 outside the region"):
        _ingest(tmp_path, tmp_path / "a.csv", ra=200.0, dec=-5.0, radius_deg=1.0)
    with pytest.raises(InputError, match=r"Not one star.*none was found"):
        _ingest(tmp_path, tmp_path / "b.csv")
    assert not (tmp_path / "out").exists()


def test_members_by_position(tmp_path: Path) -> None:
    table = made_up_stars()
    write(table, tmp_path / "a.csv")
    shift = 0.4 / 3600
    near = pd.DataFrame(
        {"RAdeg": table.ra[:5], "DEdeg": table.dec[:5] + shift, "Pmemb": [0.9, 0.8, 0.7, 0.6, 0.5]}
    )
    far = pd.DataFrame({"RAdeg": table.ra[5:8], "DEdeg": table.dec[5:8] + 5 / 3600, "Pmemb": 1.0})
    pd.concat([near, far]).to_csv(tmp_path / "m67_members.csv", index=False)
    stars, _ = _ingest(tmp_path, tmp_path / "a.csv", members=str(tmp_path / "m67_members.csv"))
    truth = read_table(tmp_path / "out" / "truth.parquet")
    found = truth["cluster"] == "m67"
    np.testing.assert_array_equal(stars["source_id"][found], table.source_id[:5])
    np.testing.assert_allclose(truth["probability"][found], [0.9, 0.8, 0.7, 0.6, 0.5], rtol=1e-6)
    assert (truth["probability"][~found] == 0).all()


def test_members_whose_identifiers_were_rounded_are_matched_by_position(tmp_path: Path) -> None:
    table = made_up_stars()
    write(table, tmp_path / "a.csv")
    catalogue = table[["source_id", "ra", "dec"]].head(6).astype({"source_id": float})
    catalogue["name"], catalogue["pmemb"] = 7, ["0.5", "-", "0.5", "0.5", "0.5", "0.5"]
    catalogue.loc[3, "ra"] = np.nan
    catalogue.to_csv(tmp_path / "members.csv", index=False)
    stars, _ = _ingest(tmp_path, tmp_path / "a.csv", members=str(tmp_path / "members.csv"))
    truth = read_table(tmp_path / "out" / "truth.parquet")
    found = truth["cluster"] == "7"
    np.testing.assert_array_equal(stars["source_id"][found], table.source_id[[0, 1, 2, 4, 5]])
    assert sorted(truth["probability"][found]) == [0.5, 0.5, 0.5, 0.5, 1.0]
    catalogue.drop(columns=["ra", "dec"]).to_csv(tmp_path / "members.csv", index=False)
    with pytest.raises(InputError, match=r"members\.csv identifies no member"):
        _ingest(tmp_path, tmp_path / "a.csv", members=str(tmp_path / "members.csv"))


def test_a_folder_is_looked_over_before_anything_is_trained(tmp_path: Path) -> None:
    table = made_up_stars()
    write(table.head(0), tmp_path / "field.csv")
    with pytest.raises(InputError, match="have no rows"):
        look_over(str(tmp_path))
    write(table, tmp_path / "field.csv")
    (tmp_path / "members.csv").write_text("name\nm67\n")
    with pytest.raises(InputError, match=r"members\.csv has neither source_id"):
        look_over(str(tmp_path))
    write(table.head(4), tmp_path / "members.csv")
    assert look_over(str(tmp_path)) == ([tmp_path / "field.csv"], [tmp_path / "members.csv"])
    write(table.assign(ref_epoch=2015.5), tmp_path / "old.csv")
    with pytest.raises(InputError, match="are of dr2 and dr3"):
        look_over(str(tmp_path))
    (tmp_path / "old.csv").unlink()
    write(table.drop(columns="pmdec"), tmp_path / "more.fits")
    with pytest.raises(InputError, match=r"more\.fits has no column pmdec"):
        look_over(str(tmp_path))


def test_missing_positions_and_identifiers(tmp_path: Path) -> None:
    table = made_up_stars()
    write(table.drop(columns=["source_id", "l", "b", "ecl_lat"]), tmp_path / "a.csv")
    stars, provenance = _ingest(tmp_path, tmp_path / "a.csv")
    assert len(np.unique(stars["source_id"])) == 40
    assert any("identifiers were made" in note for note in provenance.notes)
    assert np.isfinite(stars["l"]).all()
    with pytest.raises(InputError, match="no column pmra"):
        _ingest(tmp_path, write(table.drop(columns=["pmra"]), tmp_path / "b.csv"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", b"1 2 3"),
        ("a.fits", b"SIMPLE no"),
        ("a.vot", b"<html>busy</html>"),
        ("a.parquet", b"PAR1"),
        ("a.csv.gz", b"no"),
    ],
)
def test_what_is_no_table_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name):
        _ingest(tmp_path, tmp_path / name)


@pytest.mark.parametrize("layout", ["tabledata", "binary", "binary2"])
def test_every_layout_of_a_votable_in_any_order_of_columns(tmp_path: Path, layout: str) -> None:
    """The archive's default is BINARY2, of which astropy takes one column for the other unless all are read."""
    table = made_up_stars()
    table.loc[4, "parallax"] = None
    mixed = Table.from_pandas(table[table.columns[::-1]].drop(columns="spectraltype_esphs"))
    mixed.write(tmp_path / "a.vot", format="votable", tabledata_format=layout)
    stars, provenance = _ingest(tmp_path, tmp_path / "a.vot")
    assert provenance.rejected == {"no parallax": 1}
    for name in ("source_id", "ra", "pmdec", "visibility_periods_used"):
        np.testing.assert_array_equal(stars[name], table[name].drop(index=4))


@pytest.mark.parametrize(
    ("name", "before", "options"),
    [
        ("semicolons.csv", "", {"sep": ";"}),
        ("tabs.tsv", "", {"sep": "\t"}),
        ("blanks.ecsv", "# %ECSV 1.0\n# ---\n", {"sep": " ", "na_rep": '""'}),
        ("commas.ecsv", "# %ECSV 1.0\n# delimiter: ','\n# ---\n", {"na_rep": "null"}),
        ("mark.csv", "\ufeff", {}),
        ("quotes.csv", "", {"quoting": csv.QUOTE_ALL}),
        ("windows.csv", "", {"lineterminator": "\r\n"}),
        ("comment.csv", "# café\n\n# \n", {}),
        ("head.csv", " ", {}),
    ],
)
def test_text_as_other_programs_write_it(tmp_path: Path, name: str, before: str, options: dict[str, Any]) -> None:
    table = made_up_stars()
    table.loc[4, "parallax"] = None
    text = before + table.to_csv(index=False, **options)
    if name == "head.csv":
        text = text.replace(",", " , ", 5).replace("ra ", "ra", 1)
    encoding = "latin-1" if name == "comment.csv" else "utf-8"
    (tmp_path / name).write_bytes(text.encode(encoding))
    stars, provenance = _ingest(tmp_path, tmp_path / name)
    assert provenance.rejected == {"no parallax": 1}
    np.testing.assert_array_equal(stars["source_id"], table["source_id"].drop(index=4))
    np.testing.assert_array_equal(stars["spectraltype_esphs"], ["G"] * 39)
    assert not any("identifiers were made" in note for note in provenance.notes)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.fits", "a.fits.gz", "a.vot", "a.vot.gz", "a.parquet"])
def test_a_table_that_was_cut_off_is_not_taken_for_whole(tmp_path: Path, name: str) -> None:
    path = write(made_up_stars(400), tmp_path / name)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2 + 7])
    with pytest.raises(InputError, match=rf"{name} cannot be read as a table: .* Get it again"):
        _ingest(tmp_path, path)


def test_an_error_page_is_called_one(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("<!DOCTYPE html><html>504</html>")
    with pytest.raises(InputError, match=r"a\.csv is a web page"):
        _ingest(tmp_path, tmp_path)


@pytest.mark.parametrize(("name", "rename"), [("a.csv", r"a\.csv\.gz"), ("a.tsv.gz", r"a\.tsv\.")])
def test_a_name_that_does_not_say_how_it_is_packed_is_told(tmp_path: Path, name: str, rename: str) -> None:
    text = made_up_stars().to_csv(index=False).encode()
    (tmp_path / name).write_bytes(text if name.endswith(".gz") else gzip.compress(text))
    with pytest.raises(InputError, match=rf"packed with gzip, .* Rename it to {rename}"):
        _ingest(tmp_path, tmp_path / name)


@pytest.mark.parametrize(("name", "release"), [("DESIGNATION", "dr3"), ("DR3Name", "dr3"), ("DR2Name", "dr2")])
def test_identifiers_may_be_part_of_a_designation(tmp_path: Path, name: str, release: str) -> None:
    table = made_up_stars().rename(columns={"source_id": name})
    identifiers = table[name].to_numpy()
    table[name] = [f"Gaia {release.upper()} {number}" for number in identifiers]
    if name == "DR2Name":
        table = table.drop(columns=["nu_eff_used_in_astrometry", "pseudocolour", "teff_gspphot"])
    stars, provenance = _ingest(tmp_path, write(table, tmp_path / "a.csv"))
    np.testing.assert_array_equal(stars["source_id"], identifiers)
    assert provenance.release == f"Gaia {release.upper()}"


def test_a_comma_may_be_part_of_a_name(tmp_path: Path) -> None:
    stars, _ = _ingest(tmp_path, write(made_up_stars(), tmp_path / "one, two.csv"))
    assert len(stars["ra"]) == 40


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no file .*nothing\.csv"):
        _ingest(tmp_path, tmp_path / "nothing.csv")
    with pytest.raises(InputError, match="no table in"):
        _ingest(tmp_path, tmp_path)
    write(made_up_stars(), tmp_path / "a.csv")
    with pytest.raises(InputError, match="no catalogue"):
        _ingest(tmp_path, tmp_path / "a.csv", members=str(tmp_path / "none.csv"))


def test_releases_are_not_mixed(tmp_path: Path, real_data: Path) -> None:
    write(made_up_stars(), tmp_path / "a.csv")
    dr2 = real_data / "gaia" / "dr2_field_healpix5_12237.csv.gz"
    with pytest.raises(InputError, match=r"dr2_field.*is of DR2, other files of DR3"):
        _ingest(tmp_path, f"{tmp_path / 'a.csv'},{dr2}")


def test_shards_of_files_are_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.ingest.gaia_stars.files_source.STARS_PER_GROUP", 16)
    table = made_up_stars(100)
    doubles = pd.concat([table, table.iloc[[15, 16, 47, 48]]])
    whole, provenance = _ingest(tmp_path, write(doubles, tmp_path / "a.parquet"))
    for shard in range(3):
        settings = Settings(
            source="files", location=str(tmp_path / "a.parquet"), maximum_magnitude=21.0, shard=shard, shards=3
        )
        ingest(tmp_path / f"part-{shard}", settings)
    merged = merge([tmp_path / f"part-{shard}" for shard in range(3)], tmp_path / "merged")
    stars = read_table(tmp_path / "merged" / "dataset.parquet")
    for name in NAMES:
        np.testing.assert_array_equal(stars[name], whole[name])
    assert (merged.received, merged.rejected) == (provenance.received, {"duplicate source_id": 4})

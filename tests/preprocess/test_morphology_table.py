"""Tables of galaxies: what a model may see and why, labels, groups, splits, and what goes wrong."""

import json
from pathlib import Path

import numpy as np
import pytest

from components.common.errors import InputError, ParameterError
from components.common.provenance import Provenance
from components.common.splits import splits_of
from components.common.tables import TableWriter, read_provenance, read_settings, read_table
from components.ingest.galaxy_zoo.ingestion import Settings as IngestSettings
from components.ingest.galaxy_zoo.ingestion import ingest
from components.ingest.galaxy_zoo.schema import FIELDS, complete
from components.physics.gz2_tasks import VOTE_COLUMNS
from components.preprocess.morphology_table.columns import PHOTOMETRY, features_of
from components.preprocess.morphology_table.groups import correlated, group_rows
from components.preprocess.morphology_table.labels import agreement
from components.preprocess.morphology_table.preprocessing import Settings, preprocess


@pytest.fixture(scope="module")
def galaxies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four thousand simulated galaxies as ingest writes them."""
    output = tmp_path_factory.mktemp("galaxies") / "out"
    ingest(output, IngestSettings(rows=4000, seed=1))
    return output


def run(galaxies: Path, output: Path, **settings: object) -> tuple[dict[str, np.ndarray], dict]:  # type: ignore[type-arg]
    preprocess(galaxies, output, Settings(**settings))  # type: ignore[arg-type]
    return read_table(output / "dataset.parquet"), read_settings(output / "dataset.parquet")


def write(folder: Path, columns: dict[str, np.ndarray]) -> Path:
    """Write a table as ingest does."""
    folder.mkdir()
    with TableWriter(folder / "dataset.parquet", FIELDS, Provenance("real", "a test")) as writer:
        ids = columns["dr7objid"].astype(np.str_).astype(object)
        writer.write(complete({"id": ids, "object_id": ids, **columns}))
    return folder


def made(classes: list[str], **more: np.ndarray) -> dict[str, np.ndarray]:
    """A table of galaxies of these classes."""
    rng, n = np.random.default_rng(0), len(classes)
    return {
        "dr7objid": np.arange(1, n + 1),
        "gz2_class": np.array(classes, dtype=object),
        "g_r": rng.normal(size=n),
        "u_g": rng.normal(size=n),
        **more,
    }


def test_structure_sees_photometry_and_every_other_column_has_a_reason(galaxies: Path, tmp_path: Path) -> None:
    table, about = run(galaxies, tmp_path / "out")
    assert about["features"] == list(PHOTOMETRY)
    assert "check" not in about
    assert set(PHOTOMETRY) <= set(table)
    assert not [name for name in table if name in VOTE_COLUMNS]
    findings = {f["name"]: f for f in json.loads((tmp_path / "out" / "columns.json").read_text())["columns"]}
    assert {field.name for field in FIELDS} <= set(findings), "every column of the table is accounted for"
    assert all(f["reason"] for f in findings.values())
    assert not any(findings[name]["kept"] for name in (*VOTE_COLUMNS, "dr7objid", "ra", "dec", "id", "gz2_class"))
    assert "computed from the votes" in findings["t03_bar_a06_bar_count"]["reason"]
    assert "m_ellipticity" in findings["m_e1"]["reason"]
    assert findings["velocity_dispersion"]["missing"] == pytest.approx(0.08, abs=0.02)


def test_votes_see_debiased_fractions_and_nothing_else(galaxies: Path, tmp_path: Path) -> None:
    table, about = run(galaxies, tmp_path / "out", task="votes")
    assert not set(about["features"]) & set(PHOTOMETRY)
    assert len([name for name in about["features"] if name.endswith("_debiased")]) == 37
    smooth, features = (
        table[f"t01_smooth_or_features_{answer}_debiased"] for answer in ("a01_smooth", "a02_features_or_disk")
    )
    others = np.maximum(features, table["t01_smooth_or_features_a03_star_or_artifact_debiased"])
    np.testing.assert_allclose(table["t01_smooth_or_features_a01_smooth_margin"], smooth - others, atol=1e-6)
    assert not (tmp_path / "out" / "truth.parquet").exists(), "the posterior is given photometry, not votes"
    assert about["check"], "no model of them becomes the champion"


def test_what_is_missing_stays_missing(galaxies: Path, tmp_path: Path) -> None:
    table, _ = run(galaxies, tmp_path / "out")
    source = read_table(galaxies / "dataset.parquet")
    assert np.isnan(table["velocity_dispersion"]).sum() == np.isnan(source["velocity_dispersion"]).sum() > 0
    np.testing.assert_array_equal(table["m_ellipticity"], np.hypot(source["m_e1"], source["m_e2"]))


def test_posterior_goes_along_with_the_rows_and_classes(galaxies: Path, tmp_path: Path) -> None:
    for level in ("2", "3", "7"):
        output = tmp_path / level
        table, about = run(galaxies, output, level=level, minimum_members=10)
        truth = read_table(output / "truth.parquet")
        assert (truth["id"] == table["id"]).all()
        assert read_settings(output / "truth.parquet")["classes"] == about["classes"]
        np.testing.assert_allclose(truth["sim_posterior"].sum(axis=1), 1, atol=1e-9)
        best = np.array(about["classes"])[truth["sim_posterior"].argmax(axis=1)]
        reached, promised = (best == table["label"]).mean(), truth["sim_posterior"].max(axis=1).mean()
        assert abs(reached - promised) < 4 * np.sqrt(0.25 / len(best)), "as often right as it says"


def test_a_galaxy_is_in_one_split_whatever_its_identifiers(galaxies: Path, tmp_path: Path) -> None:
    table, about = run(galaxies, tmp_path / "out")
    names, count = np.unique(table["object_id"].astype(str), return_counts=True)
    assert (count > 1).sum() > 60, "two of a hundred are seen twice"
    for name in names[count > 1]:
        assert len(set(table["split"][table["object_id"] == name])) == 1
    assert (splits_of(table["object_id"], **about["split"]) == table["split"]).all()
    share = {split: (table["split"] == split).mean() for split in ("train", "validation", "test")}
    assert share["test"] == pytest.approx(0.2, abs=0.03)
    assert share["validation"] == pytest.approx(0.15, abs=0.03)


def test_a_class_with_one_member_is_left_out_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write(tmp_path / "in", made(["Er"] * 60 + ["Sc2m"] * 60 + ["SBb"] + ["A"] * 2))
    table, about = run(source, tmp_path / "out", minimum_members=10)
    assert about["classes"] == ["E", "S"]
    assert about["counts"] == {"E": 60, "S": 60}
    assert len(table["id"]) == 120
    bad = read_table(tmp_path / "out" / "rejected.parquet")
    assert sorted(bad["reason"]) == ["artefact", "artefact", "rare class"]
    assert "SB has 1 members" in bad["detail"][bad["reason"] == "rare class"][0]
    assert "Class SB is left out" in "".join(capsys.readouterr())
    assert read_provenance(tmp_path / "out" / "dataset.parquet").rejected == {"artefact": 2, "rare class": 1}


def test_one_class_cannot_be_learnt(tmp_path: Path) -> None:
    source = write(tmp_path / "in", made(["Er"] * 60 + ["Sc2m"] * 2))
    with pytest.raises(InputError, match="Only 1 of the classes"):
        run(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_unknown_class_string_is_named_with_its_row(tmp_path: Path) -> None:
    source = write(tmp_path / "in", made(["Er"] * 60 + ["Sx"] + ["Sc2m"] * 60))
    with pytest.raises(InputError, match="Row 60 has the gz2_class 'Sx'"):
        run(source, tmp_path / "out")


def test_columns_without_a_value_or_with_one_are_left_out(tmp_path: Path) -> None:
    rows = made(["Er"] * 60 + ["Sc2m"] * 60, r_i=np.full(120, 0.3))
    table, about = run(write(tmp_path / "in", rows), tmp_path / "out", minimum_members=10)
    assert about["features"] == ["u_g", "g_r"]
    findings = {f["name"]: f for f in json.loads((tmp_path / "out" / "columns.json").read_text())["columns"]}
    assert "same value" in findings["r_i"]["reason"]
    assert "no value" in findings["redshift"]["reason"]
    elsewhere = np.where(table["split"] == "train", np.nan, np.arange(120.0))
    source = write(tmp_path / "again", {**rows, "i_z": elsewhere})
    assert run(source, tmp_path / "two", minimum_members=10)[1]["features"] == ["u_g", "g_r"], (
        "train knows nothing"
    )
    assert np.isnan(table["agreement"]).all(), "without votes, nobody agrees"


def test_votes_alone_are_no_photometry(tmp_path: Path) -> None:
    rows = made(["Er"] * 60 + ["Sc2m"] * 60)
    rows = {name: values for name, values in rows.items() if name not in ("g_r", "u_g")}
    with pytest.raises(InputError, match="no feature for the task structure"):
        run(write(tmp_path / "in", rows), tmp_path / "out")


def test_a_table_of_another_ingest_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    with TableWriter(folder / "dataset.parquet", [FIELDS[0]], Provenance("real", "a test")) as writer:
        writer.write({"id": np.array(["1"], dtype=object)})
    with pytest.raises(InputError, match="no column dec"):
        run(folder, tmp_path / "out")


def test_rows_of_one_galaxy_are_found_by_place_and_by_identifier() -> None:
    ids = np.array(["a", "b", "c", "a", "d", "e"], dtype=object)
    ra = np.array([10.0, 10.0 + 1 / 3600, 50.0, np.nan, np.nan, 359.9999])
    dec = np.array([0.0, 0.0, 0.0, np.nan, np.nan, 0.0])
    assert group_rows(ids, ra, dec).tolist() == ["a", "a", "c", "a", "d", "e"]
    around = group_rows(np.array(["x", "y"], dtype=object), np.array([359.9999, 0.0001]), np.zeros(2))
    assert around.tolist() == ["x", "x"], "zero hours is no border"


def test_features_that_say_the_same_are_grouped() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 500))
    twin = np.exp(one) + 0.05 * rng.normal(size=500)
    twin[:20] = np.nan
    groups = correlated({"one": one, "other": other, "twin": twin, "minus": -one}, 0.6)
    assert groups == {"one": ["one", "twin", "minus"], "other": ["other"]}
    unknown = {"unknown": np.full(500, np.nan), "one": one, "twin": twin}
    assert correlated(unknown, 0.6) == {"unknown": ["unknown"], "one": ["one", "twin"]}


def test_agreement_is_the_product_along_the_path(galaxies: Path) -> None:
    table = read_table(galaxies / "dataset.parquet")
    of_two, of_three, of_seven = (agreement(table, level) for level in ("2", "3", "7"))
    first = np.max(
        [table[name] for name in table if name.startswith("t01") and name.endswith("_debiased")], axis=0
    )
    np.testing.assert_allclose(of_two, first, atol=1e-6)
    assert (of_three <= of_two + 1e-6).all()
    assert (of_seven <= of_three + 1e-6).all()
    smooth = np.char.startswith(table["gz2_class"].astype(str), "E")
    np.testing.assert_allclose(of_three[smooth], of_two[smooth], atol=1e-6)


def test_features_of_a_new_table_are_the_same(galaxies: Path) -> None:
    table = read_table(galaxies / "dataset.parquet")
    few = features_of({"g_r": table["g_r"][:5]}, ["g_r", "redshift"])
    np.testing.assert_array_equal(few["g_r"], table["g_r"][:5])
    assert np.isnan(few["redshift"]).all()
    with pytest.raises(InputError, match="none of the columns"):
        features_of({"petro": table["g_r"][:5]}, ["g_r", "redshift"])


@pytest.mark.parametrize("wrong", [{"task": "all"}, {"level": "4"}, {"minimum_members": 1}, {"correlation": 1.0}])
def test_impossible_settings(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        Settings(**wrong)  # type: ignore[arg-type]


def test_real_votes_give_real_classes_back(real_data: Path, tmp_path: Path) -> None:
    """The sanity check on real rows: what a class is made of predicts it."""
    location = str(real_data / "gz2" / "gz2_hart16_400.csv")
    ingest(tmp_path / "in", IngestSettings(source="files", rows=0, location=location))
    table, about = run(tmp_path / "in", tmp_path / "out", task="votes", minimum_members=10)
    assert about["counts"] == {"E": 159, "S": 204, "SB": 37}
    margin = {name: table[name] > 0 for name in about["features"] if name.endswith("_margin")}
    edge_on, bar = margin["t02_edgeon_a04_yes_margin"], margin["t03_bar_a06_bar_margin"]
    guess = np.where(bar & ~edge_on, "SB", "S")
    guess = np.where(margin["t01_smooth_or_features_a01_smooth_margin"], "E", guess)
    assert (guess == table["label"]).mean() > 0.98

"""Found clusters applied to new lists of stars."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.common.errors import InputError
from components.common.rejections import Rejections
from components.common.tables import read_table
from components.ingest.gaia_stars.ingestion import Settings as IngestSettings
from components.ingest.gaia_stars.ingestion import ingest
from components.ingest.gaia_stars.schema import complete
from components.predict.stars.prediction import predict, predict_table
from components.predict.writing import Settings
from components.preprocess.star_field.preprocessing import Settings as PreprocessSettings
from components.preprocess.star_field.preprocessing import preprocess
from components.train.clustering.inference import load_model
from components.train.clustering.settings import Settings as TrainSettings
from components.train.clustering.training import train


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Search a region, and write its stars as somebody would have downloaded them."""
    folder = tmp_path_factory.mktemp("region")
    ingest(folder / "stars", IngestSettings(rows=2500, cluster_stars=600, seed=2))
    preprocess(folder / "stars", folder / "dataset", PreprocessSettings())
    train(folder / "dataset", folder / "model", TrainSettings(library="hdbscan"))
    pd.DataFrame(read_table(folder / "stars" / "dataset.parquet")).to_csv(folder / "new.csv", index=False)
    return folder


def test_the_same_stars_have_the_same_memberships(folder: Path, tmp_path: Path) -> None:
    predict([folder / "new.csv"], folder / "model", tmp_path / "out", Settings(csv=True, plots=True))
    found = read_table(tmp_path / "out" / "predictions.parquet")
    trained = read_table(folder / "model" / "membership.parquet")
    ours = dict(zip(found["source_id"], found["probability"], strict=True))
    theirs = dict(zip(trained["source_id"], trained["probability"], strict=True))
    assert set(ours) == set(theirs)
    np.testing.assert_allclose([ours[k] for k in theirs], list(theirs.values()), atol=1e-6)
    rejected = read_table(tmp_path / "out" / "rejected.parquet")
    assert len(found["id"]) + len(rejected["id"]) == len(pd.read_csv(folder / "new.csv"))
    assert len(pd.read_csv(tmp_path / "out" / "predictions.csv")) == len(found["id"])
    names = load_model(folder / "model").names
    assert {path.stem for path in (tmp_path / "out" / "plots").iterdir()} == set(names)
    assert len(names) == 3


def test_stars_elsewhere_and_nulls_have_no_membership(folder: Path) -> None:
    model = load_model(folder / "model")
    stars = pd.read_csv(folder / "new.csv", nrows=50)
    stars["ra"] = (stars["ra"] + 180) % 360
    columns = complete({name: stars[name].to_numpy() for name in stars if name != "spectraltype_esphs"})
    found = predict_table(columns, model, Rejections())
    assert (found["probability"] == 0).all()
    assert set(found["cluster"]) <= {""}
    nothing = predict_table({name: values[:0] for name, values in columns.items()}, model, Rejections())
    assert len(nothing["id"]) == 0


def test_a_folder_that_is_no_model_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a model of this software"):
        predict([folder / "new.csv"], folder / "dataset", tmp_path / "out", Settings())


def test_good_files_among_bad_ones_are_applied(folder: Path, tmp_path: Path) -> None:
    stars = pd.read_csv(folder / "new.csv", nrows=200)
    good, bare, page = (tmp_path / name for name in ("good, and more.csv", "bare.csv", "page.csv"))
    stars.to_csv(good, index=False)
    stars.drop(columns="parallax").to_csv(bare, index=False)
    page.write_text("<html>busy</html>")
    inputs = [page, good, tmp_path / "absent.csv", bare]
    predict(inputs, folder / "model", tmp_path / "out", Settings())
    found, rejected = (read_table(tmp_path / "out" / f"{name}.parquet") for name in ("predictions", "rejected"))
    assert len(found["id"]) > 100
    told = {i: d for i, r, d in zip(*rejected.values(), strict=True) if r == "unusable file"}
    assert set(told) == {"page.csv", "absent.csv", "bare.csv"}
    assert "has no column parallax" in told["bare.csv"]
    with pytest.raises(
        InputError, match=r"no file .*absent\.csv.*page\.csv is a web page.*bare\.csv has no column"
    ):
        predict([page, *inputs[2:]], folder / "model", tmp_path / "none", Settings())


@pytest.mark.parametrize("rows", [0, 30])
def test_no_star_at_all_is_an_error_that_says_why(folder: Path, tmp_path: Path, rows: int) -> None:
    stars = pd.read_csv(folder / "new.csv", nrows=rows)
    stars["parallax"] = np.nan
    stars.to_csv(tmp_path / "nulls.csv", index=False)
    with pytest.raises(
        InputError, match=f"Not one of the {rows} stars can be used: .*(no parallax|there is none)"
    ):
        predict([tmp_path / "nulls.csv"], folder / "model", tmp_path / "out", Settings(csv=True))
    assert len(read_table(tmp_path / "out" / "rejected.parquet")["id"]) == rows


def test_of_two_releases_the_newer_is_applied(folder: Path, real_data: Path, tmp_path: Path) -> None:
    gaia = real_data / "gaia"
    inputs = [gaia / "dr2_field_healpix5_12237.csv.gz", gaia / "dr3_cone_ra45_dec0_r0.5deg.parquet"]
    predict(inputs, folder / "model", tmp_path / "out", Settings())
    found, rejected = (read_table(tmp_path / "out" / f"{name}.parquet") for name in ("predictions", "rejected"))
    assert set(found["source_id"]) <= set(pd.read_parquet(inputs[1])["source_id"])
    assert [i for i, r, _ in zip(*rejected.values(), strict=True) if r == "unusable file"] == [inputs[0].name]

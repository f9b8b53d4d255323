"""Morphology of new galaxies: tables of any format in, probabilities and warnings out, and what cannot be used."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table

from components.common.errors import InputError
from components.common.tables import read_table
from components.ingest.galaxy_zoo.ingestion import Settings as Ingestion
from components.ingest.galaxy_zoo.ingestion import ingest
from components.predict.morphology.prediction import predict, predict_table
from components.predict.morphology.warnings import BITS, find_warnings
from components.predict.warning_bits import describe
from components.predict.writing import Settings
from components.preprocess.morphology_table.preprocessing import Settings as Preprocessing
from components.preprocess.morphology_table.preprocessing import preprocess
from components.train.boosted_trees.inference import load_model
from components.train.boosted_trees.training import Settings as Training
from components.train.boosted_trees.training import train


@pytest.fixture(scope="module")
def galaxies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folders of a run: raw, data, model."""
    folder = tmp_path_factory.mktemp("galaxies")
    ingest(folder / "raw", Ingestion(rows=900, seed=6))
    preprocess(folder / "raw", folder / "data", Preprocessing(seed=6))
    small = Training(kinds=("boosting", "logistic"), tuning_rows=150, folds=2, iterations=20, epochs=1, seed=1)
    train(folder / "data", folder / "model", small)
    return folder


def some(galaxies: Path, rows: int = 8) -> pd.DataFrame:
    """Photometry of some galaxies, as a person has it."""
    table = read_table(galaxies / "raw" / "dataset.parquet")
    names = ("dr7objid", "redshift", "petro_mag_r", "u_g", "g_r", "r_i", "i_z", "petro_r50_r", "petro_r90_r")
    names += ("frac_dev_r", "axis_ratio_exp", "axis_ratio_dev", "m_cr4", "d4000", "log_stellar_mass")
    return pd.DataFrame({name: table[name][:rows] for name in names})


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".fits", ".csv.gz"])
def test_tables_of_all_formats_say_the_same(galaxies: Path, tmp_path: Path, suffix: str) -> None:
    frame = some(galaxies)
    path = tmp_path / f"galaxies{suffix}"
    if "csv" in suffix:
        frame.to_csv(path, index=False)
    elif suffix == ".parquet":
        frame.to_parquet(path)
    else:
        Table.from_pandas(frame).write(path)
    predict([path], galaxies / "model", tmp_path / "out", Settings(csv=True))
    table = read_table(tmp_path / "out" / "predictions.parquet")
    expected = predict_table({name: frame[name].to_numpy() for name in frame}, load_model(galaxies / "model"))
    del expected.columns["file"]
    assert list(table["id"]) == [str(value) for value in frame["dr7objid"]]
    total = sum(table[f"probability_{name}"] for name in ("E", "S", "SB"))
    np.testing.assert_allclose(total, 1.0, atol=1e-9)
    assert len(pd.read_csv(tmp_path / "out" / "predictions.csv")) == 8


def test_names_of_skyserver_are_known_and_more_is_derived(galaxies: Path, tmp_path: Path) -> None:
    names = {"dr7objid": "objID", "redshift": "z", "petro_r50_r": "petroR50_r", "petro_r90_r": "petroR90_r"}
    names |= {
        "frac_dev_r": "fracDeV_r",
        "axis_ratio_exp": "expAB_r",
        "axis_ratio_dev": "deVAB_r",
        "m_cr4": "mCr4_r",
    }
    frame = some(galaxies)
    for name, table in (("ours", frame), ("theirs", frame.rename(columns=names))):
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        predict([tmp_path / f"{name}.csv"], galaxies / "model", tmp_path / name, Settings())
    ours, theirs = (read_table(tmp_path / name / "predictions.parquet") for name in ("ours", "theirs"))
    np.testing.assert_array_equal(ours["probability_E"], theirs["probability_E"])
    assert (ours["measured"] == len(frame.columns) - 1 + 4).all(), "with what follows from redshift and radii"


def test_skyservers_magnitudes_become_ours(
    galaxies: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Magnitudes with dust, and the dust beside them, are what SkyServer gives to whoever asks for magnitudes."""
    rows = read_table(
        galaxies / "raw" / "dataset.parquet", ["dr7objid", "petro_mag_r", "u_g", "g_r", "petro_r50_r"]
    )
    ours = pd.DataFrame({name: values[:20] for name, values in rows.items()})
    theirs = ours[["dr7objid", "petro_r50_r"]].copy()
    g = 18.0
    for band, value, dust in (("u", g + ours["u_g"], 0.5), ("g", g, 0.4), ("r", g - ours["g_r"], 0.3)):
        theirs[f"modelMag_{band}"], theirs[f"extinction_{band}"] = value + dust, dust
    theirs["petroMag_r"] = ours["petro_mag_r"] + 0.3
    for name, table in (("ours", ours), ("theirs", theirs)):
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        predict([tmp_path / f"{name}.csv"], galaxies / "model", tmp_path / name, Settings())
    told = [read_table(tmp_path / name / "predictions.parquet") for name in ("ours", "theirs")]
    np.testing.assert_allclose(told[0]["probability_E"], told[1]["probability_E"], atol=0.02)
    assert list(told[0]["measured"]) == list(told[1]["measured"])
    assert "theirs.csv has no column for" in capsys.readouterr().err


def test_each_galaxy_has_a_picture(galaxies: Path, tmp_path: Path) -> None:
    some(galaxies, 3).to_csv(tmp_path / "three.csv", index=False)
    predict([tmp_path], galaxies / "model", tmp_path / "out", Settings(plots=True))
    pictures = sorted((tmp_path / "out" / "plots").iterdir())
    assert len(pictures) == 3
    assert "Speaks for" in pictures[0].read_text(encoding="utf-8")


def test_galaxies_without_any_measurement_are_left_out_with_reason(galaxies: Path, tmp_path: Path) -> None:
    frame = some(galaxies, 5)
    frame.loc[2, [name for name in frame if name != "dr7objid"]] = np.nan
    frame.to_csv(tmp_path / "five.csv", index=False)
    predict([tmp_path / "five.csv"], galaxies / "model", tmp_path / "out", Settings())
    table, rejected = (read_table(tmp_path / "out" / f"{name}.parquet") for name in ("predictions", "rejected"))
    assert (len(table["id"]), list(rejected["reason"])) == (4, ["nothing measured"])
    assert list(rejected["id"]) == [str(frame["dr7objid"][2])]


def test_rows_without_an_identifier_are_named_by_their_number(galaxies: Path, tmp_path: Path) -> None:
    some(galaxies, 2).drop(columns="dr7objid").to_csv(tmp_path / "two.csv", index=False)
    predict([tmp_path / "two.csv"], galaxies / "model", tmp_path / "out", Settings())
    assert list(read_table(tmp_path / "out" / "predictions.parquet")["id"]) == ["row 0", "row 1"]


def test_what_is_no_table_of_galaxies_is_told(galaxies: Path, real_data: Path, tmp_path: Path) -> None:
    votes = real_data / "gz2" / "gz2_hart16_400.csv"
    with pytest.raises(InputError, match="none of the columns that are needed: redshift"):
        predict([votes], galaxies / "model", tmp_path / "out", Settings())
    with pytest.raises(InputError, match="There is no table in"):
        predict([galaxies / "model"], galaxies / "model", tmp_path / "out", Settings())
    with pytest.raises(InputError, match="not a model of this software"):
        predict([galaxies / "raw"], galaxies / "raw", tmp_path / "out", Settings())


def test_each_warning_is_given_for_its_reason() -> None:
    probability = np.array([[0.9, 0.1]] * 3 + [[0.55, 0.45]])
    features = np.array([[0.5, 0.5, 0.5], [np.nan, np.nan, 0.5], [7.0, 0.5, 0.5], [0.5] * 3], dtype=np.float32)
    bits = find_warnings(probability, features, ("a", "b", "c"), {"a": (0, 1), "b": (0, 1)})
    names = [" ".join(describe(int(value), BITS)) for value in bits]
    assert names == ["", "FEW_FEATURES", "OUT_OF_RANGE", "UNSURE"]
    assert len(set(BITS.values())) == len(BITS)

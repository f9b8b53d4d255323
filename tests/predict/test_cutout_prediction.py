"""Redshifts of pictures from files and from positions, and what becomes of those that cannot be used."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from galaxy_pictures import DUST, KNOWN, SMALL, write_pictures
from loopback import LoopbackArchive, Misbehaviour
from PIL import Image

from components.common.archive import Archive
from components.common.distributions import BinnedDistribution
from components.common.errors import InputError
from components.common.tables import count_rows, read_provenance, read_table
from components.ingest.picture_folder.folder import look_over
from components.ingest.sdss_cutouts.ingestion import Settings as Ingestion
from components.ingest.sdss_cutouts.ingestion import ingest
from components.predict.cutouts import picture_inputs
from components.predict.cutouts.picture_inputs import find_requests
from components.predict.cutouts.prediction import FIELDS, Settings, predict, predict_table
from components.predict.cutouts.warnings import BITS, find_warnings
from components.preprocess.cutouts.preprocessing import preprocess
from components.preprocess.cutouts.settings import Settings as Preprocessing
from components.train.image_cnn.inference import load_model
from components.train.image_cnn.training import train

PICTURE = "dr17/SkyServerWS/ImgCutout/getjpeg"


@pytest.fixture
def folder(pictures: Path, tmp_path: Path) -> Path:
    """Twelve pictures, with labels."""
    place = tmp_path / "files"
    write_pictures(pictures / "raw", place, 12)
    return place


def run(inputs: Path | list[Path], model: Path, output: Path, url: str = "") -> tuple[Any, dict[str, str]]:
    predict(inputs, model, output, Settings(csv=True, plots=True), *([url] if url else []))
    rejected = read_table(output / "rejected.parquet")
    reasons = dict(zip(rejected["id"].tolist(), rejected["reason"].tolist(), strict=True))
    return read_table(output / "predictions.parquet"), reasons


def test_files_with_labels_are_predicted_as_the_table_was(
    folder: Path, pictures: Path, picture_model: Path, tmp_path: Path
) -> None:
    found, rejected = run(folder, picture_model, tmp_path / "out")
    assert list(found) == [field.name for field in FIELDS]
    assert not rejected
    raw = read_table(pictures / "raw" / "dataset.parquet")
    rows = [raw["id"].tolist().index(name) for name in found["id"]]
    expected = predict_table({name: values[rows] for name, values in raw.items()}, load_model(picture_model))
    assert found["redshift"] == pytest.approx(expected.columns["redshift"], rel=1e-3)
    assert found["catalogue_redshift"] == pytest.approx(raw["redshift"][rows])
    assert not (found["warning"] & (BITS["NO_MAGNITUDES"] | BITS["SOME_MAGNITUDES"])).any()
    assert (found["low68"] <= found["redshift"]).all()
    assert (found["redshift"] <= found["high68"]).all()
    assert len(pd.read_csv(tmp_path / "out" / "predictions.csv")) == 12
    drawn = sorted((tmp_path / "out" / "plots").glob("*.svg"))
    assert len(drawn) == 12
    assert "<image" in drawn[0].read_text(encoding="utf-8")


def test_pictures_are_left_out_by_the_limits_that_the_model_learnt_with(
    pictures: Path, picture_model: Path
) -> None:
    model, raw = load_model(picture_model), read_table(pictures / "raw" / "dataset.parquet")
    aside = {name: values[:8] for name, values in raw.items()}
    aside["image"] = np.roll(aside["image"], 8, axis=-1)  # by 3.2 arcsec
    assert not predict_table(aside, model).rows.size
    wider = replace(model, preprocess_settings=model.preprocess_settings | {"maximum_offset": 6.0})
    assert predict_table(aside, wider).rows.size >= 6


def test_an_ingested_table_is_predicted(pictures: Path, picture_model: Path, tmp_path: Path) -> None:
    table = pictures / "raw" / "dataset.parquet"
    predict([table], picture_model, tmp_path / "out", Settings())
    found = read_table(tmp_path / "out" / "predictions.parquet")
    assert len(found["id"]) + count_rows(tmp_path / "out" / "rejected.parquet") == count_rows(table)
    assert not (found["warning"] & BITS["NO_MAGNITUDES"]).any()


def test_pictures_are_of_no_use_to_a_model_of_flux(folder: Path, tmp_path: Path) -> None:
    """Nor would they be, were they taken for flux."""
    ingest(tmp_path / "raw", Ingestion(rows=300, seed=2, encoding="flux", bands=("g", "r", "i")))
    preprocess(tmp_path / "raw", tmp_path / "data", Preprocessing(seed=1))
    train(tmp_path / "data", tmp_path / "model", replace(SMALL, epochs=1))
    predict([tmp_path / "raw" / "dataset.parquet"], tmp_path / "model", tmp_path / "out", Settings())
    assert count_rows(tmp_path / "out" / "predictions.parquet") > 280
    with pytest.raises(InputError, match="stretched already"):
        predict([tmp_path / "data" / "dataset.parquet"], tmp_path / "model", tmp_path / "none", Settings())
    ingest(tmp_path / "other", Ingestion(rows=20, seed=2, encoding="flux", bands=("r", "i", "z")))
    with pytest.raises(InputError, match=r"flux in r, i, z, but those that the model learnt from flux in g, r, i"):
        predict([tmp_path / "other" / "dataset.parquet"], tmp_path / "model", tmp_path / "none", Settings())
    with pytest.raises(InputError, match="not of the encoding flux"):
        run(folder, tmp_path / "model", tmp_path / "none")


def test_labels_need_no_redshift_to_be_predicted(folder: Path, picture_model: Path, tmp_path: Path) -> None:
    labels = pd.read_csv(folder / "labels.csv")
    labels.drop(columns="redshift").to_csv(folder / "labels.csv", index=False)
    found, _ = run(sorted(folder.glob("*.png"))[:3], picture_model, tmp_path / "out")
    assert not (found["warning"] & BITS["NO_MAGNITUDES"]).any()
    assert np.isnan(found["catalogue_redshift"]).all()


def test_a_picture_alone_is_answered_for_with_a_warning(folder: Path, picture_model: Path, tmp_path: Path) -> None:
    (folder / "labels.csv").unlink()
    files = sorted(folder.glob("*.png"))[:4]
    found, _ = run(files, picture_model, tmp_path / "out")
    assert found["id"].tolist() == [file.stem for file in files]
    assert found["file"].tolist() == [str(file) for file in files]
    assert all("NO_MAGNITUDES" in text for text in found["warnings"])
    assert np.isnan(found["catalogue_redshift"]).all()


def test_unusable_files_are_told_with_their_reasons(folder: Path, picture_model: Path, tmp_path: Path) -> None:
    (folder / "page.jpg").write_bytes(b"<!DOCTYPE html><html>maintenance</html>")
    (folder / "empty.jpg").write_bytes(b"")
    whole = sorted(folder.glob("cutout*.png"))[0]
    (folder / "cut.png").write_bytes(whole.read_bytes()[:-3000])
    with Image.open(whole) as image:
        image.convert("L").save(folder / "grey.png")
        image.convert("CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(folder / "black.png")
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(10, 30, (64, 64, 3)).astype(np.uint8)).save(folder / "noise.png")
    found, rejected = run(folder, picture_model, tmp_path / "out")
    assert len(found["id"]) == 12
    assert rejected == {
        "page": "web page",
        "empty": "empty file",
        "cut": "corrupt picture",
        "grey": "greyscale",
        "cmyk": "CMYK",
        "black": "outside the footprint",
        "noise": "no object",
    }
    assert read_provenance(tmp_path / "out" / "predictions.parquet").requested == 19


def test_nothing_usable_is_an_error_that_names_the_reasons(picture_model: Path, tmp_path: Path) -> None:
    (tmp_path / "page.jpg").write_bytes(b"<html>")
    with pytest.raises(InputError, match=r"None of the 1 pictures can be used: 1 web page"):
        run([tmp_path / "page.jpg"], picture_model, tmp_path / "out")


@pytest.fixture
def sky(archive_server: LoopbackArchive, folder: Path, monkeypatch: pytest.MonkeyPatch) -> LoopbackArchive:
    """The cutout service, which shows the same galaxy everywhere."""

    def quick(*arguments: Any, **options: Any) -> Archive:
        assert options["requests_per_minute"] <= 60
        return Archive(*arguments, **{**options, "requests_per_minute": 60_000.0, "backoff_seconds": 0.01})

    monkeypatch.setattr(picture_inputs, "Archive", quick)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    picture = archive_server.root / PICTURE
    picture.parent.mkdir(parents=True)
    with Image.open(sorted(folder.glob("*.png"))[0]) as image:
        image.save(picture, "JPEG", quality=95)
    return archive_server


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_positions_are_fetched_from_the_archive(
    sky: LoopbackArchive, pictures: Path, picture_model: Path, tmp_path: Path, suffix: str
) -> None:
    raw = read_table(pictures / "raw" / "dataset.parquet", ["ra", "dec", *KNOWN, *DUST])
    table = pd.DataFrame({name: values[:3] for name, values in raw.items()})
    path = tmp_path / f"wanted{suffix}"
    _ = table.to_csv(path, index=False) if suffix == ".csv" else table.to_parquet(path)
    found, rejected = run([path], picture_model, tmp_path / "out", sky.url)
    assert not rejected
    assert found["id"].tolist() == ["wanted-1", "wanted-2", "wanted-3"]
    assert found["ra"] == pytest.approx(table["ra"])
    written = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert np.abs(written["ra"] - table["ra"]).max() < 1e-7, "a place is not rounded to arcseconds"
    assert np.isfinite(found["m_r"]).all()
    asked = [request.target for request in sky.requests]
    assert len(asked) == 3
    assert all("opt=&" in target or target.endswith("opt=") for target in asked), "nothing is drawn on them"
    assert all("scale=0.396127&width=64&height=64" in target for target in asked)


def test_positions_that_the_archive_does_not_show(
    sky: LoopbackArchive, picture_model: Path, tmp_path: Path
) -> None:
    """What is absent, or a web page, is rejected; the rest is predicted."""
    path = tmp_path / "wanted.csv"
    path.write_text("id,ra,dec\na,10,20\nb,11,20\nc,12,20\n")
    sky.script(PICTURE, Misbehaviour(status=404), Misbehaviour(html=True))
    found, rejected = run([path], picture_model, tmp_path / "out", sky.url)
    assert len(found["id"]) == 1
    assert sorted(rejected.values()) == ["download failed", "not in archive"]
    assert {*found["id"], *rejected} == {"a", "b", "c"}


def test_positions_may_be_an_answer_of_skyserver(tmp_path: Path) -> None:
    """Its first line, its names, and ids that no floating-point number holds, one of which is missing."""
    path = tmp_path / "wanted.csv"
    path.write_text(
        "#Table1\nobjid,ra,dec,modelMag_r,extinction_r\n1237648720693755918,10,20,17.5,0.1\n,11,20,17.6,0.1\n"
    )
    (request,) = find_requests([path])
    assert request.labels["id"].tolist() == ["1237648720693755918", "wanted-2"]
    assert request.labels["mag_r"].tolist() == [17.5, 17.6]
    assert request.labels["extinction_r"].tolist() == [0.1, 0.1]
    path.write_text("ra,dec,mag_r\n10,20,17.5,\n11,20,17.6,\n")
    (request,) = find_requests([path])
    assert request.labels["dec"].tolist() == [20, 20], "commas at the ends of the lines shift nothing"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name,ra\nx,1\n", "not dec"),
        ("ra,dec\n10,95\n", "without a position"),
        ("ra,dec\n10,\n", "without a position"),
        ("", "cannot be read"),
    ],
)
def test_a_table_without_positions_is_refused(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "wanted.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=said):
        find_requests([path])


def test_other_files_and_nothing_are_refused(tmp_path: Path) -> None:
    (tmp_path / "spectrum.fits").write_bytes(b"SIMPLE")
    with pytest.raises(InputError, match="neither a picture nor a table"):
        find_requests([tmp_path / "spectrum.fits"])
    (tmp_path / "labels.csv").write_text("file,redshift\n")
    with pytest.raises(InputError, match="no picture to predict for"):
        find_requests([tmp_path / "labels.csv"])


def test_real_pictures_of_galaxy_zoo_are_predicted(real_data: Path, picture_model: Path, tmp_path: Path) -> None:
    """Of another scale than the model's, so that the redshifts mean nothing; the files are what is tested."""
    thumbs = sorted((real_data / "gz2" / "thumbs").glob("*.jpg"))[:10]
    found, rejected = run(thumbs, picture_model, tmp_path / "out")
    assert len(found["id"]) + len(rejected) == 10
    assert len(found["id"]) >= 7
    assert np.isfinite(found["redshift"]).all()


def test_warnings_are_set_where_they_hold() -> None:
    edges = np.linspace(0, 0.4, 41)
    sharp, double, broad, end = np.zeros((4, 40), np.float32)
    sharp[10] = 1
    double[[5, 30]] = 0.6, 0.4
    broad[5:30] = 0.04
    end[38:] = 0.5
    found = BinnedDistribution(edges, np.stack([sharp, double, broad, end]))
    low, high = found.interval(0.6827)
    columns = {"redshift": found.median(), "low68": low, "high68": high}
    magnitudes = np.full((4, 5), 17.0, np.float32)
    magnitudes[0] = np.nan
    magnitudes[1, 2] = np.nan
    scaled = np.zeros((4, 10), np.float32)
    scaled[3, 1] = 5.5
    bits = find_warnings(found, columns, magnitudes, scaled)
    names = [{name for name, bit in BITS.items() if value & bit} for value in bits]
    assert names[0] == {"NO_MAGNITUDES"}
    assert names[1] == {"SOME_MAGNITUDES", "MULTIMODAL", "BROAD"}
    assert names[2] >= {"BROAD"}
    assert names[3] == {"EDGE", "UNFAMILIAR"}
    assert not find_warnings(found, columns, None, None)[0]


def test_a_folder_is_looked_over_before_a_run(folder: Path, tmp_path: Path) -> None:
    assert look_over(str(folder), "jpeg", 32) == 12
    with pytest.raises(InputError, match="8-bit ones, but the model is to learn from flux"):
        look_over(str(folder), "flux", 32)
    with pytest.raises(InputError, match=r"None of the 12 pictures .* fewer than 500 x 500"):
        look_over(str(folder), "jpeg", 500)
    with pytest.raises(InputError, match="no folder"):
        look_over(str(tmp_path / "gone"), "jpeg", 32)
    for file in folder.glob("*.png"):
        file.write_bytes(b"<html>")
    with pytest.raises(
        InputError, match=r"None of the 12 pictures in .* can be used: .* is a web page, not a picture\. Give"
    ):
        look_over(str(folder), "jpeg", 32)
    (folder / "labels.csv").unlink()
    with pytest.raises(InputError, match=r"no labels\.csv"):
        look_over(str(folder), "jpeg", 32)

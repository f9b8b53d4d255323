"""Pictures prepared: what is looked for in them, what stays as it is, and where each goes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.common.errors import InputError, ParameterError
from components.common.provenance import Provenance
from components.common.tables import Columns, count_rows, read_provenance, read_settings, read_table, write_table
from components.ingest.sdss_cutouts.ingestion import Settings as IngestSettings
from components.ingest.sdss_cutouts.ingestion import ingest
from components.ingest.sdss_cutouts.schema import complete, fields, image_settings
from components.physics.sdss_imaging import BANDS, to_rgb
from components.preprocess.cutouts.preparation import REASONS, Preparation, inspect, pack, prepare
from components.preprocess.cutouts.preprocessing import Settings, corrected, preprocess

SIZE = 48


def galaxies(rows: int, x: float = 0.0, y: float = 0.0, peak: float = 1.0, seed: int = 0) -> np.ndarray:
    """Round galaxies on a noisy sky in i, r and g, in nanomaggies, away from the middle by (x, y) pixels."""
    v, u = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    light = peak * np.exp(-0.5 * ((u - x) ** 2 + (v - y) ** 2) / 2.5**2)
    colours = np.array([1.2, 1.0, 0.5])[:, None, None]
    noise = 0.03 * np.random.default_rng(seed).standard_normal((rows, 3, SIZE, SIZE))
    return (light * colours + noise).astype(np.float32)


def look(images: np.ndarray, maximum_offset: float = 2.0) -> list[str]:
    found = inspect(images, ("i", "r", "g"), 0.4, maximum_offset, 5.0)
    return ["" if status == 0 else REASONS[status - 1][0] for status in found.status]


@pytest.mark.parametrize("encode", [to_rgb, lambda images: images], ids=["jpeg", "flux"])
def test_top_of_the_galaxy_is_found(encode: Any) -> None:
    """Within a fifth of a pixel, in both encodings."""
    for x, y in ((0.0, 0.0), (2.3, -1.4), (-4.0, 3.0)):
        found = inspect(encode(galaxies(20, x, y)), ("i", "r", "g"), 1.0, 9.0, 5.0)
        assert (found.status == 0).all()
        np.testing.assert_allclose(found.offset_arcsec, np.hypot(x, y), atol=0.25)


@pytest.mark.parametrize("encode", [to_rgb, lambda images: images], ids=["jpeg", "flux"])
def test_what_is_no_centred_galaxy(encode: Any) -> None:
    assert look(encode(galaxies(5, 8.0, 0.0))) == ["off centre"] * 5
    assert look(encode(galaxies(5, peak=0.0))) == ["no object"] * 5
    edge = galaxies(5)
    edge[:, :, :, :6] = 0.0
    assert look(encode(edge)) == ["edge of the survey"] * 5
    assert look(encode(np.zeros((2, 3, SIZE, SIZE), np.float32))) == ["edge of the survey"] * 2


def test_brighter_neighbour_is_not_the_galaxy() -> None:
    both = galaxies(5) + galaxies(5, 15.0, 10.0, peak=20.0, seed=1)
    assert look(both) == [""] * 5


def test_missing_pixels() -> None:
    images = galaxies(3)
    images[0, 1, 3, 4] = np.nan
    images[1, 0, :10] = np.inf
    assert look(images) == ["", "missing pixels", ""]
    packed = pack(images, Preparation(("i", "r", "g"), "flux", SIZE))
    assert np.isfinite(packed).all()
    assert packed[0, 1, 3, 4] == 0


def test_nothing_is_scaled_by_the_galaxy_itself() -> None:
    """A galaxy among others comes out as it does alone, and one of twice the light comes out brighter."""
    settings = Preparation(("i", "r", "g"), "flux", SIZE).to_settings()
    images = galaxies(4)
    images[1] *= 2
    together = prepare(images, settings)
    for row in range(4):
        np.testing.assert_array_equal(together[row], prepare(images[row : row + 1], settings)[0])
    np.testing.assert_allclose(together[1].max(), together[0].max() + np.log(2), atol=0.3)
    grey = to_rgb(images)
    settings["encoding"] = "jpeg"
    np.testing.assert_allclose(prepare(grey, settings), grey / 64.0, rtol=1e-6)


def test_stored_and_raw_pictures_are_prepared_alike() -> None:
    """What the table holds, and what prediction reads from a file."""
    images = np.concatenate([galaxies(3), galaxies(3, peak=100.0)])
    for encoding, raw in (("flux", images), ("jpeg", to_rgb(images))):
        preparation = Preparation(("i", "r", "g"), encoding, 32)
        stored = pack(raw, preparation)
        assert stored.dtype == preparation.storage
        assert stored.shape == (6, 3, 32, 32)
        np.testing.assert_array_equal(
            prepare(stored, preparation.to_settings()), prepare(raw, preparation.to_settings())
        )
    exact = np.arcsinh(images[:, 1, 8:40, 8:40] / 0.08)
    flux = prepare(images, Preparation(("i", "r", "g"), "flux", 32).to_settings())
    np.testing.assert_allclose(flux[:, 1], exact, rtol=1e-3, atol=1e-3)
    assert flux.dtype == np.float32


@pytest.mark.parametrize(
    ("images", "encoding", "size", "says"),
    [
        (np.zeros((2, 5, 48, 48), np.float32), "flux", 48, "bands that the model"),
        (np.zeros((2, 3, 48, 40), np.float32), "flux", 40, "not square"),
        (np.zeros((2, 3, 48, 48), np.uint8), "flux", 48, "not of the encoding"),
        (np.zeros((2, 3, 48, 48), np.float32), "jpeg", 48, "not of the encoding"),
        (np.zeros((2, 3, 48, 48), np.uint8), "jpeg", 64, "smaller"),
    ],
)
def test_pictures_of_another_kind(images: np.ndarray, encoding: str, size: int, says: str) -> None:
    with pytest.raises(InputError, match=says):
        prepare(images, Preparation(("i", "r", "g"), encoding, size).to_settings())


def test_magnitudes_lose_the_dust_and_nothing_else() -> None:
    columns: Columns = {}
    for k, band in enumerate(BANDS):
        columns[f"mag_{band}"] = np.array([18.0 + k, -9999.0, np.nan, 17.0], np.float32)
        columns[f"extinction_{band}"] = np.array([0.5, 0.1, 0.1, np.nan], np.float32)
    result = corrected(columns)
    assert list(result) == ["m_u", "m_g", "m_r", "m_i", "m_z"]
    np.testing.assert_array_equal(result["m_r"], np.array([19.5, np.nan, np.nan, np.nan], np.float32))
    assert result["m_r"].dtype == np.float32


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,200 simulated pictures."""
    folder = tmp_path_factory.mktemp("pictures") / "out"
    ingest(folder, IngestSettings(rows=1200, seed=2, size=SIZE))
    return folder


def test_stage_keeps_fields_and_galaxies_together(pictures: Path, tmp_path: Path) -> None:
    preprocess(pictures, tmp_path / "out", Settings())
    table = read_table(tmp_path / "out" / "dataset.parquet")
    rejected = read_table(tmp_path / "out" / "rejected.parquet")
    assert len(table["id"]) + len(rejected["id"]) == 1200
    assert len(rejected["id"]) < 20, "nearly all simulated galaxies are in the middle"
    for name in ("field_id", "object_id", "group_id"):
        splits: dict[str, set[str]] = {}
        for value, split in zip(table[name], table["split"], strict=True):
            splits.setdefault(value, set()).add(split)
        assert all(len(found) == 1 for found in splits.values()), name
    shares = {split: (table["split"] == split).mean() for split in ("train", "validation", "test")}
    assert abs(shares["test"] - 0.2) < 0.06
    assert abs(shares["validation"] - 0.1) < 0.05
    before = read_table(pictures / "dataset.parquet", ["id", "redshift"])
    raw = dict(zip(before["id"], before["redshift"], strict=True))
    assert all(raw[name] == z for name, z in zip(table["id"], table["redshift"], strict=True))


def test_stage_says_what_prediction_must_know(pictures: Path, tmp_path: Path) -> None:
    preprocess(pictures, tmp_path / "out", Settings(size=32, seed=5))
    table = read_table(tmp_path / "out" / "dataset.parquet")
    settings = read_settings(tmp_path / "out" / "dataset.parquet")
    assert settings == {
        "bands": ["i", "r", "g"],
        "encoding": "jpeg",
        "scale_arcsec": 0.396127,
        "size": 32,
        "split": {"validation_fraction": 0.1, "test_fraction": 0.2, "seed": 5},
        "magnitudes": ["m_u", "m_g", "m_r", "m_i", "m_z"],
        "maximum_offset": 2.0,
        "minimum_contrast": 5.0,
    }
    assert table["image"].shape[1:] == (3, 32, 32)
    raw = read_table(pictures / "dataset.parquet", ["image"])["image"][:, :, 8:40, 8:40]
    np.testing.assert_array_equal(table["image"][0], raw[0])
    assert read_provenance(tmp_path / "out" / "dataset.parquet").origin == "semi-empirical"
    np.testing.assert_allclose(table["m_r"], table["mag_r"] - table["extinction_r"])
    assert (table["centre_offset"] < 2.0).all()


def test_flux_is_stored_stretched(tmp_path: Path) -> None:
    ingest(tmp_path / "raw", IngestSettings(rows=64, encoding="flux", size=32))
    preprocess(tmp_path / "raw", tmp_path / "out", Settings(maximum_offset=9.0, minimum_contrast=0.0))
    settings = read_settings(tmp_path / "out" / "dataset.parquet")
    stored = read_table(tmp_path / "out" / "dataset.parquet", ["id", "image"])
    raw = read_table(tmp_path / "raw" / "dataset.parquet", ["id", "image"])
    assert stored["image"].dtype == np.float16
    kept = np.isin(raw["id"].astype(str), stored["id"].astype(str))
    np.testing.assert_array_equal(prepare(stored["image"], settings), prepare(raw["image"][kept], settings))


def write(folder: Path, images: np.ndarray, redshift: np.ndarray) -> Path:
    """A dataset as an ingest writes it, each row of a field of its own."""
    rows = len(images)
    names = np.array([f"g{k}" for k in range(rows)], dtype=object)
    columns = complete({"id": names, "object_id": names, "field_id": names, "redshift": redshift, "image": images})
    layout = (("i", "r", "g"), "flux", SIZE)
    write_table(
        folder / "dataset.parquet",
        fields(*layout),
        columns,
        Provenance("simulated", "a test"),
        image_settings(*layout),
    )
    return folder


def test_what_is_left_out_has_its_reason(tmp_path: Path) -> None:
    images = galaxies(40)
    redshift = np.full(40, 0.1)
    redshift[:3] = np.nan
    images[2:5] = galaxies(3, 8.0)
    images[5] = np.nan
    images[6] = 0.0
    images[7] = galaxies(1, peak=0.0)[0]
    source = write(tmp_path / "raw", images, redshift)
    preprocess(source, tmp_path / "out", Settings(test_fraction=0.3, validation_fraction=0.3))
    rejected = read_table(tmp_path / "out" / "rejected.parquet")
    assert dict(zip(rejected["id"], rejected["reason"], strict=True)) == {
        **dict.fromkeys(("g0", "g1", "g2"), "missing label"),
        **dict.fromkeys(("g3", "g4"), "off centre"),
        "g5": "missing pixels",
        "g6": "edge of the survey",
        "g7": "no object",
    }
    assert count_rows(tmp_path / "out" / "dataset.parquet") == 32
    assert read_provenance(tmp_path / "out" / "dataset.parquet").rejected["off centre"] == 2


def test_tables_that_cannot_be_prepared(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="fewer than the 96"):
        preprocess(pictures, tmp_path / "out", Settings(size=96))
    source = write(tmp_path / "raw", galaxies(30), np.full(30, np.nan))
    with pytest.raises(InputError, match="30 missing label"):
        preprocess(source, tmp_path / "out", Settings(test_fraction=0.3, validation_fraction=0.3))
    preprocess(pictures, tmp_path / "prepared", Settings())
    bare = [field for field in fields(("i", "r", "g"), "flux", SIZE) if field.name != "mag_u"]
    columns = complete(
        {name: np.full(3, "x", dtype=object) for name in ("id", "object_id", "field_id")} | {"image": galaxies(3)}
    )
    write_table(tmp_path / "lacking" / "dataset.parquet", bare, columns, Provenance("simulated", "a test"))
    with pytest.raises(InputError, match="no column mag_u"):
        preprocess(tmp_path / "lacking", tmp_path / "out", Settings())


@pytest.mark.parametrize("wrong", [{"size": -1}, {"maximum_offset": 0.0}])
def test_impossible_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        Settings(**wrong)

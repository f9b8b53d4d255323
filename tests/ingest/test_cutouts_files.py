"""Pictures in a folder: real SDSS pictures, and each way in which a file or a label can be of no use."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from picture_files import UNUSABLE, encode, galaxy
from shard_tables import assert_same

from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.tables import Columns, read_table
from components.ingest.sdss_cutouts import files_source
from components.ingest.sdss_cutouts.ingestion import Settings, ingest
from components.ingest.sdss_cutouts.pictures import UnusablePictureError, read_picture
from components.merge.shards.merging import merge


def run(folder: Path, output: Path, **settings: Any) -> tuple[Provenance, Columns, dict[str, list[str]]]:
    wanted = {"source": "files", "location": str(folder), **settings}
    provenance = ingest(output, Settings(**wanted))
    rejected = read_table(output / "rejected.parquet")
    reasons: dict[str, list[str]] = {}
    for name, reason in zip(rejected["id"], rejected["reason"], strict=True):
        reasons.setdefault(reason, []).append(name)
    table = read_table(output / "dataset.parquet")
    assert provenance.requested == len(table["id"]) + len(rejected["id"])
    return provenance, table, reasons


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five pictures with labels."""
    place = tmp_path / "pictures"
    place.mkdir()
    for number in range(5):
        (place / f"g{number}.jpg").write_bytes(encode(galaxy(seed=number)))
    write_labels(place, [f"g{number}.jpg,{10 * number}.5,20,0.1,17.{number}" for number in range(5)])
    return place


def write_labels(folder: Path, rows: list[str], header: str = "file,ra,dec,redshift,mag_r") -> None:
    (folder / "labels.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


def test_real_pictures_are_read(real_data: Path, tmp_path: Path) -> None:
    """Galaxy Zoo's, of 224 pixels: cut around the middle."""
    thumbs = sorted((real_data / "gz2" / "thumbs").glob("*.jpg"))[:20]
    place = tmp_path / "thumbs"
    place.mkdir()
    for thumb in thumbs:
        (place / thumb.name).symlink_to(thumb)
    write_labels(place, [f"{thumb.name},{k},-5,0.0{k % 9 + 1},16.5" for k, thumb in enumerate(thumbs)])
    provenance, table, reasons = run(place, tmp_path / "out")
    assert provenance.origin == "real"
    assert len(table["id"]) == 20
    assert not reasons
    assert list(table["id"]) == [thumb.stem for thumb in thumbs]
    middle = table["image"][:, :, 24:40, 24:40].mean(axis=(1, 2, 3))
    assert (middle > table["image"][:, :, :4].mean(axis=(1, 2, 3))).mean() > 0.9, "galaxies are in the middle"


@pytest.mark.parametrize("reason", UNUSABLE)
def test_unusable_picture_is_rejected_with_its_reason(folder: Path, tmp_path: Path, reason: str) -> None:
    (folder / "g2.jpg").write_bytes(UNUSABLE[reason])
    with pytest.raises(UnusablePictureError, match=r"g2\.jpg"):
        read_picture(folder / "g2.jpg", 64)
    _, table, reasons = run(folder, tmp_path / "out")
    assert reasons == {reason: ["g2"]}
    assert list(table["id"]) == ["g0", "g1", "g3", "g4"]
    assert (table["mag_r"] == np.array([17.0, 17.1, 17.3, 17.4], np.float32)).all(), (
        "labels stay with their picture"
    )


def test_labels_that_are_of_no_use(folder: Path, tmp_path: Path) -> None:
    (folder / "g9.png").write_bytes(encode(galaxy(), kind="PNG"))
    write_labels(
        folder,
        [
            "g0.jpg,1,20,0.1,17", "g0.jpg,1,20,0.2,17", "g1.jpg,2,20,-,17", "g2.jpg,3,20,0.9,17",
            "g3.jpg,4,20,0.1,19", "gone.jpg,5,20,0.1,17",
        ],
    )  # fmt: skip
    _, table, reasons = run(folder, tmp_path / "out")
    assert list(table["id"]) == ["g0"]
    assert reasons == {
        "duplicate": ["g0.jpg"],
        "no redshift": ["g1.jpg"],
        "redshift range": ["g2.jpg"],
        "too faint": ["g3.jpg"],
        "no file": ["gone.jpg"],
        "no label": ["g4.jpg", "g9.png"],
    }


def test_pictures_of_one_galaxy_share_it(folder: Path, tmp_path: Path) -> None:
    write_labels(
        folder,
        [
            "g0.jpg,10,20,0.1,756,1,206",
            "g1.jpg,10.0001,20,0.1,756,1,207",
            "g2.jpg,11,20,0.1,,,",
            "g3.jpg,,,0.1,,,",
        ],
        "file,ra,dec,redshift,run,camcol,field",
    )
    _, table, _ = run(folder, tmp_path / "out")
    assert list(table["object_id"]) == ["g0", "g0", "g2", "g3"]
    assert list(table["field_id"][[0, 1, 3]]) == ["756-1-206", "756-1-207", "g3"]
    assert table["field_id"][2].startswith("hp64-")
    assert np.isnan(table["mag_r"]).all()
    assert np.isnan(table["ra"][3])


def test_names_of_skyserver_are_understood(folder: Path, tmp_path: Path) -> None:
    write_labels(
        folder,
        ["g0.jpg,1237648720693755918,1,2,0.1,0.0001,17.5,18.1,0.05,2.5,-9999"],
        "file,objID,ra,dec,z,zErr,modelMag_r,modelMag_g,extinction_r,petroR50_r,expAB_r",
    )
    _, table, _ = run(folder, tmp_path / "out")
    assert table["id"][0] == "1237648720693755918"
    assert table["redshift"][0] == 0.1
    assert table["redshift_error"][0] == 0.0001
    assert table["petro_r50"][0] == 2.5
    assert np.isnan(table["axis_ratio"][0]), "-9999 is no axis ratio"


def test_short_names_of_magnitudes_are_no_redshift(folder: Path, tmp_path: Path) -> None:
    write_labels(folder, ["g0.jpg,19,18,17,16.5,16.2,0.1"], "file,u,g,r,i,z,redshift")
    _, table, _ = run(folder, tmp_path / "out")
    assert table["redshift"].tolist() == [0.1]
    assert [table[f"mag_{band}"][0] for band in "ugr"] == [19, 18, 17]
    assert table["mag_z"] == pytest.approx([16.2])
    write_labels(folder, ["g0.jpg,17,16.5,16.2"], "file,r,i,z")
    with pytest.raises(InputError, match="but not redshift"):
        run(folder, tmp_path / "none")


def test_of_columns_with_one_name_the_first_counts(folder: Path, tmp_path: Path) -> None:
    write_labels(folder, ["g0.jpg,12,13,0.1,0.2"], "file,objID,dr7objid,Redshift,redshift")
    _, table, _ = run(folder, tmp_path / "out")
    assert (table["id"][0], table["redshift"][0]) == ("12", 0.1)


def test_pictures_of_one_name_in_several_folders_are_several(folder: Path, tmp_path: Path) -> None:
    for name in ("north", "south"):
        (folder / name).mkdir()
        (folder / name / "g.jpg").write_bytes(encode(galaxy()))
    write_labels(folder, ["north/g.jpg,1,20,0.1,17", "south/g.jpg,2,20,0.2,17"])
    _, table, _ = run(folder, tmp_path / "out")
    assert table["id"].tolist() == ["north/g", "south/g"]
    assert table["redshift"].tolist() == [0.1, 0.2]


def test_commas_at_the_ends_of_lines_shift_nothing(folder: Path, tmp_path: Path) -> None:
    write_labels(folder, ["g0.jpg,0.1,17,", "g1.jpg,0.2,17.5,"], "file,redshift,mag_r")
    _, table, _ = run(folder, tmp_path / "out")
    assert table["redshift"].tolist() == [0.1, 0.2]
    assert table["mag_r"].tolist() == [17, 17.5]


def test_a_label_of_unknown_source_is_the_files(folder: Path, tmp_path: Path) -> None:
    write_labels(folder, ["g0.jpg,0.1,2dF", "g1.jpg,0.2,"], "file,redshift,redshift_source")
    _, table, _ = run(folder, tmp_path / "out")
    assert table["redshift_source"].tolist() == ["2dF", "labels.csv"]


def test_what_is_named_like_a_picture_and_is_none(folder: Path, tmp_path: Path) -> None:
    (folder / "folder.jpg").mkdir()
    (folder / "gone.png").symlink_to(tmp_path / "nowhere.png")
    _, table, reasons = run(folder, tmp_path / "out")
    assert (len(table["id"]), reasons) == (5, {})


def test_extinction_that_nobody_knows_dims_nothing(folder: Path, tmp_path: Path) -> None:
    write_labels(
        folder, ["g0.jpg,0.1,17,-9999", "g1.jpg,0.1,17,", "g2.jpg,0.1,18,0.5"], "file,z,mag_r,extinction_r"
    )
    _, table, _ = run(folder, tmp_path / "out")
    assert table["id"].tolist() == ["g0", "g1", "g2"]
    np.testing.assert_array_equal(table["extinction_r"], np.array([np.nan, np.nan, 0.5], np.float32))


def test_some_of_many(folder: Path, tmp_path: Path) -> None:
    _, table, reasons = run(folder, tmp_path / "out", rows=2, seed=1)
    assert len(table["id"]) == 2
    assert len(reasons["not drawn"]) == 3


def test_shards_of_a_folder_add_up(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_source, "ROWS_PER_BATCH", 2)
    (folder / "g3.jpg").write_bytes(UNUSABLE["CMYK"])
    (folder / "g7.jpg").write_bytes(encode(galaxy()))
    run(folder, tmp_path / "whole")
    parts = [tmp_path / f"part{number}" for number in range(2)]
    for number, part in enumerate(parts):
        ingest(part, Settings("files", location=str(folder), shard=number, shards=2))
    merge(parts, tmp_path / "merged")
    assert_same(tmp_path / "whole", tmp_path / "merged")


def test_folders_that_are_none(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        run(tmp_path / "nowhere", tmp_path / "out")
    (tmp_path / "bare").mkdir()
    with pytest.raises(InputError, match="no picture"):
        run(tmp_path / "bare", tmp_path / "out")
    write_labels(folder, ["1,2"], "ra,dec")
    with pytest.raises(InputError, match="but not file and redshift"):
        run(folder, tmp_path / "out")
    (folder / "labels.csv").unlink()
    with pytest.raises(InputError, match="cannot be read as CSV"):
        run(folder, tmp_path / "out")


def test_folder_without_a_usable_picture(folder: Path, tmp_path: Path) -> None:
    for number in range(5):
        (folder / f"g{number}.jpg").write_bytes(UNUSABLE["web page"])
    with pytest.raises(InputError, match="5 web page"):
        run(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_real_magnitudes_pass_through(real_data: Path, folder: Path, tmp_path: Path) -> None:
    """Five galaxies of the main sample, as mlz has them."""
    names = ["zs", *"ugriz"]
    real = pd.read_csv(
        real_data / "sdss" / "SDSS_MGS.train", sep=r"\s+", comment="#", usecols=range(6), names=names
    )
    rows = [f"g{k}.jpg,{','.join(str(v) for v in row)}" for k, row in enumerate(real.head(5).to_numpy())]
    write_labels(folder, rows, "file,redshift,mag_u,mag_g,mag_r,mag_i,mag_z")
    _, table, _ = run(folder, tmp_path / "out")
    np.testing.assert_allclose(table["redshift"], real["zs"][:5])
    np.testing.assert_allclose(table["mag_u"], real["u"][:5], rtol=1e-6)

"""Parameters of new maps: which files go together, what is left out, and the same answer as evaluation's."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from universe_maps import FIELDS, SMALL, make_maps, prepare_universes

from components.common.errors import InputError
from components.common.tables import read_table
from components.predict.maps.map_inputs import find_maps
from components.predict.maps.prediction import predict
from components.predict.maps.warnings import BITS
from components.predict.writing import Settings
from components.train.moment_network.inference import load_model
from components.train.moment_network.training import train


@pytest.fixture(scope="module")
def universes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = prepare_universes(tmp_path_factory.mktemp("universes"))
    train(folder / "data", folder / "model", replace(SMALL, epochs=2))
    return folder


@pytest.fixture
def maps() -> np.ndarray:
    cosmology, feedback = np.full((3, 2), [0.3, 0.8]), np.ones((3, 4))
    return make_maps(cosmology, feedback, np.random.default_rng(5))


def test_files_of_the_dataset_answer_as_in_evaluation(universes: Path, tmp_path: Path) -> None:
    numbers = tmp_path / "numbers.txt"
    numbers.write_text("3, 20\n100", encoding="utf-8")
    predict([universes / "files", numbers], universes / "model", tmp_path / "out", Settings(csv=True, plots=True))
    found = read_table(tmp_path / "out" / "predictions.parquet")
    assert found["id"].tolist() == [f"Maps_IllustrisTNG_LH_z=0.00_{number}" for number in (3, 20, 100)]
    table = read_table(universes / "data" / "dataset.parquet", ["map_index", "maps"])
    row = int(np.flatnonzero(table["map_index"] == 20)[0])
    own = load_model(universes / "model").predict(table["maps"][row : row + 1])
    assert found["omega_m"][1] == pytest.approx(own.mean[0, 0], abs=2e-3)
    assert found["sigma_8_sigma"][1] == pytest.approx(own.width[0, 1], rel=0.02)
    assert found["a_sn1"][1] == pytest.approx(10 ** own.mean[0, 2], rel=0.02)
    assert len(list((tmp_path / "out" / "plots").glob("*.svg"))) == 3
    assert len((tmp_path / "out" / "predictions.csv").read_text().splitlines()) == 4


def test_hdf5_and_single_maps_and_a_missing_field(universes: Path, maps: np.ndarray, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "mine.hdf5", "w") as file:
        for place, name in enumerate(FIELDS):
            file[name] = maps[:, place]
    np.save(tmp_path / "one_Mtot.npy", maps[0, 0])
    predict([tmp_path], universes / "model", tmp_path / "out", Settings())
    found = read_table(tmp_path / "out" / "predictions.parquet")
    assert found["id"].tolist() == ["mine_0", "mine_1", "mine_2", "one"]
    assert found["fields"].tolist() == ["Mtot T"] * 3 + ["Mtot"]
    missing = (found["warning"] & BITS["MISSING_FIELDS"]) > 0
    assert missing.tolist() == [False, False, False, True]


def test_other_units_are_noticed(universes: Path, maps: np.ndarray, tmp_path: Path) -> None:
    for place, name in enumerate(FIELDS):
        np.save(tmp_path / f"{name}.npy", maps[:, place] * (1e10 if name == "T" else 1))
    predict(tmp_path, universes / "model", tmp_path / "out", Settings())
    found = read_table(tmp_path / "out" / "predictions.parquet")
    assert ((found["warning"] & BITS["UNFAMILIAR"]) > 0).all()
    assert all("UNFAMILIAR" in names for names in found["warnings"])


def test_what_cannot_be_used_is_left_out_with_its_reason(
    universes: Path, maps: np.ndarray, tmp_path: Path
) -> None:
    whole = maps.copy()
    maps[1, 0, 3, 3] = -1
    maps[2, 1, 0, 0] = np.nan
    for place, name in enumerate(FIELDS):
        np.save(tmp_path / f"a_{name}.npy", maps[:, place])
    np.save(tmp_path / "Mstar.npy", maps[:, 0])
    np.save(tmp_path / "b_Mtot.npy", maps[0, 0, :, :4])
    (tmp_path / "c_Mtot.npy").write_bytes(b"\x93NUMPY\x01")
    np.save(tmp_path / "d_Mtot.npy", whole[:, 0])
    np.save(tmp_path / "d_T.npy", maps[:2, 1])
    predict(tmp_path, universes / "model", tmp_path / "out", Settings())
    rejected = read_table(tmp_path / "out" / "rejected.parquet")
    reasons = dict(zip(rejected["id"].tolist(), rejected["reason"].tolist(), strict=True))
    assert reasons == {
        "Mstar.npy": "no known field",
        "b_Mtot.npy": "unreadable file",
        "c_Mtot.npy": "unreadable file",
        "d_T.npy": "other number of maps",
        "a_1": "impossible pixels",
        "a_2": "impossible pixels",
    }
    assert read_table(tmp_path / "out" / "predictions.parquet")["id"].tolist() == ["a_0", "d_0", "d_1", "d_2"]


def test_the_set_of_one_parameter_is_no_pressure(tmp_path: Path) -> None:
    for name in ("P", "Mtot", "T"):
        np.save(tmp_path / f"Maps_{name}_IllustrisTNG_1P_z=0.00.npy", np.ones((15, 4, 4), dtype=np.float32))
    np.save(tmp_path / "T_by_Mtot.npy", np.ones((4, 4)))
    found = find_maps([tmp_path], ("P", "Mtot"))
    (group,) = found.groups
    assert group.name == "Maps_IllustrisTNG_1P_z=0.00"
    assert {name: path.name.split("_")[1] for name, path in group.files.items()} == {"P": "P", "Mtot": "Mtot"}
    (foreign, _, _), (_, _, detail) = found.rejected
    assert foreign == "Maps_T_IllustrisTNG_1P_z=0.00.npy"
    assert "more than one field in it: T, Mtot" in detail


def test_nothing_to_predict_for_is_told(universes: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There are no maps"):
        predict(tmp_path, universes / "model", tmp_path / "out", Settings())
    (tmp_path / "numbers.txt").write_text("one two", encoding="utf-8")
    with pytest.raises(InputError, match="no list of map numbers"):
        predict([universes / "files", tmp_path / "numbers.txt"], universes / "model", tmp_path, Settings())


def test_damage_of_any_kind_costs_no_other_map(universes: Path, maps: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "good_Mtot.npy", maps[:, 0])
    np.save(tmp_path / "odd_Mtot.npy", maps[:, 0, :15, :15])
    np.save(tmp_path / "words_Mtot.npy", np.full((2, 16, 16), "x"))
    np.save(tmp_path / "mixed_Mtot.npy", maps[:, 0])
    np.save(tmp_path / "mixed_T.npy", maps[:, 1].repeat(2, axis=1).repeat(2, axis=2))
    (tmp_path / "page_T.npy").write_text("<html>404</html>")
    np.savez(tmp_path / "packed_Mtot.npz", maps[:, 0])
    (tmp_path / "params_LH_mine.txt").write_text("0.3 0.8 1 1 1 1")
    with h5py.File(tmp_path / "damaged.hdf5", "w") as file:
        file.create_dataset("Mtot", data=maps[:, 0], compression="gzip", chunks=(1, 16, 16))
        chunk = file["Mtot"].id.get_chunk_info(1)
    content = bytearray((tmp_path / "damaged.hdf5").read_bytes())
    content[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
    (tmp_path / "damaged.hdf5").write_bytes(content)
    predict(sorted(tmp_path.iterdir()), universes / "model", tmp_path / "out", Settings())
    found, rejected = (read_table(tmp_path / "out" / f"{name}.parquet") for name in ("predictions", "rejected"))
    assert found["id"].tolist() == [f"{name}_{n}" for name in ("good", "mixed") for n in range(3)]
    told = dict(zip(rejected["id"].tolist(), rejected["detail"].tolist(), strict=True))
    for file, said in (
        ("odd_Mtot.npy", "a multiple of 16 pixels"),
        ("words_Mtot.npy", "not of numbers"),
        ("mixed_T.npy", "3 maps of 32 pixels a side, other fields of mixed 3 maps of 16"),
        ("page_T.npy", "is no .npy file"),
        ("packed_Mtot.npz", "is no .npy file"),
        ("damaged", "damaged.hdf5 cannot be read"),
    ):
        assert said in told.pop(file)
    assert not told


def test_numbers_beyond_the_maps_are_told(universes: Path, tmp_path: Path) -> None:
    (tmp_path / "numbers.txt").write_text("9999")
    with pytest.raises(InputError, match="The files hold no maps"):
        predict([universes / "files", tmp_path / "numbers.txt"], universes / "model", tmp_path / "out", Settings())

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from components.common.errors import InputError
from components.common.tables import read_table
from components.ingest.sdss_spectra.ingestion import Settings, ingest


def _write(path: Path, rows: int = 30, **changes: Any) -> dict[str, np.ndarray]:
    """Write the workshop's layout, of which only a part is read."""
    rng = np.random.default_rng(2)
    spectra = rng.normal(0.5, 0.1, (rows, 4618)).astype(np.float32)
    data: dict[str, Any] = {
        "flux_norm": (spectra - spectra.min(1, keepdims=True)) / np.ptp(spectra, axis=1)[:, None],
        "wavelength_log": np.linspace(3.5522, 4.0139, 4618),
        "sdss_name": np.array([b"000000.00+000000.0"] * rows),
        "plate": np.full(rows, 3655, np.int32),
        "mjd": np.full(rows, 55240, np.int32),
        "fiberid": np.arange(1, rows + 1, dtype=np.int16),
        "thing_id": np.arange(100, 100 + rows, dtype=np.int64),
        "class_person": np.full(rows, 3, np.int16),
        "z_vi": np.round(rng.uniform(0.5, 4, rows), 3),
        "z_conf": np.full(rows, 3, np.int16),
        "z": rng.uniform(0.5, 4, rows),
        "bal_prob": np.zeros(rows, np.float32),
        "sn_median_all": rng.uniform(1, 9, rows),
    }
    for name, value in changes.items():
        if value is None:
            del data[name]
        else:
            data[name] = value(data[name]) if callable(value) else value
    with h5py.File(path, "w") as file:
        for name, value in data.items():
            file.create_dataset(name, data=value)
    return data


def _ingest(path: Path | str, output: Path, **settings: Any) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    provenance = ingest(output, Settings("kaggle", location=str(path), **settings))
    table, rejected = read_table(output / "dataset.parquet"), read_table(output / "rejected.parquet")
    assert provenance.requested == len(table["id"]) + len(rejected["id"])
    assert provenance.origin == "real"
    assert any("ivar is estimated" in note for note in provenance.notes)
    return table, dict(zip(rejected["id"], rejected["reason"], strict=True))


def _changed(rows: dict[int, Any]) -> Any:
    def change(values: np.ndarray) -> np.ndarray:
        values = values.copy()
        for row, value in rows.items():
            values[row] = value
        return values

    return change


def test_reads_the_workshops_file(tmp_path: Path) -> None:
    data = _write(tmp_path / "quasar.h5", bal_prob=_changed({3: 0.9}))
    table, rejected = _ingest(tmp_path / "quasar.h5", tmp_path / "out")
    assert not rejected
    np.testing.assert_array_equal(table["flux"][:, :4618], data["flux_norm"])
    np.testing.assert_array_equal(table["redshift"], data["z_vi"])
    np.testing.assert_allclose(table["sn_median"], data["sn_median_all"], rtol=1e-6)
    assert set(table["redshift_source"]) == {"Z_VI"}
    assert set(table["first_pixel"]) == {35522}
    assert set(table["pixels"]) == {4618}
    assert table["id"][0] == "3655-55240-0001"
    assert table["object_id"][5] == "thing-105"
    assert np.flatnonzero(table["is_bal"]).tolist() == [3]
    # White noise, so the estimated inverse variance is that of the whole spectrum, to 4 % (see test_placement).
    np.testing.assert_allclose(table["ivar"][:, 7], 1 / data["flux_norm"].var(axis=1), rtol=0.15)
    assert not table["ivar"][:, 4618:].any()


def test_reads_quasars_and_galaxies_of_two_files(tmp_path: Path) -> None:
    quasars = _write(tmp_path / "quasar.h5", rows=700)
    galaxies = _write(tmp_path / "galaxy.h5", class_person=np.full(30, 4), plate=np.full(30, 4000), z_conf=None)
    both = f"{tmp_path / 'quasar.h5'}, {tmp_path / 'galaxy.h5'}"
    table, rejected = _ingest(both, tmp_path / "out", classes=("QSO", "GALAXY"))
    assert not rejected
    assert table["spectral_class"].tolist() == ["QSO"] * 700 + ["GALAXY"] * 30
    spectra = np.concatenate([quasars["flux_norm"], galaxies["flux_norm"]])
    np.testing.assert_array_equal(table["flux"][:, :4618], spectra)
    few, _ = _ingest(both, tmp_path / "few", classes=("QSO", "GALAXY"), rows=90, seed=3)
    where = [list(table["id"]).index(name) for name in few["id"]]
    np.testing.assert_array_equal(few["flux"], table["flux"][where])
    with pytest.raises(InputError, match=r"no file .*stars\.h5"):
        ingest(tmp_path / "none", Settings("kaggle", location=f"{both},{tmp_path / 'stars.h5'}"))


def test_rejects_what_is_of_no_use_and_counts_it(tmp_path: Path) -> None:
    _write(
        tmp_path / "quasar.h5",
        z_vi=_changed({0: -1.0, 1: np.nan}),
        z=_changed({0: -1.0, 1: -999.0}),
        class_person=_changed({2: 4}),
        flux_norm=_changed({4: np.nan, 5: 0.25}),
        fiberid=_changed({7: 7}),
        thing_id=_changed({9: 108}),
    )
    table, rejected = _ingest(tmp_path / "quasar.h5", tmp_path / "out")
    assert sorted(rejected.values()) == [
        "class", "duplicate", "no good pixels", "no good pixels", "no redshift", "no redshift",
    ]  # fmt: skip
    assert list(table["object_id"]).count("thing-108") == 2


def test_draws_rows_at_random_from_what_is_wanted(tmp_path: Path) -> None:
    data = _write(tmp_path / "quasar.h5", rows=200, class_person=_changed(dict.fromkeys(range(0, 200, 2), 1)))
    table, rejected = _ingest(tmp_path / "quasar.h5", tmp_path / "out", rows=20, seed=4)
    assert (len(table["id"]), rejected) == (20, {})
    fibers = table["fiber"]
    assert (fibers % 2 == 0).all()  # odd rows, whose class is QSO
    assert fibers.max() > 100
    np.testing.assert_array_equal(table["flux"][:, :4618], data["flux_norm"][fibers - 1])


def test_pixels_that_are_not_finite_are_missing(tmp_path: Path) -> None:
    def change(values: np.ndarray) -> np.ndarray:
        values[0, :100] = np.nan
        return values

    _write(tmp_path / "quasar.h5", flux_norm=change)
    table, _ = _ingest(tmp_path / "quasar.h5", tmp_path / "out")
    assert not table["ivar"][0, :100].any()
    assert not table["flux"][0, :100].any()
    assert table["ivar"][0, 100] > 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"flux_norm": None}, "has no data set flux_norm; it has"),
        ({"z_vi": None, "plate": None}, "no data set plate, z_vi"),
        ({"flux_norm": lambda f: f[:, :4000]}, r"shape \(30, 4000\), not \(spectra, 4618\)"),
        ({"z_vi": lambda z: z[:20]}, "z_vi in .* not as long as flux_norm"),
        ({"class_person": lambda values: np.ones_like(values)}, "Not one spectrum .* 30 class"),
    ],
)
def test_a_file_of_another_layout_is_named(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    _write(tmp_path / "other.h5", **changes)
    with pytest.raises(InputError, match=said):
        ingest(tmp_path / "out", Settings("kaggle", location=str(tmp_path / "other.h5")))
    assert not (tmp_path / "out").exists()


def test_no_file_and_no_hdf5_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="kaggle datasets download"):
        ingest(tmp_path / "out", Settings("kaggle", location=str(tmp_path / "absent.h5")))
    (tmp_path / "zipped.h5").write_bytes(b"PK\x03\x04" * 100)
    with pytest.raises(InputError, match="not a whole HDF5"):
        ingest(tmp_path / "out", Settings("kaggle", location=str(tmp_path / "zipped.h5")))

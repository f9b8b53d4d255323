"""Maps from files in the dataset's layout: numbers, labels, and everything that can be wrong with them."""

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from camels_writer import parameters, save, write_suite, write_table

from components.common.errors import InputError, ParameterError
from components.common.tables import Columns, read_provenance, read_settings, read_table
from components.ingest.camels_maps.ingestion import Settings, ingest
from components.ingest.camels_maps.map_file import read_parameters
from components.merge.shards.merging import merge
from components.physics.multifield import FIELDS, PARAMETERS, coarsen


def _settings(folder: Path, **changes: Any) -> Settings:
    return Settings(
        **{"source": "files", "location": str(folder), "fields": ("Mtot", "HI"), "grid": 0, "simulations": "0-3"}
        | changes
    )


def _ingest(output: Path, settings: Settings) -> tuple[Columns, Columns]:
    provenance = ingest(output, settings)
    table, rejected = read_table(output / "dataset.parquet"), read_table(output / "rejected.parquet")
    assert provenance.requested == len(table["id"]) + len(rejected["id"])
    assert provenance == read_provenance(output / "dataset.parquet")
    return table, rejected


def test_maps_and_labels_are_those_of_the_files(tmp_path: Path) -> None:
    maps = write_suite(tmp_path / "in" / "IllustrisTNG")
    table, rejected = _ingest(tmp_path / "out", _settings(tmp_path / "in", simulations="1,3"))
    numbers = [*range(15, 30), *range(45, 60)]
    assert list(table["map_index"]) == numbers
    np.testing.assert_array_equal(table["maps"][:, 0], maps["Mtot"][numbers])
    np.testing.assert_array_equal(table["maps"][:, 1], maps["HI"][numbers])
    labels = parameters(4)[np.array(numbers) // 15]
    np.testing.assert_array_equal(np.column_stack([table[name] for name in PARAMETERS]), labels)
    assert table["id"][0] == "IllustrisTNG_LH_1_00"
    assert (len(set(table["id"])), len(rejected["id"])) == (30, 0)
    settings = read_settings(tmp_path / "out" / "dataset.parquet")
    assert settings["fields"] == ["Mtot", "HI"]
    assert settings["units"]["Mtot"] == FIELDS["Mtot"].unit


def test_units_are_those_of_the_documentation_not_of_the_paper() -> None:
    """Table 1 of arXiv 2109.10915 lacks h^2 for the pressure and several factors for electrons."""
    assert FIELDS["P"].unit == "h^2 Msun (km/s)^2 / kpc^3"
    assert FIELDS["ne"].unit == "h^2/cm^3 Mpc/h"


def test_suites_lie_beside_each_other_and_gravity_alone_has_no_feedback(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_suite(folder, "IllustrisTNG", fields=("Mtot",))
    write_suite(folder / "Nbody", "Nbody_IllustrisTNG", fields=("Mtot",), seed=1)
    suites = ("IllustrisTNG", "Nbody_IllustrisTNG")
    table, _ = _ingest(tmp_path / "out", _settings(folder, fields=("Mtot",), suites=suites))
    nbody = table["suite"] == "Nbody_IllustrisTNG"
    assert nbody.sum() == 60
    assert np.isnan(table["a_sn1"][nbody]).all()
    assert np.isfinite(table["a_sn1"][~nbody]).all()
    assert np.isfinite(table["sigma_8"]).all()
    np.testing.assert_array_equal(table["phases"][nbody], table["phases"][~nbody])


def test_a_coarser_grid_keeps_the_mean(tmp_path: Path) -> None:
    maps = write_suite(tmp_path / "in")
    table, _ = _ingest(tmp_path / "out", _settings(tmp_path / "in", grid=4))
    assert table["maps"].shape == (60, 2, 4, 4)
    np.testing.assert_allclose(table["maps"][:, 0].mean((1, 2)), maps["Mtot"].mean((1, 2)), rtol=1e-5)
    np.testing.assert_allclose(table["maps"][7, 1, 0, 0], maps["HI"][7, :4, :4].mean(), rtol=1e-6)
    with pytest.raises(InputError, match="cannot be averaged to 5"):
        ingest(tmp_path / "no", _settings(tmp_path / "in", grid=5))
    with pytest.raises(InputError, match="cannot be averaged"):
        coarsen(np.zeros((3, 8, 8)), 16)


def test_impossible_maps_are_rejected_by_name(tmp_path: Path) -> None:
    maps = write_suite(tmp_path / "in")
    maps["Mtot"][17, 3, 3] = np.nan
    maps["HI"][17, 3, 3] = -1
    maps["HI"][40, 0, 0] = -1e-3
    maps["HI"][41, 0, 0] = np.inf
    for field in maps:
        save(tmp_path / "in", maps[field], field, "IllustrisTNG", "LH")
    table, rejected = _ingest(tmp_path / "out", _settings(tmp_path / "in"))
    assert len(table["id"]) == 57
    assert dict(zip(rejected["id"], rejected["reason"], strict=True)) == {
        "IllustrisTNG_LH_1_02": "not a number",
        "IllustrisTNG_LH_2_10": "negative",
        "IllustrisTNG_LH_2_11": "not a number",
    }
    assert "Map 40 of IllustrisTNG has negative pixels in HI." in rejected["detail"]
    assert (table["maps"] >= 0).all()
    for field in maps:
        save(tmp_path / "in", np.full_like(maps[field], np.nan), field, "IllustrisTNG", "LH")
    with pytest.raises(InputError, match=r"Not one map .* 60 not a number"):
        ingest(tmp_path / "none", _settings(tmp_path / "in"))
    assert not (tmp_path / "none").exists()


def test_tables_of_another_length_are_refused(tmp_path: Path) -> None:
    write_suite(tmp_path / "in")
    write_table(tmp_path / "in", parameters(5), "IllustrisTNG", "LH")
    with pytest.raises(InputError, match="has 5 rows, but the maps are of 4 simulations"):
        ingest(tmp_path / "out", _settings(tmp_path / "in"))
    write_table(tmp_path / "in", parameters(4)[:, :5], "IllustrisTNG", "LH")
    with pytest.raises(InputError, match="has 5 columns"):
        ingest(tmp_path / "out", _settings(tmp_path / "in"))
    (tmp_path / "in" / "params_LH_IllustrisTNG.txt").write_text("0.3 eight\n")
    with pytest.raises(InputError, match="no table of numbers"):
        ingest(tmp_path / "out", _settings(tmp_path / "in"))


def test_the_set_of_one_parameter_with_28_columns_is_in_units_of_the_fiducial(tmp_path: Path) -> None:
    """The rows are those of the public CosmoAstroSeed_IllustrisTNG_1P.txt, whose units are the code's own."""
    rest = " ".join(["0.049"] * 22)
    rows = f"0.3 0.8 3.6 1 7.4 20 {rest}\n0.3 0.8 14.4 0.25 3.7 40 {rest}\n"
    table = read_parameters(rows, "IllustrisTNG", 2, "table")
    np.testing.assert_allclose(table, [[0.3, 0.8, 1, 1, 1, 1], [0.3, 0.8, 4, 0.25, 0.5, 2]])
    simba = f"0.3 0.8 1 20 1.6 7000 {rest}\n0.3 0.8 4 5 0.8 1.4e+04 {rest}\n"
    np.testing.assert_allclose(read_parameters(simba, "SIMBA", 2, "table"), table)
    with pytest.raises(InputError, match="28 columns: in what units feedback is in such a table of Astrid"):
        read_parameters(rows, "Astrid", 2, "table")
    write_suite(tmp_path / "in", camels_set="1P", simulations=2)
    (tmp_path / "in" / "params_1P_IllustrisTNG.txt").write_text(rows)
    settings = _settings(tmp_path / "in", camels_set="1P", simulations="0-1")
    assert any("more than six" in note for note in ingest(tmp_path / "out", settings).notes)


def test_the_density_of_baryons_beside_the_six_changes_no_units() -> None:
    """The rows are those of the public CosmoAstroSeed_Astrid_L25n256_1P.txt."""
    rows = "0.3 0.8 0.25 1.0 1.0 1.0 0.049\n0.3 0.8 1.0 1.0 1.0 1.0 0.010\n"
    wanted = [[0.3, 0.8, 0.25, 1, 1, 1], [0.3, 0.8, 1, 1, 1, 1]]
    for suite in ("Astrid", "IllustrisTNG"):
        np.testing.assert_allclose(read_parameters(rows, suite, 2, "table"), wanted)
    with pytest.raises(InputError, match="9 columns: in what units"):
        read_parameters("0.3 0.8 3.6 1 7.4 20 0 0 0\n", "IllustrisTNG", 1, "table")


def test_real_tables_are_read(real_data: Path) -> None:
    """The tables of the two latin hypercubes, as CAMELS publishes them."""
    for suite in ("IllustrisTNG", "SIMBA"):
        path = real_data / "camels" / f"setup_{suite}_latin_hypercube_params.txt"
        table = read_parameters(path.read_text(), suite, 1000, str(path))
        assert table.shape == (1000, 6)
        assert (table.min(0) > [0.1, 0.6, 0.25, 0.25, 0.5, 0.5]).all()
        assert (table.max(0) < [0.5, 1.0, 4, 4, 2, 2]).all()


def test_broken_files_are_named(tmp_path: Path) -> None:
    maps = write_suite(tmp_path / "in")
    path = tmp_path / "in" / "Maps_HI_IllustrisTNG_LH_z=0.00.npy"
    content = path.read_bytes()
    path.write_bytes(content[:-100])
    with pytest.raises(InputError, match=r"Maps_HI.* bytes, but its header announces 60 maps"):
        ingest(tmp_path / "out", _settings(tmp_path / "in"))
    path.write_bytes(b"<html>busy</html>")
    with pytest.raises(InputError, match="no npy file"):
        ingest(tmp_path / "out", _settings(tmp_path / "in"))
    for odd in (maps["HI"][:50], maps["HI"][:, :8], maps["HI"].astype(int), np.asfortranarray(maps["HI"])):
        save(tmp_path / "in", odd, "HI", "IllustrisTNG", "LH")
        with pytest.raises(InputError, match=r"Maps_HI.* holds .* not maps"):
            ingest(tmp_path / "out", _settings(tmp_path / "in"))
    save(tmp_path / "in", maps["HI"][:45], "HI", "IllustrisTNG", "LH")
    with pytest.raises(InputError, match="HI in IllustrisTNG are 45 of 16 pixels a side, those of Mtot"):
        ingest(tmp_path / "out", _settings(tmp_path / "in"))
    path.unlink()
    with pytest.raises(InputError, match="There is no Maps_HI"):
        ingest(tmp_path / "out", _settings(tmp_path / "in"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"simulations": "0-9"}, "no simulation 9"),
        ({"simulations": "5-2"}, "no range"),
        ({"simulations": "a"}, "no range"),
        ({"simulations": ""}, "No simulation"),
        ({"fields": ("Mtot", "rho")}, "no field rho"),
        ({"fields": ("Mtot", "Mtot")}, "named twice"),
        ({"fields": ()}, "none given"),
        ({"suites": ("EAGLE",)}, "no suites"),
        ({"suites": ("SIMBA",), "fields": ("B",)}, "SIMBA has no B"),
        ({"suites": ("Nbody_SIMBA",)}, "Nbody_SIMBA has no HI"),
        ({"camels_set": "SB28"}, "no camels_set"),
        ({"location": ""}, "needs a location"),
        ({"source": "web"}, "no source"),
        ({"grid": -1}, "grid is -1"),
        ({"source": "simulated", "grid": 0}, "grid is 0"),
        ({"source": "simulated", "grid": 16, "particles": 31}, "particles is 31"),
        ({"steps": 0}, "steps is 0"),
    ],
)
def test_what_cannot_be_asked_for(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    write_suite(tmp_path / "in")
    with pytest.raises(ParameterError, match=said):
        ingest(tmp_path / "out", _settings(tmp_path / "in", **changes))


def test_shards_add_up(tmp_path: Path) -> None:
    maps = write_suite(tmp_path / "in")
    maps["HI"][17, 0, 0] = -1
    save(tmp_path / "in", maps["HI"], "HI", "IllustrisTNG", "LH")
    whole, rejected = _ingest(tmp_path / "whole", _settings(tmp_path / "in"))
    parts = [tmp_path / f"part-{number}" for number in range(3)]
    for number, part in enumerate(parts):
        ingest(part, _settings(tmp_path / "in", shard=number, shards=3))
    merge(parts, tmp_path / "merged")
    merged = read_table(tmp_path / "merged" / "dataset.parquet")
    for name, values in whole.items():
        np.testing.assert_array_equal(merged[name], values)
    assert list(read_table(tmp_path / "merged" / "rejected.parquet")["id"]) == list(rejected["id"])
    assert read_settings(tmp_path / "merged" / "dataset.parquet") == read_settings(
        tmp_path / "whole" / "dataset.parquet"
    )


def test_memory_does_not_grow_with_the_simulations(tmp_path: Path) -> None:
    """Peak of what Python and numpy hold, for 4 and for 40 simulations."""
    write_suite(tmp_path / "in", fields=("Mtot",), simulations=40, side=32)
    peaks = []
    for number, simulations in enumerate(("0-1", "0-3", "0-39")):
        tracemalloc.start()
        ingest(tmp_path / f"{number}", _settings(tmp_path / "in", fields=("Mtot",), simulations=simulations))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] - peaks[1] < 15 * 32 * 32 * 4, "36 simulations more may not cost the memory of even one"

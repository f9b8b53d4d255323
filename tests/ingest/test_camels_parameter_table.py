"""Tables of parameters and seeds in the forms in which CAMELS publishes them."""

from pathlib import Path

import pytest
from snapshot_writer import camels_rows, write_table

from components.common.errors import InputError
from components.ingest.camels_snapshots.parameter_table import Simulation, read_parameters

HEAD = "#Name  Omega_m  sigma_8  A_SN1     A_AGN1  A_SN2  A_AGN2  seed"


def written(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(("simulation_set", "name"), [("SB28", "SB28_0"), ("1P", "1P_p1_n2"), ("BE", "BE_0")])
def test_tables_of_illustris_name_no_columns(simulation_set: str, name: str, tmp_path: Path) -> None:
    """Those of SB28, 1P and BE: a name, 28 parameters of which Omega_m and sigma_8 are the first, and the seed."""
    parameters = " ".join(["0.352541", "0.694742", *("2" for _ in range(26))])
    others = [f"{simulation_set}_{number} {parameters} {20000 + number}" for number in range(1, 27)]
    table = written(tmp_path / "table.txt", f"   {name} {parameters}  20000", *others)
    simulations = read_parameters(table, simulation_set)
    assert simulations[0] == Simulation(name, 0.352541, 0.694742, 20000)
    assert [simulation.seed for simulation in simulations[1:]] == list(range(20001, 20027))
    lines = table.read_text().splitlines()
    lines[4] = lines[4].rpartition(" ")[0]
    with pytest.raises(InputError, match=r"Line 5 of .* is no row"):
        read_parameters(written(table, *lines), simulation_set)


def test_one_table_of_all_sets(tmp_path: Path) -> None:
    """As they were before every set had its own."""
    sets = {"LH": 1000, "CV": 27, "EX": 4}
    rows = [f"{s}_{n} 0.3 0.8 1 1 1 1 {n + 1}" for s, count in sets.items() for n in range(count)]
    table = written(tmp_path / "CosmoAstroSeed_params.txt", HEAD, *rows)
    for name, count in sets.items():
        simulations = read_parameters(table, name)
        assert [simulation.name for simulation in simulations] == [f"{name}_{number}" for number in range(count)]


@pytest.mark.parametrize("head", [HEAD, "# Name Omega_m sigma_8 ASN1 ASN2 AAGN1 AAGN2 seed"])
def test_a_small_hypercube_and_another_way_to_begin_the_head(head: str, tmp_path: Path) -> None:
    """Magneticum's has 50; the tables of Ramses have a space before the first name."""
    rows = [
        f"LH_{number} 0.22400 0.97200 3.48220 3.29436 1.49485 0.63288 {15000 + number}" for number in range(50)
    ]
    assert len(read_parameters(written(tmp_path / "table.txt", head, *rows), "LH")) == 50
    with pytest.raises(InputError, match="has 49 simulations, but the set LH has 1000 or 50"):
        read_parameters(written(tmp_path / "table.txt", head, *rows[:-1]), "LH")


def test_the_real_table(real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A thousand simulations; SIMBA's slip of the pen is put in the place of the last."""
    lines = (real_data / "camels" / "CosmoAstroSeed_IllustrisTNG_L25n256_LH.txt").read_text().splitlines()
    slip = "LH_999 0.30000 0.8 1.3 0.4 1.2 0.9 5892999999999"
    simulations = read_parameters(written(tmp_path / "table.txt", *lines[:-1], slip), "LH")
    assert len({simulation.seed for simulation in simulations}) == 1000
    assert simulations[0] == Simulation("LH_0", 0.309, 0.979, 0)
    assert simulations[999] == Simulation("LH_999", 0.3, 0.8, 5892999999999)
    assert "The seed of LH_999" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rows", "head", "said"),
    [
        (camels_rows("CV", 26), "", "has 26 simulations, but the set CV has 27"),
        (camels_rows("CV", 28), "", "has 28 simulations, but the set CV has 27"),
        (["CV_0 0.3 0.8 1 1 1 1"] * 27, "", "Line 2 of .* is no row"),
        (["CV_0 3.0 0.8 1 1 1 1 5"] * 27, "", "Omega_m 3.0"),
        (["CV_0 0.3 0.8 1 1 1 1 5"] * 27, "", "names CV_0 twice"),
        (["0.3 0.8 1 1 1 1"] * 27, "0.3 0.8 1 1 1 1", "has no column name, omega_m, seed, sigma_8"),
    ],
)
def test_a_table_that_is_not_that_of_the_set(rows: list[str], head: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        read_parameters(write_table(tmp_path / "table.txt", rows, head), "CV")

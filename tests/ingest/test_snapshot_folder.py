"""Folders of simulations by others, as the archive lays them out and otherwise, and those of no use."""

from pathlib import Path

import pytest

from components.common.errors import InputError
from components.ingest.snapshot_folder.folder import find_set, look_over

HEAD = "#Name Omega_m sigma_8 A_SN1 A_AGN1 A_SN2 A_AGN2 seed\n"


def write_table(path: Path, name: str, rows: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + "".join(f"{name}_{number} 0.3 0.8 1 1 1 1 {number}\n" for number in range(rows)))


@pytest.mark.parametrize(
    ("table", "place", "suite", "volume"),
    [
        ("CosmoAstroSeed_SIMBA_L25n256_CV.txt", "Sims/SIMBA/L25n256/CV/CV_3", "SIMBA", "L25n256"),
        ("Parameters/SIMBA/CosmoAstroSeed_SIMBA_L25n256_CV.txt", "Sims/SIMBA_DM/CV_0", "SIMBA_DM", "L25n256"),
        ("CosmoAstroSeed_Astrid_CV.txt", "CV_26", "Astrid_DM", "L25n256"),
        ("docs/CosmoAstroSeed_IllustrisTNG_L50n512_CV.txt", "L50n512/CV/CV_1", "IllustrisTNG_DM", "L50n512"),
        ("CosmoAstroSeed_Swift-EAGLE_L25n256_CV.txt", "CV/CV_1", "Swift-EAGLE_DM", "L25n256"),
    ],
)
def test_the_suite_is_that_of_the_table_that_has_simulations(
    table: str, place: str, suite: str, volume: str, tmp_path: Path
) -> None:
    write_table(tmp_path / table, "CV", 27)
    write_table(tmp_path / "CosmoAstroSeed_IllustrisTNG_L25n256_LH.txt", "LH", 1000)  # of no simulation here
    (tmp_path / place).mkdir(parents=True)
    found = find_set(str(tmp_path))
    assert (found.suite, found.volume, found.simulation_set) == (suite, volume, "CV")
    assert found.parameters == str(tmp_path / table)
    look_over(str(tmp_path))


def test_a_folder_of_no_use_is_named(tmp_path: Path) -> None:
    (tmp_path / "CosmoAstroSeed.txt").touch()
    with pytest.raises(InputError, match="There is no table of parameters and seeds such as"):
        look_over(str(tmp_path))
    write_table(tmp_path / "CosmoAstroSeed_SIMBA_L25n256_CV.txt", "CV", 3)
    (tmp_path / "CV_0").touch()
    with pytest.raises(
        InputError, match=r"no simulation in .*CosmoAstroSeed_SIMBA_L25n256_CV.*Sims/SIMBA/L25n256/CV"
    ):
        look_over(str(tmp_path))
    (tmp_path / "CV_1").mkdir()
    with pytest.raises(InputError, match="has 3 simulations, but the set CV has 27"):
        look_over(str(tmp_path))

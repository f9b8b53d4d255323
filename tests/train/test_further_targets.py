"""Velocity dispersions and masses, which not every spectrum has: models of their own."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from galaxy_regressors import SMALL

from components.common.errors import InputError, ParameterError
from components.common.tables import TableWriter, open_table, read_provenance, read_settings, read_table
from components.train.regressors.features import COLUMNS, from_target, to_target
from components.train.regressors.inference import load_model
from components.train.regressors.several import train_several
from components.train.regressors.training import Settings, train


@pytest.fixture(scope="module")
def labelled(galaxies: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the galaxies with a mass that follows from their light, for nine of ten of them."""
    folder = tmp_path_factory.mktemp("masses")
    (folder / "data").mkdir()
    path = galaxies / "data" / "dataset.parquet"
    columns = read_table(path)
    mass = 10.5 - 0.4 * (columns["magnitude_r"] - 18) + 0.5 * np.log10(columns["redshift"] / 0.1)
    mass[::10] = np.nan
    with open_table(path) as file:
        fields = list(file.schema_arrow.remove_metadata())
    with TableWriter(folder / "data" / path.name, fields, read_provenance(path), read_settings(path)) as writer:
        writer.write({**columns, "stellar_mass": mass})
    return folder


@pytest.mark.parametrize("kind", ["linear", "ridge", "forest", "svr"])
def test_rows_without_the_label_are_left_out(labelled: Path, tmp_path: Path, kind: str) -> None:
    settings = replace(SMALL, model_kind=kind, features="pca", targets=("stellar_mass",))
    record = train(labelled / "data", tmp_path / "model", settings)
    model = load_model(tmp_path / "model")
    assert model.targets == ("stellar_mass",)
    rows = read_table(labelled / "data" / "dataset.parquet", [*COLUMNS, "stellar_mass"], "validation")
    known = np.isfinite(rows["stellar_mass"])
    assert record["rows"]["validation"] == known.sum() < len(known)
    found = model.predict(rows)["stellar_mass"]
    error = (found.value - rows["stellar_mass"])[known]
    assert np.sqrt(np.mean(error**2)) == pytest.approx(record["validation"]["stellar_mass_rms"], rel=1e-3)
    assert np.median(np.abs(error)) < 0.5 * rows["stellar_mass"][known].std(), "it follows from light and redshift"
    assert (found.sigma > 0).all()


def test_a_target_that_no_row_has_gets_no_model_and_a_warning(
    galaxies: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the velocity dispersion, which is asked for by default, where all spectra are of stars."""
    records = train_several(
        galaxies / "data", tmp_path / "m", tmp_path / "b", ["ridge"], ["pca"], SMALL, ["stellar_mass"]
    )
    assert list(records) == ["ridge-pca"]
    assert not (tmp_path / "b" / "further").exists()
    assert "have stellar mass: it gets no model" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["redshift", "magnitude_r", "velocity_dispersion", "stellar_mass"])
def test_what_is_learnt_comes_back_as_the_label(name: str) -> None:
    labels, brightness = np.array([0.1, 12.0, 200.0]), np.array([17.0, 18.0, 19.5])
    np.testing.assert_allclose(from_target(name, to_target(name, labels, brightness), brightness), labels)


def test_impossible_targets_are_refused(galaxies: Path, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="no target colour"):
        Settings(targets=("colour",))
    with pytest.raises(ParameterError, match="network"):
        Settings("network", targets=("velocity_dispersion",))
    with pytest.raises(InputError, match="with stellar_mass"):  # no galaxy of the simulator has one
        train(galaxies / "data", tmp_path / "model", replace(SMALL, targets=("stellar_mass",)))

"""Reconstructions judged scale by scale: scores of known fields, a whole evaluation, and simulations by others."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_universes import write_simulations

from components.common.errors import InputError, ParameterError
from components.common.scores import score
from components.common.tables import read_table
from components.evaluate.reconstruction.evaluation import Settings, evaluate
from components.evaluate.reconstruction.external import validate
from components.evaluate.reconstruction.measuring import METHODS
from components.evaluate.reconstruction.scores import BANDS, EDGES, SCORES, Measured
from components.physics.mode_spectra import compare
from components.train.variational_autoencoder.inference import load_model, save_model

BINS = len(EDGES) - 1
NAMES = [definition.name for definition in SCORES]


def _measured(rows: int, factor: float = 1.0, noise: float = 0.0, spread: float = 0.0, seed: int = 1) -> Measured:
    """Maps that are `factor` times the truth, with noise of its own and samples of some spread."""
    rng = np.random.default_rng(seed)
    truth = rng.standard_normal((rows, 8, 64, 64))
    guess = factor * truth + noise * rng.standard_normal(truth.shape)
    samples = spread * rng.standard_normal(truth.shape)
    found = compare(truth, guess, EDGES, (25.0, 25.0))
    return Measured(found.first, found.second, found.cross, compare(samples, samples, EDGES, (25.0, 25.0)).first)


def test_a_perfect_reconstruction_has_perfect_scores() -> None:
    found = score(SCORES[:5], _measured(20), np.arange(20), 50)
    for name in NAMES[:5]:
        assert found[name].value == pytest.approx(1), name


def test_scores_of_a_damped_and_noisy_field_are_those_that_follow() -> None:
    found = score(SCORES, _measured(60, 0.6, 0.45, spread=np.hypot(0.4, 0.45)), np.arange(60), 200)
    for name, wanted in (
        ("cross_correlation_mid_k", 0.6 / 0.75),
        ("transfer_mid_k", 0.75),
        ("sample_calibration", 1.0),
    ):
        assert found[name].value == pytest.approx(wanted, abs=0.03), name
        assert found[name].low < wanted + 0.02
        assert found[name].high > wanted - 0.02


@pytest.mark.parametrize(("spread", "ratio"), [(0.2, 0.4), (1.0, 2.0)])
def test_calibration_is_told_where_it_is_worst(spread: float, ratio: float) -> None:
    measured = _measured(40, 1.0, 0.5, spread=0.5)
    first, last = BANDS[1]
    measured.spread[:, first:last] *= (spread / 0.5) ** 2
    found = score(SCORES, measured, np.arange(40), 20)["sample_calibration"].value
    assert found == pytest.approx(ratio, rel=0.05)


def test_methods_without_samples_have_no_calibration() -> None:
    bare = _measured(5)
    bare = replace(bare, spread=np.full_like(bare.spread, np.nan))
    assert np.isnan(bare.in_bands().calibration(np.ones((1, 5)))).all()
    assert len(Measured.joined([bare, bare])) == 10
    assert len(bare[np.array([0, 2])]) == 2


def test_an_evaluation_is_whole(universes: Path, reconstruction_model: Path, tmp_path: Path) -> None:
    settings = Settings(samples=4, bootstrap=50, seed=1)
    metrics = evaluate(universes / "data", reconstruction_model, tmp_path / "out", settings)
    assert metrics["origin"] == "simulated"
    assert set(metrics["scores"]) == set(NAMES)
    assert set(metrics["baselines"]) == {"unet", "linear", "zeldovich", "wiener", "identity"}
    assert set(metrics["bands"]["maps"]) == set(METHODS) == set(metrics["curves"]["boxes"])
    low = metrics["scores"]["cross_correlation_low_k"]["value"]
    assert low > metrics["baselines"]["identity"]["cross_correlation_low_k"]["value"]
    best, *_, nothing = metrics["bands"]["margins"]
    assert best["best"] in metrics["baselines"]
    assert best["low"] <= best["value"] <= best["high"]
    assert nothing is None, "above 2 h/Mpc nobody is ahead"
    assert metrics["bands"]["maps"]["identity"]["calibration"][0][0] is None
    assert 0.4 < metrics["scores"]["sample_calibration"]["value"] < 2.5
    assert json.loads((tmp_path / "out" / "metrics.json").read_text()) == metrics
    table = read_table(tmp_path / "out" / "predictions.parquet")
    assert table["truth"].shape == (metrics["rows"]["test"], BINS)
    assert metrics["rows"]["test"] == 2 * metrics["rows"]["simulations"], "two axes of each"
    page = (tmp_path / "out" / "report.html").read_text()
    for words in (
        "nothing below was observed",
        "inverse Zel&#39;dovich",
        "nothing can be known",
        "grid ends at k = 1 in any case; standard reconstruction",
        "latent fields are in use",
        "Scores of slab maps",
        "that at z = 127, divided by linear growth",
    ):
        assert words in page, words


def _in_a_box_of(size: float, model: Path, folder: Path) -> Path:
    """Write the model as if its boxes had another side: waves move to other bands."""
    loaded = load_model(model)
    geometry = replace(loaded.preparation.geometry, box_size=size)
    save_model(
        folder, replace(loaded, preparation=replace(loaded.preparation, geometry=geometry)), {"network": []}
    )
    return folder


def test_bands_without_waves_have_no_numbers(universes: Path, reconstruction_model: Path, tmp_path: Path) -> None:
    """A wide box on a coarse grid: above 2 h/Mpc nothing is unknown or wrongly sampled, as nothing is."""
    wide = _in_a_box_of(100.0, reconstruction_model, tmp_path / "wide")
    metrics = evaluate(universes / "data", wide, tmp_path / "out", Settings(samples=2, bootstrap=20))
    network = metrics["bands"]["maps"]["network"]
    for name in ("correlation", "transfer", "calibration"):
        assert network[name][3] == [None] * 3, name
        assert None not in network[name][0], name
    assert metrics["bands"]["margins"][3] is None
    assert metrics["scores"]["sample_calibration"]["value"] > 0.1, "not the 0 of an empty band"
    page = (tmp_path / "out" / "report.html").read_text()
    assert not re.search(r"\bnan\b", page)
    small = _in_a_box_of(5.0, reconstruction_model, tmp_path / "small")
    with pytest.raises(InputError, match=r"Boxes of 5 Mpc/h on this grid have no waves of 0\.5 to 1 h/Mpc"):
        evaluate(universes / "data", small, tmp_path / "out", Settings(samples=2, bootstrap=20))


def test_simulations_by_others_are_told_apart(universes: Path, reconstruction_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "camels"
    last = write_simulations(folder, [71, 72, 73])
    last[2].write_bytes(last[2].read_bytes()[:5000])
    settings = Settings(samples=4, bootstrap=50, external=str(folder))
    metrics = evaluate(universes / "data", reconstruction_model, tmp_path / "out", settings)
    assert set(metrics["external"]) == set(NAMES)
    assert metrics["external"]["cross_correlation_low_k"]["value"] > 0.6
    assert metrics["external_provenance"]["rejected"] == {"unusable file": 1}
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Simulations by others" in page
    assert re.search("has learnt is the gravity of its training data: Armillary.*s particle-mesh simulator", page)


def test_simulations_that_begin_as_those_of_the_training_are_left_out(
    reconstruction_model: Path, tmp_path: Path
) -> None:
    """The seeds of CAMELS' CV are among those of LH, so that a model of one knows the waves of the other."""
    write_simulations(tmp_path, [71, 72])  # the table gives them the seeds 1000 and 1001
    model = load_model(reconstruction_model)
    found = validate(str(tmp_path), model, 2, 0, {"seed-1001", "seed-999"})
    assert list(found.measured.ids) == ["CV_0"]
    assert found.provenance.rejected == {"learnt from": 1}


def test_a_folder_without_simulations_is_named(
    universes: Path, reconstruction_model: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="There is no folder"):
        Settings(external=str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="There is no table of parameters and seeds"):
        evaluate(
            universes / "data", reconstruction_model, tmp_path / "out", Settings(samples=2, external=str(tmp_path))
        )


def test_one_sample_has_no_spread() -> None:
    with pytest.raises(ParameterError, match="one sample has no spread"):
        Settings(samples=1)

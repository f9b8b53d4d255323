"""Initial fields from final ones: symmetries, likelihood, latents, noise, and a model stored and read back."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from small_universes import SMALL

from components.common.errors import InputError, ParameterError
from components.common.tables import read_settings, read_table
from components.physics.mode_spectra import compare, resample_grid
from components.train.variational_autoencoder.inference import load_model
from components.train.variational_autoencoder.inputs import (
    FIELDS,
    NUMBERS,
    Geometry,
    Wiener,
    look_at,
    normal_equations,
)
from components.train.variational_autoencoder.network import (
    Architecture,
    Prior,
    divergence,
    folded,
    haar,
    unfolded,
)
from components.train.variational_autoencoder.noise import NoiseModel, fit_noise, noise_bands
from components.train.variational_autoencoder.objective import latent_share, new_likelihood, transformed
from components.train.variational_autoencoder.slices import geometry_of
from components.train.variational_autoencoder.training import Settings, train

GEOMETRY = Geometry((16, 32, 32), 25.0, 8)


def _final(rows: int, seed: int = 1) -> np.ndarray:
    """Overdensities with the long tails of gravity."""
    rng = np.random.default_rng(seed)
    white = rng.standard_normal((rows, 8, 8, 8)).astype(np.float32)
    smooth = resample_grid(white, GEOMETRY.shape)
    return np.exp(1.5 * smooth - 1.5**2 * smooth.var() / 2) - 1


def _network(latents: int = 2) -> torch.nn.Module:
    torch.manual_seed(1)
    network = Architecture(len(FIELDS) + 1, NUMBERS, 8, latents, 6).build().eval()
    torch.nn.init.normal_(network.head[1].weight, std=0.1)
    return network


def _batch(rows: int = 2) -> dict[str, torch.Tensor]:
    torch.manual_seed(2)
    return {
        "fine": torch.randn(rows, 1, 16, 16, 16),
        "coarse": torch.randn(rows, len(FIELDS) + 1, 8, 8, 8),
        "summary": torch.randn(rows, NUMBERS),
        "target": torch.randn(rows, 8, 8, 8),
    }


def test_folding_is_undone_by_unfolding() -> None:
    field = torch.randn(2, 3, 8, 4, 6)
    assert folded(field).shape == (2, 24, 4, 2, 3)
    torch.testing.assert_close(unfolded(folded(field)), field)


def test_a_shifted_box_has_a_shifted_answer() -> None:
    """By two cells, because the coarser grid has half as many."""
    network, batch = _network(), _batch()
    with torch.no_grad():
        answer = network.mean(network.look(batch["fine"], batch["coarse"], batch["summary"]))
        fine, coarse = (torch.roll(batch[n], [s * 2, s * 4], [-3, -1]) for n, s in (("fine", 2), ("coarse", 1)))
        moved = network.mean(network.look(fine, coarse, batch["summary"]))
    torch.testing.assert_close(moved, torch.roll(answer, [2, 4], [-3, -1]), atol=1e-4, rtol=1e-4)


def test_the_answer_is_linear_in_the_latents_so_that_their_mean_gives_the_mean() -> None:
    network, batch = _network(), _batch(1)
    with torch.no_grad():
        prior = network.look(batch["fine"], batch["coarse"], batch["summary"])
        first, second = torch.randn(2, *prior.mean.shape)
        halfway = network.decode(prior, (first + second) / 2)
        torch.testing.assert_close(halfway, (network.decode(prior, first) + network.decode(prior, second)) / 2)
    assert not torch.equal(network.decode(prior, first), network.decode(prior, second))


def test_inputs_and_target_are_turned_alike() -> None:
    """Whatever is done to a field is done to its copies, and to the same field on a finer grid."""
    torch.manual_seed(3)
    coarse = torch.randn(1, 1, 8, 8, 8)
    fine = torch.from_numpy(resample_grid(coarse.numpy(), (16, 16, 16)))
    seen = set()
    for _ in range(20):
        batch = {"fine": fine, "coarse": coarse, "summary": torch.zeros(1, 2), "target": coarse[:, 0]}
        turned = transformed(batch)
        torch.testing.assert_close(turned["coarse"][:, 0], turned["target"])
        again = resample_grid(turned["fine"].numpy(), (8, 8, 8))
        # Waves of the Nyquist frequency are in one of the two only.
        wanted = resample_grid(resample_grid(turned["coarse"].numpy(), (16, 16, 16)), (8, 8, 8))
        np.testing.assert_allclose(again, wanted, atol=1e-4)
        seen.add(float(turned["target"][0, 0, 0, 0]))
    assert len(seen) > 15, "shifts, reflections and turns are drawn"


def test_likelihood_is_that_of_gaussian_waves() -> None:
    likelihood = new_likelihood(GEOMETRY, 6)
    waves = 8**3 - 1 - (8**3 - 7**3)  # less the mean and the waves of the Nyquist frequencies
    assert float(likelihood.counts.sum()) == waves
    power = likelihood.power(2 * torch.randn(400, 8, 8, 8, generator=torch.Generator().manual_seed(1)))
    torch.testing.assert_close(power.mean(0), torch.full((6,), 4.0), rtol=0.1, atol=0)
    field = torch.randn(200, 8, 8, 8, generator=torch.Generator().manual_seed(2))
    losses = [float(likelihood(field, torch.full((200, 6), level)).mean()) for level in (-0.5, 0.0, 0.5)]
    assert losses[1] < min(losses[0], losses[2]), "the right noise is the most likely"


def test_divergence_is_zero_for_the_prior_and_that_of_gaussians_else() -> None:
    nothing = torch.zeros(1, 1, 2, 2, 2)
    prior = Prior(nothing, nothing, nothing, nothing + 1, nothing - 0.3)
    assert float(divergence(prior.mean, prior.log_width, prior).abs().max()) == 0
    own, mean = torch.distributions.Normal(2.0, 0.5), torch.full_like(nothing, 2.0)
    expected = torch.distributions.kl_divergence(own, torch.distributions.Normal(1.0, np.exp(-0.3)))
    found = divergence(mean, nothing + np.log(0.5), prior)
    torch.testing.assert_close(found, torch.full_like(found, float(expected)))


def test_the_linear_estimate_finds_the_field_that_is_the_target() -> None:
    rng = np.random.default_rng(4)
    coarse = rng.standard_normal((3, len(FIELDS), 8, 8, 8)).astype(np.float32)
    target = (0.5 * coarse[:, 2] - 2 * coarse[:, 4]).astype(np.float32)
    edges, normal = normal_equations(zip(coarse, target, strict=True), GEOMETRY)
    own = Wiener.solved(edges, normal).apply(coarse, GEOMETRY)
    whole = target - target.mean(axis=(1, 2, 3), keepdims=True)
    np.testing.assert_allclose(own, whole, atol=0.01)
    only = np.array(Wiener.solved(edges, normal, [2]).weights)
    assert np.all(only[:, [0, 1, 3, 4]] == 0)
    assert np.any(only[:, 2])


def test_noise_has_the_power_that_is_asked_for_and_what_was_learnt_by_heart_is_added() -> None:
    edges, sums = noise_bands(GEOMETRY)
    rng = np.random.default_rng(5)
    summary = rng.standard_normal((60, 3))
    missing = np.exp(0.7 * summary[:, :1]) * np.linspace(1, 4, len(edges) - 1)
    total = 2 * missing
    held_out = np.arange(60) >= 40
    missing[held_out] *= 1.5  # rows that were not trained on are missed by more
    noise = fit_noise(edges, missing, total, summary, held_out)
    np.testing.assert_allclose(noise.power(np.zeros((1, 3)))[0], 1.5 * np.linspace(1, 4, len(edges) - 1), rtol=0.1)
    np.testing.assert_allclose(np.array(noise.slope)[:, 0], 0.7, atol=0.1)
    drawn = np.stack([noise.draw(summary[0], GEOMETRY, rng) for _ in range(30)])
    power = compare(drawn, drawn, edges, GEOMETRY.lengths).first.mean(axis=0) / np.maximum(sums.modes, 1)
    enough = sums.modes > 100
    np.testing.assert_allclose(power[enough], noise.power(summary[:1])[0][enough], rtol=0.1)
    assert NoiseModel.from_json(json.loads(json.dumps(noise.to_json()))) == noise


def test_inputs_shift_with_the_box_and_empty_cells_are_no_trouble() -> None:
    final = _final(1)
    final[0, :4, :4, :4] = -1
    here, there = look_at(final, GEOMETRY), look_at(np.roll(final, (4, 8), (1, 3)), GEOMETRY)
    assert np.isfinite(here.fine).all()
    assert here.coarse.shape == (1, len(FIELDS), 8, 8, 8)
    np.testing.assert_allclose(np.roll(here.coarse, (2, 2), (2, 4)), there.coarse, atol=2e-3)
    np.testing.assert_allclose(here.summary, there.summary, atol=1e-3)


def test_training_leaves_a_model_that_is_read_back_alike(universes: Path, reconstruction_model: Path) -> None:
    table = read_table(universes / "data" / "dataset.parquet", ["final", "initial"], "test")
    model = load_model(reconstruction_model)
    mean = model.mean(table["final"])
    assert mean.shape == table["initial"].shape
    samples = model.sample(table["final"], 3, seed=7)
    assert samples.shape == (len(mean), 3, *mean.shape[1:])
    np.testing.assert_array_equal(samples, load_model(reconstruction_model).sample(table["final"], 3, seed=7))
    assert not np.array_equal(samples[:, 0], samples[:, 1])
    alike = compare(table["initial"], mean, (0.2, 0.5, 1.0), (25.0,) * 3).correlation()[0]
    assert alike[0] > 0.9
    assert alike[1] > 0.4
    # A sample has the power of the truth, the mean less.
    power = compare(table["initial"], samples[:, 0], (0.2, 1.0, 4.0), (25.0,) * 3).transfer()[0]
    np.testing.assert_allclose(power, 1, atol=0.2)
    assert set(model.others(table["final"])) == {"wiener", "linear", "unet"}
    assert not list(reconstruction_model.parent.glob(".shown-*")), "scratch tables are gone"


def test_what_the_latents_do_is_recorded(reconstruction_model: Path, universes: Path) -> None:
    stored = json.loads((reconstruction_model / "model.json").read_text())
    assert (stored["kind"], stored["target"]) == ("variational_autoencoder", "initial")
    latents = stored["training"]["latents"]
    assert len(latents) == SMALL.latents
    assert all(latent["nats"] > 0 for latent in latents), "no latent is its prior"
    used = [latent["nats_per_cell"] > SMALL.free_nats + 0.01 for latent in latents]
    assert [latent["active"] for latent in latents] == used, "what is free may be taken without any use"
    split = stored["preprocess"]["split"]
    assert split == {"validation_fraction": 0.2, "test_fraction": 0.2, "seed": 1}
    assert read_settings(universes / "data" / "dataset.parquet")["channels"] == stored["preprocess"]["channels"]


def test_a_model_refuses_slices_of_another_shape(reconstruction_model: Path) -> None:
    with pytest.raises(InputError, match=r"shape \(8, 32, 32\), but the model knows \(16, 32, 32\)"):
        load_model(reconstruction_model).mean(np.zeros((1, 8, 32, 32), dtype=np.float32))


@pytest.mark.parametrize("broken", ["model.json", "weights.safetensors"])
def test_a_broken_model_is_named(broken: str, reconstruction_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(reconstruction_model, folder)
    (folder / broken).write_bytes((folder / broken).read_bytes()[:100])
    with pytest.raises(InputError, match="is not a model of this software"):
        load_model(folder)


def test_a_model_without_the_plain_network_is_one(universes: Path, tmp_path: Path) -> None:
    train(universes / "data", tmp_path / "model", dataclasses.replace(SMALL, plain=False, epochs=1))
    model = load_model(tmp_path / "model")
    assert model.plain is None
    assert not (tmp_path / "model" / "plain_unet.safetensors").exists()


def test_half_precision_is_for_the_network_alone(universes: Path, tmp_path: Path) -> None:
    """Waves and nats keep their digits."""
    train(universes / "data", tmp_path / "model", dataclasses.replace(SMALL, precision="bfloat16", epochs=1))
    table = read_table(universes / "data" / "dataset.parquet", ["final", "initial"], "test")
    mean = load_model(tmp_path / "model").mean(table["final"])
    assert compare(table["initial"], mean, (0.2, 0.5), (25.0,) * 3).correlation()[0, 0] > 0.9


def test_slices_that_do_not_say_how_they_were_cut_are_refused() -> None:
    with pytest.raises(InputError, match="do not say how they were cut"):
        geometry_of({"channels": 8})
    with pytest.raises(InputError, match="powers of two"):
        geometry_of({"channels": 12, "grid": 24, "box_size_mpc_h": 25.0})


@pytest.mark.parametrize("wrong", [{"width": 6}, {"latents": 0}, {"learning_rate": 0.0}, {"free_nats": -1.0}])
def test_settings_are_checked(wrong: dict[str, float]) -> None:
    with pytest.raises(ParameterError):
        Settings(**wrong)  # type: ignore[arg-type]


def test_latents_begin_as_patterns_that_carry_half_of_what_is_missed() -> None:
    torch.manual_seed(4)
    network = Architecture(len(FIELDS) + 1, NUMBERS, 8, 1, 6).build().eval()
    batch = _batch(8)
    smooth = resample_grid(np.random.default_rng(1).standard_normal((8, 4, 4, 4)).astype(np.float32), (8, 8, 8))
    missed = 3 * torch.from_numpy(smooth)
    network.begin_latents(missed)
    torch.testing.assert_close(haar(8) @ haar(8).T, torch.eye(8))
    with torch.no_grad():
        prior = network.look(batch["fine"], 0 * batch["coarse"], batch["summary"])
        mean, _ = network.recognise(prior, prior.mean_field + missed)
        found = network.decode(prior, mean) - network.mean(prior)
    left = float((missed - found).square().mean() / missed.square().mean())
    assert left < 0.7, "random weights would leave all of it"


def test_latents_are_asked_for_long_waves_alone() -> None:
    share = latent_share(GEOMETRY, 6)
    assert float(share[0]) == pytest.approx(0.5)
    assert bool((share[1:] <= share[:-1]).all())
    assert float(share[-1]) == 0

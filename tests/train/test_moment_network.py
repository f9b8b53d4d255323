"""Moment networks: their loss, their symmetries, what they learn of which fields, and what they refuse."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from universe_maps import SMALL, prepare_universes, write_universes

from components.common.errors import InputError, ParameterError
from components.common.tables import read_table
from components.ingest.camels_maps.ingestion import Settings as Ingest
from components.ingest.camels_maps.ingestion import ingest
from components.physics.multifield import PARAMETERS
from components.preprocess.field_maps.preprocessing import Settings as Prepare
from components.preprocess.field_maps.preprocessing import preprocess
from components.train.moment_network.attribution import saliency
from components.train.moment_network.inference import load_model
from components.train.moment_network.network import Architecture, MomentNetwork, drop_fields, vary
from components.train.moment_network.objective import hsic, moment_loss
from components.train.moment_network.parameters import coordinates, from_coordinates, prior_moments
from components.train.moment_network.training import Settings, train


@pytest.fixture(scope="module")
def universes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare_universes(tmp_path_factory.mktemp("universes"))


@pytest.fixture(scope="module")
def trained(universes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "model"
    train(universes / "data", folder, replace(SMALL, epochs=20, learning_rate=5e-3))
    return folder


def test_the_loss_is_least_for_mean_and_deviation() -> None:
    generator = torch.Generator().manual_seed(0)
    truth = 0.3 + 0.7 * torch.randn((20_000, 1), generator=generator)
    best = moment_loss(torch.full_like(truth, 0.3), torch.full_like(truth, 0.7), truth)
    for mean, width in ((0.4, 0.7), (0.2, 0.7), (0.3, 0.6), (0.3, 0.8)):
        assert moment_loss(torch.full_like(truth, mean), torch.full_like(truth, width), truth) > best


def test_missing_labels_are_left_out_and_give_no_gradient() -> None:
    truth = torch.tensor([[0.5, float("nan")], [0.1, float("nan")]])
    mean = torch.zeros((2, 2), requires_grad=True)
    width = torch.ones((2, 2), requires_grad=True)
    loss = moment_loss(mean, width, truth)
    loss.backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(loss)
    assert mean.grad is not None
    assert (mean.grad[:, 1] == 0).all()
    assert (mean.grad[:, 0] != 0).all()


def test_the_kernel_measure_finds_dependence_that_no_correlation_shows() -> None:
    generator = torch.Generator().manual_seed(1)
    one = torch.randn((256, 1), generator=generator)
    other = torch.randn((256, 1), generator=generator)
    assert abs(float(hsic(one, other))) < 0.03
    assert hsic(one, one**2 + 0.1 * other) > 0.2
    assert hsic(one, one) == pytest.approx(1, abs=0.01)


def make_network(side: int) -> MomentNetwork:
    """Make a network of two fields that answers at random."""
    torch.manual_seed(0)
    network = Architecture(2, side, [0.5, 0.7], channels=[4, 8]).build().eval()
    network.ridge.fit(network.summaries(torch.randn((200, 2, side, side))), torch.randn((200, 6)) / 2, 0.0)
    for head in (network.cosmology, network.feedback):
        torch.nn.init.normal_(head.straight.weight)
    return network


def test_the_answer_does_not_depend_on_where_a_map_is_cut() -> None:
    network = make_network(32)
    maps, present = torch.randn((3, 2, 32, 32)), torch.ones((3, 2), dtype=torch.bool)
    with torch.no_grad():
        before = network(maps, present)
        moved = network(maps.roll((8, -12), (-2, -1)), present)
    for one, other in zip(before, moved, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_a_missing_field_changes_nothing_whatever_is_in_it() -> None:
    network = make_network(16)
    maps, present = torch.randn((3, 2, 16, 16)), torch.tensor([[True, False]]).expand(3, -1)
    other = maps.clone()
    other[:, 1] = 100
    with torch.no_grad():
        assert torch.equal(network(maps, present)[0], network(other, present)[0])
        assert not torch.equal(network(maps, present)[0], network(maps, torch.ones_like(present))[0])


def test_varied_maps_keep_their_pixels_and_fields_stay_together() -> None:
    torch.manual_seed(2)
    maps = torch.randn((16, 1, 8, 8)).repeat(1, 2, 1, 1)
    varied = vary(maps)
    assert torch.equal(varied[:, 0], varied[:, 1])
    assert torch.equal(varied.flatten(1).sort(1)[0], maps.flatten(1).sort(1)[0])
    assert not torch.equal(varied, maps)


def test_left_out_fields_leave_at_least_one() -> None:
    torch.manual_seed(0)
    shown = drop_fields(4000, 4, 0.5)
    counts = torch.bincount(shown.sum(1), minlength=5)
    assert counts[0] == 0
    assert counts[4] == pytest.approx(4000 * (0.5 + 0.5 / 4), rel=0.1)
    shares = shown.float().mean(0).numpy()
    assert shares == pytest.approx(np.full(4, shares.mean()), rel=0.05)


def test_no_feedback_at_all_is_a_missing_label() -> None:
    found = coordinates(np.array([[0.3, 0.8, 0.0, np.nan, 1.0, 10.0]]))
    assert np.isnan(found[0, 2:4]).all()
    assert found[0, [0, 1, 4, 5]].tolist() == [0.3, 0.8, 0.0, 1.0]
    assert from_coordinates(found)[0, 5] == pytest.approx(10)


def test_it_learns_each_parameter_from_the_field_that_tells_it(universes: Path, trained: Path) -> None:
    model = load_model(trained)
    table = read_table(universes / "data" / "dataset.parquet", ["maps", *PARAMETERS], "test")
    truth = coordinates(np.column_stack([table[name] for name in PARAMETERS]))
    _, prior = prior_moments()
    error = {
        shown: np.sqrt(((model.predict(table["maps"], shown).mean - truth) ** 2).mean(axis=0)) / prior
        for shown in (None, ("Mtot",), ("T",))
    }
    assert (error[None][:3] < [0.7, 0.1, 0.6]).all()  # no linear estimate of omega_m is better than 0.6
    assert (error["Mtot",][:2] < 0.8).all()  # the best linear estimate of omega_m misses by 0.65
    assert error["Mtot",][2] > 0.8
    assert error["T",][2] < 0.6


def test_bars_are_stretched_by_what_is_shown(universes: Path, trained: Path) -> None:
    model = load_model(trained)
    assert model.stretch.shape == (3, 6)
    table = read_table(universes / "data" / "dataset.parquet", ["maps", *PARAMETERS], "test")
    truth = coordinates(np.column_stack([table[name] for name in PARAMETERS]))
    for shown in (None, ["Mtot"], ["T"]):
        found = model.predict(table["maps"], shown)
        chi2 = (((found.mean - truth) / found.width) ** 2).mean(axis=0)
        assert chi2 == pytest.approx(np.ones(6), abs=0.5)  # twenty universes
        assert chi2.mean() == pytest.approx(1, abs=0.2)


def test_summaries_may_be_known_before(universes: Path, trained: Path) -> None:
    model = load_model(trained)
    maps = read_table(universes / "data" / "dataset.parquet", ["maps"], "test")["maps"][:20]
    for shown in (None, ["T"]):
        before, after = model.predict(maps, shown), model.predict(maps, shown, model.sum_up(maps))
        np.testing.assert_allclose(before.mean, after.mean, rtol=1e-6)
        np.testing.assert_allclose(before.width, after.width, rtol=1e-6)


def test_a_model_comes_back_from_its_folder_the_same(universes: Path, trained: Path) -> None:
    maps = read_table(universes / "data" / "dataset.parquet", ["maps"], "test")["maps"][:5]
    one, other = load_model(trained), load_model(trained)
    assert np.array_equal(one.predict(maps).mean, other.predict(maps).mean)
    assert one.preprocess_settings["split"] == {"validation_fraction": 0.2, "test_fraction": 0.25, "seed": 1}
    gradient = saliency(one, maps, 0)
    assert gradient.shape == maps.shape
    assert (gradient > 0).any()


@pytest.mark.parametrize("invariance", ["hsic", "adversarial"])
def test_independence_is_trained_beside_a_network_without(
    universes: Path, tmp_path: Path, invariance: str
) -> None:
    train(universes / "data", tmp_path / "model", replace(SMALL, epochs=2, invariance=invariance))
    model = load_model(tmp_path / "model")
    assert model.marginal is not None
    maps = read_table(universes / "data" / "dataset.parquet", ["maps"], "test")["maps"][:5]
    assert not np.array_equal(model.predict(maps).mean, model.marginal.predict(maps).mean)
    assert (model.stretch.shape, model.marginal.stretch.shape) == ((3, 6), (1, 6))
    assert not (model.marginal.stretch == 1).all(), "its bars are compared too"


def test_what_cannot_be_trained_is_refused(universes: Path, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="no invariance"):
        Settings(invariance="none")
    with pytest.raises(ParameterError, match="too few"):
        Settings(batch_size=2)
    with pytest.raises(ParameterError, match="cannot be halved"):
        train(universes / "data", tmp_path / "model", replace(SMALL, channels=[4] * 6))
    with pytest.raises(InputError, match="has no column"):
        train(universes / "raw", tmp_path / "model", SMALL)
    with pytest.raises(InputError, match="is not a model"):
        load_model(tmp_path)


def test_universes_that_are_all_alike_are_refused(tmp_path: Path) -> None:
    settings = Ingest(source="files", camels_set="CV", simulations="0-26", location=str(tmp_path / "CV"))
    write_universes(tmp_path / "CV", "IllustrisTNG", simulations=27)
    for path in sorted((tmp_path / "CV").iterdir()):
        path.rename(str(path).replace("LH", "CV"))
    (tmp_path / "CV" / "params_CV_IllustrisTNG.txt").write_text("0.3 0.8 1 1 1 1\n" * 27)
    ingest(tmp_path / "raw", replace(settings, grid=0))
    preprocess(tmp_path / "raw", tmp_path / "data", Prepare(validation_fraction=0.2, test_fraction=0.25, seed=1))
    with pytest.raises(InputError, match="omega_m and sigma_8 are the same in all training maps"):
        train(tmp_path / "data", tmp_path / "model", SMALL)

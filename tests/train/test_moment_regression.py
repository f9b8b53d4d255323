"""The regression that moment networks begin from: its summaries, its closed form for any fields, independence."""

import math

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge as Peer
from torch import Tensor

from components.train.image_cnn.network import symmetry
from components.train.moment_network.network import Architecture
from components.train.moment_network.parameters import prior_moments
from components.train.moment_network.regression import Summarised, fit_ridge
from components.train.moment_network.ridge import PENALTIES, Ridge
from components.train.moment_network.summaries import Summaries

SIDE = 16
ROWS = 400


def make_rows(leak: float = 0.0) -> tuple[Summaries, Tensor, Tensor]:
    """Make maps whose level tells omega_m, as far as `leak` times feedback lets it, and their summaries."""
    generator = torch.Generator().manual_seed(0)
    truth = math.sqrt(3) * (2 * torch.rand((ROWS, 6), generator=generator) - 1)
    maps = torch.randn((ROWS, 2, SIDE, SIDE), generator=generator)
    maps[:, 0] += (truth[:, 0] + leak * truth[:, 2])[:, None, None]
    maps[:, 1] *= (1 + 0.2 * truth[:, 2])[:, None, None]
    summaries = Summaries(SIDE, [0.5, 0.5])
    return summaries, summaries(maps), truth


def test_summaries_do_not_change_when_a_map_is_turned_and_shifted() -> None:
    maps = torch.randn((3, 2, SIDE, SIDE), generator=torch.Generator().manual_seed(1))
    summaries = Summaries(SIDE, [0.5, 0.7])
    found = summaries(maps)
    for number in range(8):
        moved = symmetry(maps, number).roll((3, 7), (-2, -1))
        torch.testing.assert_close(summaries(moved), found, rtol=1e-4, atol=1e-4)


def test_summaries_are_what_they_are_called() -> None:
    maps = torch.randn((2, 2, SIDE, SIDE), generator=torch.Generator().manual_seed(2))
    summaries = Summaries(SIDE, [0.5, 0.7])
    found = summaries(maps).numpy()
    field = 10 ** (0.7 * maps[:, 1].double().numpy())
    first = summaries.moments[4]
    assert summaries.fields[first] == (1,)
    assert found[:, first] == pytest.approx(np.log(field.mean((1, 2))), rel=1e-4)
    variance = field.var((1, 2)) / field.mean((1, 2)) ** 2
    assert found[:, first + 1] == pytest.approx(np.log(variance), rel=1e-4, abs=1e-5)
    assert found[:, first + 2] == pytest.approx(maps[:, 1].mean((1, 2)).numpy(), abs=1e-5)
    together = Summaries(SIDE, [0.5, 0.5])(torch.stack([maps[:, 0], maps[:, 0]], 1)).numpy()
    shared = [place for place, of in enumerate(summaries.fields) if of == (0, 1)]
    assert together[:, shared] == pytest.approx(np.ones((2, len(shared))), abs=1e-4)


@pytest.mark.parametrize("shown", [(True, True), (True, False), (False, True)])
def test_the_closed_form_is_that_of_a_peer_for_every_set_of_fields(shown: tuple[bool, bool]) -> None:
    summaries, found, truth = make_rows()
    ridge = Ridge(summaries, 2, 6)
    ridge.fit(found, truth, 0.0)
    ridge.use_penalty(3.0)
    mean, _ = ridge(ridge.scaled(found), torch.tensor([shown]).expand(ROWS, -1))
    kept = [place for place, of in enumerate(summaries.fields) if all(shown[field] for field in of)]
    moments = [place for place in summaries.moments if place in kept]
    scaled = (found - found.mean(0)) / found.std(0)
    products = [scaled[:, a] * scaled[:, b] for i, a in enumerate(moments) for b in moments[i:]]
    inputs = torch.column_stack([scaled[:, kept], *products]).double()
    inputs = ((inputs - inputs.mean(0)) / inputs.std(0)).numpy()
    centre, unit = prior_moments()
    target = truth.double().numpy()
    target[:, :2] = np.log(centre[:2] + unit[:2] * target[:, :2])
    peer = Peer(alpha=3.0).fit(inputs, target).predict(inputs)
    peer[:, :2] = (np.exp(peer[:, :2]) - centre[:2]) / unit[:2]
    inside = np.abs(peer) < 1.8  # beyond what training has seen answers are cut
    assert inside.mean() > 0.99
    assert mean.numpy()[inside] == pytest.approx(peer[inside], abs=2e-3)


def test_a_row_is_answered_by_its_own_fields_alone() -> None:
    summaries, found, truth = make_rows()
    ridge = Ridge(summaries, 2, 6)
    ridge.fit(found, truth, 0.0)
    present = torch.tensor([[True, True], [True, False], [False, True]])
    mixed, spread = ridge(ridge.scaled(found[:3]), present)
    for row in range(3):
        alone, own = ridge(ridge.scaled(found[row : row + 1]), present[row : row + 1])
        torch.testing.assert_close(mixed[row], alone[0])
        torch.testing.assert_close(spread[row], own[0])
    assert spread[1, 0] < 0.5 * spread[2, 0], "the second field says nothing of omega_m"


def test_coarse_arithmetic_of_a_network_is_not_that_of_the_regression() -> None:
    summaries, found, truth = make_rows()
    ridge = Ridge(summaries, 2, 6)
    ridge.fit(found, truth, 0.0)
    present = torch.ones((ROWS, 2), dtype=torch.bool)
    before, _ = ridge(ridge.scaled(found), present)
    with torch.autocast("cpu", torch.bfloat16):
        after, _ = ridge(ridge.scaled(found), present)
    assert torch.equal(before, after)


def test_independence_takes_feedback_out_of_the_errors() -> None:
    summaries, found, truth = make_rows(leak=0.5)
    ridge = Ridge(summaries, 2, 6)
    present = torch.tensor([[True, False]]).expand(ROWS, -1)
    correlations = []
    for independence in (0.0, 100.0):
        ridge.fit(found, truth, independence)
        mean, _ = ridge(ridge.scaled(found), present)
        residual = (mean - truth)[:, 0].numpy()
        given = np.column_stack([np.ones(ROWS), truth[:, :2].numpy()])
        residual -= given @ np.linalg.lstsq(given, residual, rcond=None)[0]
        correlations.append(abs(np.corrcoef(residual, truth[:, 2])[0, 1]))
    assert correlations[0] > 0.8
    assert correlations[1] < 0.5 * correlations[0]


def test_universes_without_feedback_are_learnt_from_too() -> None:
    summaries, found, truth = make_rows()
    ridge = Ridge(summaries, 2, 6)
    truth[:, 2:] = torch.nan
    ridge.fit(found, truth, 30.0)
    mean, spread = ridge(ridge.scaled(found), torch.ones((ROWS, 2), dtype=torch.bool))
    assert torch.isfinite(mean).all()
    assert (spread > 0).all()
    assert float((mean - truth)[:, 0].square().mean().sqrt()) < 0.2


def test_what_training_never_saw_does_not_run_away() -> None:
    summaries, found, truth = make_rows()
    ridge = Ridge(summaries, 2, 6)
    ridge.fit(found, truth, 0.0)
    mean, _ = ridge(ridge.scaled(100 * found), torch.ones((ROWS, 2), dtype=torch.bool))
    assert float(mean.abs().max()) < 2.5


def test_a_ratio_survives_where_both_fields_are_a_little_beyond_training() -> None:
    generator = torch.Generator().manual_seed(4)
    truth = math.sqrt(3) * (2 * torch.rand((ROWS, 6), generator=generator) - 1)
    common = torch.randn(ROWS, generator=generator)
    maps = 0.3 * torch.randn((ROWS, 2, SIDE, SIDE), generator=generator) + common[:, None, None, None]
    maps[:, 0] += 0.3 * truth[:, 0, None, None]
    summaries = Summaries(SIDE, [0.5, 0.5])
    found = summaries(maps)
    ridge = Ridge(summaries, 2, 6)
    within = common < common.quantile(0.95)
    ridge.fit(found[within], truth[within], 0.0)
    mean, _ = ridge(ridge.scaled(found), torch.ones((ROWS, 2), dtype=torch.bool))
    squared = (mean - truth)[:, 0].square()
    assert squared[within].mean().sqrt() < 0.2
    assert squared[~within].mean().sqrt() < 0.4


def test_the_penalty_is_chosen_on_validation_maps() -> None:
    summaries, found, truth = make_rows()
    few, noise = slice(0, 40), torch.randn((40, 6), generator=torch.Generator().manual_seed(3))
    ridge = Ridge(summaries, 2, 6)
    rest = Summarised({}, found[40:], truth[40:])
    fit_ridge(ridge, rest, Summarised({}, found[few], truth[few]), 0.0)
    told = float(ridge.get_buffer("penalty"))
    fit_ridge(ridge, Summarised({}, found[few], noise), rest, 0.0)
    assert told < float(ridge.get_buffer("penalty")) == PENALTIES[-1]


def test_a_network_begins_with_what_the_regression_says() -> None:
    torch.manual_seed(0)
    summaries, _, truth = make_rows()
    network = Architecture(2, SIDE, [0.5, 0.5], channels=[4, 8]).build().eval()
    maps, present = torch.randn((ROWS, 2, SIDE, SIDE)), torch.ones((ROWS, 2), dtype=torch.bool)
    network.ridge.fit(summaries(maps), truth, 0.0)
    with torch.no_grad():
        mean, width = network(maps, present)
        start, spread = network.begin(maps, present)
    torch.testing.assert_close(mean, start)
    torch.testing.assert_close(width, spread, rtol=2e-3, atol=1e-5)

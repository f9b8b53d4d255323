"""The regression that moment networks begin from: its summaries, its closed form for any fields, independence."""

import math

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge as Peer
from torch import Tensor

from components.train.moment_network.network import Architecture
from components.train.moment_network.parameters import prior_moments
from components.train.moment_network.regression import Summarised, fit_ridge
from components.train.moment_network.ridge import PENALTIES, Ridge
from components.train.moment_network.summaries import Summaries
from components.train.symmetries import symmetry

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


def in_universes(found: Tensor, truth: Tensor) -> Summarised:
    """Say that five maps after each other are of one universe, and divide these."""
    groups = np.array([f"universe-{row // 5}" for row in range(len(found))])
    return Summarised({}, found, truth, groups, {}).divided(seed=0)


def test_the_penalty_is_chosen_by_universes_that_are_left_out() -> None:
    summaries, found, truth = make_rows()
    noise = torch.randn((40, 6), generator=torch.Generator().manual_seed(3))
    ridge = Ridge(summaries, 2, 6)
    fit_ridge(ridge, in_universes(found, truth), 0.0)
    told = float(ridge.get_buffer("penalty"))
    fit_ridge(ridge, in_universes(found[:40], noise), 0.0)
    assert told < float(ridge.get_buffer("penalty")) == PENALTIES[-1]


def test_a_universe_is_in_one_fold_and_all_folds_are_as_large() -> None:
    _, found, truth = make_rows()
    maps = in_universes(found, truth)
    folds = maps.folds_of(maps.groups).reshape(-1, 5)
    assert (folds == folds[:, :1]).all()
    assert np.unique(folds[:, 0], return_counts=True)[1].tolist() == [16] * 5
    assert maps.folds_of(np.array(["another"])).tolist() == [-1]


@pytest.mark.parametrize("shown", [(True, True), (False, True)])
@pytest.mark.parametrize("independence", [0.0, 30.0])
def test_answers_without_a_fold_are_those_of_a_regression_without_it(
    shown: tuple[bool, bool], independence: float
) -> None:
    summaries, found, truth = make_rows(leak=0.3)
    maps = in_universes(found, truth)
    folds = torch.as_tensor(maps.folds_of(maps.groups))
    ridge, refitted = Ridge(summaries, 2, 6), Ridge(summaries, 2, 6)
    fit_ridge(ridge, maps, independence)
    present = torch.tensor([shown]).expand(ROWS, -1)
    mean, spread = ridge(ridge.scaled(found), present, folds)
    known, unit = ridge(ridge.scaled(found), present)
    torch.testing.assert_close(spread / mean_scale(mean), unit / mean_scale(known))
    missed = []
    assert (known - mean)[:, 3:].square().mean() > 0.12**2, "it makes a difference"
    for fold in range(5):
        out = folds == fold
        refitted.fit(found[~out], truth[~out], independence)
        refitted.use_penalty(float(ridge.get_buffer("penalty")))
        again, _ = refitted(refitted.scaled(found[out]), present[out])
        difference = (again - mean[out]).square().mean(0).sqrt()
        assert (difference < 0.1).all(), "centres and cuts are of all maps, and nothing else"
        missed.append((again - truth[out]).square())
    brute = torch.cat(missed).mean(0).sqrt()[2:]  # feedback is regressed as it is
    assert ridge.out_of_fold(torch.tensor(shown))[2:].numpy() == pytest.approx(brute.numpy(), rel=0.03)


def mean_scale(mean: Tensor) -> Tensor:
    """By what spreads of logarithms grow: with omega_m and sigma_8 themselves."""
    centre, unit = (torch.tensor(values[:2], dtype=torch.float32) for values in prior_moments())
    return torch.cat([centre / unit + mean[:, :2], torch.ones_like(mean[:, 2:])], 1)


def test_widths_are_honest_without_the_fold_and_too_small_with_it() -> None:
    summaries, found, truth = make_rows()
    few = in_universes(found[:120], truth[:120])
    ridge = Ridge(summaries, 2, 6)
    fit_ridge(ridge, few, 0.0)
    ridge.use_penalty(PENALTIES[0])
    present = torch.ones((ROWS, 2), dtype=torch.bool)
    folds = torch.as_tensor(few.folds_of(few.groups))

    def chi2(mean: Tensor, spread: Tensor, rows: slice) -> float:
        return float(((mean - truth[rows]) / spread)[:, 2:].square().mean())

    own, new = slice(0, 120), slice(120, ROWS)
    unseen = chi2(*ridge(ridge.scaled(found[new]), present[new]), new)
    left_out = chi2(*ridge(ridge.scaled(found[own]), present[own], folds), own)
    inside = chi2(*ridge(ridge.scaled(found[own]), present[own]), own)
    assert inside == pytest.approx(1, abs=0.05)
    assert unseen > 1.5
    assert left_out == pytest.approx(unseen, rel=0.3)


def test_a_network_begins_with_what_the_regression_says() -> None:
    torch.manual_seed(0)
    summaries, _, truth = make_rows()
    network = Architecture(2, SIDE, [0.5, 0.5], channels=[4, 8]).build().eval()
    maps, present = torch.randn((ROWS, 2, SIDE, SIDE)), torch.ones((ROWS, 2), dtype=torch.bool)
    network.ridge.fit(summaries(maps), truth, 0.0)
    with torch.no_grad():
        mean, width = network(maps, present)
        _, spread = network.ridge(network.ridge.scaled(summaries(maps)), present)
    torch.testing.assert_close(mean, network.begin(summaries(maps)))
    torch.testing.assert_close(width, spread, rtol=2e-3, atol=1e-5)

"""Bins of redshift, and the cross entropy on them."""

import json

import numpy as np
import pytest
import torch
from torch.nn import functional

from components.train.conv1d.redshift_bins import RedshiftBins

BINS = RedshiftBins(2e-3, 300)
CENTRES = 10 ** (2e-3 * np.arange(300)) - 1


def _logits(rows: int) -> torch.Tensor:
    return torch.randn(rows, 300, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("largest", [0.3, 2.0, 4.99, 7.0])
@pytest.mark.parametrize("subpixels", [1, 4])
def test_bins_cover_every_redshift_up_to_the_largest(largest: float, subpixels: int) -> None:
    bins = RedshiftBins.covering(largest, 8e-4, subpixels)
    assert np.all(np.diff(bins.edges) > 0)
    assert len(bins.edges) == bins.count + 1
    assert bins.edges[0] < 0 < bins.edges[1]
    assert bins.edges[-1] > largest
    assert bins.edges[-1] < (1 + largest) * 10 ** (10 * 8e-4) - 1  # a little beyond, not twice
    assert bins.count % subpixels == 0
    assert bins.step == pytest.approx(8e-4 / subpixels)


def test_edges_lie_amid_centres_in_log_one_plus_z() -> None:
    middle = np.log10(1 + BINS.edges)
    assert (middle[1:] + middle[:-1]) / 2 == pytest.approx(np.log10(1 + CENTRES), abs=1e-12)


def test_at_the_centre_of_a_bin_it_is_the_usual_cross_entropy() -> None:
    index = torch.tensor([0, 1, 17, 150, 298])
    logits = _logits(5)
    expected = functional.cross_entropy(logits, index)
    assert float(BINS.cross_entropy(logits, torch.tensor(CENTRES[index]))) == pytest.approx(
        float(expected), rel=1e-9
    )


@pytest.mark.parametrize("share", [0.1, 0.5, 0.75])
def test_between_two_centres_the_truth_is_shared(share: float) -> None:
    logits = _logits(1)
    redshift = torch.tensor([10 ** (2e-3 * (40 + share)) - 1], dtype=torch.float64)
    log_probability = functional.log_softmax(logits, dim=1)[0]
    expected = -(1 - share) * log_probability[40] - share * log_probability[41]
    assert float(BINS.cross_entropy(logits, redshift)) == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize(("redshift", "nearest"), [(-0.01, 0), (1e3, 299), (float(CENTRES[-1]), 299)])
def test_beyond_the_bins_the_last_one_counts(redshift: float, nearest: int) -> None:
    logits = _logits(1)
    expected = -functional.log_softmax(logits, dim=1)[0, nearest]
    # 0.001 of the truth stays with the neighbour at the upper end
    assert float(BINS.cross_entropy(logits, torch.tensor([redshift]))) == pytest.approx(float(expected), rel=0.01)


def test_it_is_least_where_the_truth_is_and_its_slope_leads_there() -> None:
    logits = torch.zeros(1, 300, requires_grad=True)
    BINS.cross_entropy(logits, torch.tensor([float(CENTRES[100])])).backward()
    assert logits.grad is not None
    assert int(logits.grad.argmin()) == 100
    assert float(logits.grad.sum()) == pytest.approx(0.0, abs=1e-6)


def test_json_round_trip() -> None:
    assert RedshiftBins(**json.loads(json.dumps(BINS.to_json()))) == BINS

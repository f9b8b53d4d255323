"""The density of galaxies over magnitudes and redshift: what it knows in closed form, and how it is pooled."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from components.train.conv1d.answers import RedshiftAnswer
from components.train.image_cnn.magnitude_density import MagnitudeDensity, Pooled
from components.train.image_cnn.side_inputs import SideInputs

ANSWER = RedshiftAnswer.covering(0.6, 2e-3, 1)
CENTRES = np.log1p(ANSWER.bins.edges[:-1] / 2 + ANSWER.bins.edges[1:] / 2)


class Says(nn.Module):
    """A network that says the same of all galaxies."""

    def __init__(self, logits: Tensor):
        super().__init__()
        self.logits = logits

    def forward(self, images: Tensor | None, beside: Tensor) -> Tensor:
        return self.logits.expand(len(beside), -1)


def draw(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Magnitudes, and redshifts that go with one colour up to a scatter."""
    rng = np.random.default_rng(seed)
    magnitudes = rng.normal([19, 18, 17, 16.7, 16.5], 0.5, (rows, 5)).astype(np.float32)
    shift = 0.2 + 0.05 * (magnitudes[:, 1] - magnitudes[:, 2] - 1) + rng.normal(0, 0.02, rows)
    return magnitudes, np.expm1(shift)


def fitted(rows: int = 590, missing: int = 0) -> tuple[MagnitudeDensity, SideInputs]:
    magnitudes, redshift = draw(rows)
    magnitudes[:missing, 0] = np.nan
    sides = SideInputs.of_training(magnitudes)
    density = MagnitudeDensity.fit(sides.make(magnitudes), redshift, ANSWER.bins.edges, 1)
    assert density is not None
    return density, sides


def test_one_normal_is_linear_regression() -> None:
    density, sides = fitted()
    assert density.mean.shape[1] == 5
    magnitudes, redshift = draw(2000, 1)
    probability = density(torch.from_numpy(sides.make(magnitudes))).exp().numpy()
    assert probability.sum(1) == pytest.approx(1, abs=1e-3)
    shift = probability @ CENTRES
    assert shift == pytest.approx(0.2 + 0.05 * (magnitudes[:, 1] - magnitudes[:, 2] - 1), abs=0.015)
    width = np.sqrt(probability @ CENTRES**2 - shift**2)
    assert width == pytest.approx(0.02, rel=0.15)
    assert (np.log1p(redshift) - shift).std() == pytest.approx(0.02, rel=0.1)


def test_two_kinds_of_galaxy_with_the_same_magnitudes_are_two_peaks() -> None:
    magnitudes, redshift = draw(1000)
    redshift[::2] += 0.25
    sides = SideInputs.of_training(magnitudes)
    density = MagnitudeDensity.fit(sides.make(magnitudes), redshift, ANSWER.bins.edges, 1)
    assert density is not None
    probability = density(torch.from_numpy(sides.make(magnitudes[:200]))).exp().numpy()
    halves = np.stack([probability[:, CENTRES < 0.3].sum(1), probability[:, CENTRES > 0.3].sum(1)])
    assert np.median(halves, axis=1) == pytest.approx([0.5, 0.5], abs=0.1)
    assert probability[:, np.abs(CENTRES - 0.3) < 0.01].sum(1).mean() < 0.05


def test_rows_with_a_missing_magnitude_are_neither_learnt_from_nor_answered_for() -> None:
    density, sides = fitted(590, missing=100)
    again = MagnitudeDensity.fit(sides.make(draw(590)[0])[100:], draw(590)[1][100:], ANSWER.bins.edges, 1)
    assert again is not None
    assert torch.allclose(density.mean.mean(0), again.mean.mean(0), atol=1e-5)
    assert MagnitudeDensity.fit(sides.make(draw(190)[0]), draw(190)[1], ANSWER.bins.edges, 1) is None

    magnitudes = draw(3, 1)[0]
    magnitudes[1, 4] = np.nan
    pooled = Pooled(Says(torch.randn(ANSWER.bins.count)), density)
    pooled.share.fill_(0.5)
    beside = torch.from_numpy(sides.make(magnitudes))
    own, both = pooled.network(None, beside).softmax(1), pooled(None, beside).exp()
    assert torch.allclose(both[1], own[1], atol=1e-6)
    assert torch.allclose(both[::2], (own + density(beside).exp())[::2] / 2, atol=1e-3)


@pytest.mark.parametrize(("useless", "expected"), [("network", 1.0), ("density", 0.0), ("neither", 0.5)])
def test_who_explains_validation_rows_better_has_the_larger_share(useless: str, expected: float) -> None:
    density, sides = fitted()
    magnitudes, redshift = draw(400, 2)
    if useless == "density":
        magnitudes = magnitudes[np.random.default_rng(0).permutation(len(magnitudes))]
    beside, truth = torch.from_numpy(sides.make(magnitudes)), torch.from_numpy(redshift)
    if useless == "network":
        logits = torch.zeros(len(truth), ANSWER.bins.count)
    else:  # knows the redshift far better than the density does, in the last case of each second galaxy
        apart = (torch.log1p(truth)[:, None] - torch.from_numpy(CENTRES)) / 0.004
        logits = -apart.square().float() / 2
        if useless == "neither":
            logits[::2] = logits[::2].flip(1)
    pooled = Pooled(Says(torch.zeros(ANSWER.bins.count)), density)
    pooled.settle(logits, beside, lambda outputs: ANSWER.loss(outputs, truth))
    assert float(pooled.share) == pytest.approx(expected, abs=0.1)


def test_a_network_without_magnitudes_is_left_as_it_is() -> None:
    logits = torch.randn(ANSWER.bins.count)
    assert torch.equal(Pooled(Says(logits))(None, torch.zeros(2, 10)), logits.expand(2, -1))

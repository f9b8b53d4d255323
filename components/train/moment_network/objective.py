"""The loss that is least for the mean and variance of the posterior, and independence of feedback."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from components.common.checks import require_one_of
from components.train.moment_network.network import drop_fields, vary
from components.train.moment_network.parameters import COSMOLOGY

INVARIANCES = ("marginal", "adversarial", "hsic")
"""Nothing beyond the average over feedback that training is anyway; an adversary; a penalty for dependence."""

_LEAST = 1e-6
_BANDWIDTH = 1.0

SUMMARIES, FOLDS = "id", "phases"
"""Columns of a map's name and universe, which are turned into its summaries and the universe's fold: they do not
change as it is turned and shifted."""

Loss = Callable[[nn.Module, dict[str, Tensor]], Tensor]


def moment_loss(mean: Tensor, width: Tensor, truth: Tensor) -> Tensor:
    """Loss of moment networks (Jeffrey & Wandelt 2020).

    For each parameter log mean (theta - mu)^2 + log mean ((theta - mu)^2 - s^2)^2, over the minibatch. The least
    of the first is the posterior's mean, that of the second its variance around it; the mean is held fixed there,
    so that it does not suffer from an attempt at the variance.

    Parameters
    ----------
    mean, width : Tensor, shape (rows, parameters)
        What is said.
    truth : Tensor, shape (rows, parameters)
        NaN where a label is missing.
    """
    known = torch.isfinite(truth)
    residual = torch.where(known, mean - torch.nan_to_num(truth), 0)
    count = known.sum(0)
    there = count > 0
    squared = residual**2
    first = squared.sum(0) / count.clamp(min=1)
    missed = torch.where(known, squared.detach() - width**2, 0) ** 2
    second = missed.sum(0) / count.clamp(min=1)
    losses = torch.log(first + _LEAST) + torch.log(second + _LEAST)
    return torch.where(there, losses, 0).sum()


def hsic(first: Tensor, second: Tensor) -> Tensor:
    """Dependence of two sets of numbers by kernels (Gretton et al. 2005), over the root of that with themselves.

    0 where they are independent, 1 where each tells all about the other. The estimate is without the diagonals,
    and so without the bias that small minibatches have (Song et al. 2012).
    """
    kernels = [_kernel(values) for values in (first, second)]
    a, b = kernels
    norm = (_unbiased(a, a) * _unbiased(b, b)).clamp(min=_LEAST).sqrt()
    return _unbiased(a, b) / norm


def _kernel(values: Tensor) -> Tensor:
    values = (values - values.mean(0)) / values.std(0).clamp(min=1e-3)
    kernel = torch.exp(-(torch.cdist(values, values) ** 2) / (2 * _BANDWIDTH**2 * values.shape[1]))
    return kernel - torch.diag(torch.diagonal(kernel))


def _unbiased(a: Tensor, b: Tensor) -> Tensor:
    n = len(a)
    trace = (a * b).sum()
    both = a.sum() * b.sum() / ((n - 1) * (n - 2))
    rows = 2 * (a.sum(0) * b.sum(0)).sum() / (n - 2)
    return (trace + both - rows) / (n * (n - 3))


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(_context: object, values: Tensor) -> Tensor:
        return values.view_as(values)

    @staticmethod
    def backward(_context: object, gradient: Tensor) -> Tensor:
        return -gradient


class Adversary(nn.Module):
    """Guesses feedback from what the cosmology is missed by, and from the cosmology."""

    def __init__(self, feedback: int, hidden: int = 64):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(3 * COSMOLOGY, hidden),
            nn.GELU(),
            nn.Linear(hidden, hidden),
            nn.GELU(),
            nn.Linear(hidden, feedback),
        )

    def forward(self, residual: Tensor, truth: Tensor) -> Tensor:
        """Map residuals and true cosmologies, both (rows, 2), to guesses of feedback (rows, feedback)."""
        reversed_: Tensor = _Reverse.apply(residual)  # type: ignore[no-untyped-call]
        guess: Tensor = self.body(torch.cat([reversed_, reversed_ * truth, truth], 1))
        return guess


class Trained(nn.Module):
    """A network together with its adversary, where it has one, for one optimiser to train both."""

    def __init__(self, network: nn.Module, adversary: Adversary | None):
        super().__init__()
        self.network = network
        if adversary is not None:
            self.adversary = adversary


def make_loss(invariance: str, strength: float, whole: float, names: tuple[str, ...]) -> Loss:
    """Make the loss of a minibatch of columns, of which maps are varied and fields left out in training alone.

    Parameters
    ----------
    invariance : str
        One of `INVARIANCES`.
    strength : float
        Weight of the independence.
    whole : float
        Share of the maps that are shown with all their fields.
    names : tuple of str
        Columns of the labels, those of cosmology first, in units of the prior; NaN where one is missing.
    """
    require_one_of(INVARIANCES, invariance=invariance)

    def loss(trained: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        maps, truth = batch["maps"], torch.stack([batch[name].float() for name in names], 1)
        maps = maps.float()  # convolutions round it themselves
        rows, fields = maps.shape[:2]
        if trained.training:
            maps, present = vary(maps), drop_fields(rows, fields, whole).to(maps.device)
        else:
            present = torch.ones((rows, fields), dtype=torch.bool, device=maps.device)
        known = batch.get(SUMMARIES), batch.get(FOLDS)
        found = trained.network.answer(maps, present, *known)  # type: ignore[operator,union-attr]
        # In units of what the regression misses: else little would count but maps of few fields.
        aim = (truth - found.start) / found.spread
        total = moment_loss(found.correction, found.width, aim)
        if not trained.training or invariance == "marginal":
            return total  # epochs are chosen by precision: a few hundred maps cannot tell independence
        return total + strength * _dependence(trained, invariance, found.correction - aim, truth)

    return loss


def _dependence(trained: nn.Module, invariance: str, residual: Tensor, truth: Tensor) -> Tensor:
    known = torch.isfinite(truth).all(1)
    if int(known.sum()) < 8:
        return residual.new_zeros(())
    residual, truth = residual[known, :COSMOLOGY], truth[known]
    cosmology, feedback = truth[:, :COSMOLOGY], truth[:, COSMOLOGY:]
    if invariance == "hsic":
        return torch.stack([hsic(residual, one[:, None]) for one in feedback.unbind(1)]).sum()
    scaled = residual / residual.detach().std(0).clamp(min=1e-3)
    guess = trained.adversary(scaled, cosmology)  # type: ignore[operator]
    error: Tensor = ((guess - feedback) ** 2).mean()  # lessened by the adversary, and raised through the reversal
    return error

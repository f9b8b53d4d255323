"""Ridge regression on summaries of maps, for any part of their fields: what a network begins from."""

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from components.train.moment_network.parameters import COSMOLOGY, prior_moments
from components.train.moment_network.summaries import Summaries

PENALTIES = (0.1, 1.0, 10.0, 100.0)
"""Tried on validation maps; 1 is what one map weighs."""

_REMEMBERED = 8192
"""Sets of fields whose solution is kept: all of thirteen fields, 0.4 GB. A training asks for most of them."""

_MARGIN = 0.05
_ROOM = 0.25
_LEAST_UNIT = 1e-6
_LEAST_SPREAD = 1e-3


@dataclass(frozen=True)
class _Solution:
    """Of one set of fields: weights (inputs, parameters), and rms errors in training (parameters,)."""

    weights: Tensor
    spread: Tensor


class Ridge(nn.Module):
    """Regression of parameters on summaries and on products of two moments.

    What is kept are the sums over training maps that its closed form is made of, rather than weights: so there is
    an exact answer for every set of fields, solved for when it is first asked for. Omega_m and sigma_8 are
    regressed by their logarithms: the share of baryons goes with the inverse of omega_m.

    Errors are made independent of feedback by adding their squared covariances with it to the loss: that is the
    Hilbert-Schmidt criterion with linear kernels, over all training maps at once.

    Parameters
    ----------
    summaries : Summaries
        What is regressed on.
    fields, parameters : int
        Fields of the maps, and what is asked for, cosmology first.
    """

    def __init__(self, summaries: Summaries, fields: int, parameters: int):
        super().__init__()
        pairs = list(itertools.combinations_with_replacement(summaries.moments, 2))
        own = [set(of) for of in summaries.fields]
        needed = own + [own[one] | own[other] for one, other in pairs]
        self.register_buffer("pairs", torch.tensor(pairs).T.contiguous(), persistent=False)
        self.register_buffer(
            "members", torch.tensor([[field in of for field in range(fields)] for of in needed]), persistent=False
        )
        raw, inputs, double = len(own), len(needed), torch.float64
        for name, end in (("lowest", -torch.inf), ("highest", torch.inf)):
            self.register_buffer(name, torch.full((raw,), end))
        for name, size in (("raw_", raw), ("", inputs)):
            self.register_buffer(f"{name}centre", torch.zeros(size))
            self.register_buffer(f"{name}unit", torch.ones(size))
        self.register_buffer("gram", torch.eye(inputs, dtype=double))
        self.register_buffer("cross", torch.zeros((inputs, parameters), dtype=double))
        self.register_buffer("feedback", torch.zeros((parameters - COSMOLOGY, inputs), dtype=double))
        self.register_buffer("targets", torch.tensor([[0.0, 1.0, -10.0, 10.0]] * parameters, dtype=double))
        for name in ("penalty", "rows"):
            self.register_buffer(name, torch.ones((), dtype=double))
        self.register_buffer("independence", torch.zeros((), dtype=double))
        self._solved: dict[tuple[bool | str, ...], _Solution] = {}
        self.register_load_state_dict_post_hook(lambda *_: self._solved.clear())  # type: ignore[no-untyped-call]

    def scaled(self, summaries: Tensor) -> Tensor:
        """Bring summaries to a mean of 0 and a deviation of 1; what is far beyond training is cut."""
        kept = torch.clamp(summaries, self.get_buffer("lowest"), self.get_buffer("highest"))
        return (kept - self.get_buffer("raw_centre")) / self.get_buffer("raw_unit")

    def forward(self, scaled: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Say the parameters and how far from them this is in training, in units of the prior.

        Parameters
        ----------
        scaled : Tensor, shape (rows, summaries)
            From `scaled`; what is there of missing fields is not looked at.
        present : Tensor of bool, shape (rows, fields)
            Which fields are there.

        Returns
        -------
        mean, spread : Tensor, shape (rows, parameters)
        """
        with torch.autocast(scaled.device.type, enabled=False):  # its weights cancel: they need all their digits
            return self._answer(scaled.float(), present)

    def _answer(self, scaled: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        inputs = (self._expanded(scaled) - self.get_buffer("centre")) / self.get_buffer("unit")
        sets, which = torch.unique(present, dim=0, return_inverse=True)
        solved = [self._solution(one) for one in sets]
        every = torch.stack([inputs @ one.weights for one in solved])
        spread = torch.stack([one.spread for one in solved])[which]
        middle, _, least, most = self.get_buffer("targets").float().unbind(1)
        found = every[which, torch.arange(len(which), device=which.device)] + middle
        return _in_units(torch.clamp(found, least, most), spread)

    @torch.no_grad()
    def fit(self, summaries: Tensor, truth: Tensor, independence: float) -> None:
        """Sum over training maps.

        Parameters
        ----------
        summaries : Tensor, shape (rows, summaries)
            Of training maps, all of whose fields are there.
        truth : Tensor, shape (rows, parameters)
            In units of the prior; feedback may be NaN.
        independence : float
            Weight of squared covariances of errors with feedback beside squared errors.
        """
        # Cut far outside alone: ratios of fields tell most, and cutting one of two by a little breaks theirs.
        room = _ROOM * (summaries.amax(0) - summaries.amin(0))
        self._set("lowest", summaries.amin(0) - room)
        self._set("highest", summaries.amax(0) + room)
        self._set("raw_centre", summaries.mean(0))
        self._set("raw_unit", summaries.std(0).clamp(min=_LEAST_UNIT))
        expanded = self._expanded(self.scaled(summaries)).double()
        centre, unit = expanded.mean(0), expanded.std(0).clamp(min=_LEAST_UNIT)
        self._set("centre", centre)
        self._set("unit", unit)
        inputs = (expanded - centre) / unit
        known = _targets(truth.double())
        middle = known.nanmean(0).nan_to_num()
        missed = torch.nan_to_num(known - middle)
        margin = _MARGIN * (missed.amax(0) - missed.amin(0))
        ends = middle + missed.amin(0) - margin, middle + missed.amax(0) + margin
        square = missed.square().mean(0)
        square = torch.where(square > 0, square, 1.0)  # nothing known of it: the prior's
        self._set("targets", torch.stack([middle, square, *ends], 1))
        self._set("gram", inputs.T @ inputs / len(inputs))
        self._set("cross", inputs.T @ missed / len(inputs))
        self._set("feedback", _at_given_cosmology(missed).T @ inputs / len(inputs))
        self._set("rows", torch.tensor(float(len(inputs))))
        self._set("independence", torch.tensor(independence))
        self._solved.clear()

    def use_penalty(self, penalty: float) -> None:
        """Choose how smooth the regression is."""
        self._set("penalty", torch.tensor(penalty))
        self._solved.clear()

    def _set(self, name: str, value: Tensor) -> None:
        self.get_buffer(name).copy_(value)

    def _expanded(self, scaled: Tensor) -> Tensor:
        one, other = self.get_buffer("pairs")
        return torch.cat([scaled, scaled[:, one] * scaled[:, other]], 1)

    def _solution(self, present: Tensor) -> _Solution:
        key = (str(present.device), *present.tolist())
        if key not in self._solved:
            if len(self._solved) >= _REMEMBERED:
                self._solved.clear()
            self._solved[key] = self._solve(present)
        return self._solved[key]

    @torch.no_grad()
    def _solve(self, present: Tensor) -> _Solution:
        taken = (self.get_buffer("members") <= present).all(1)
        gram, cross = self.get_buffer("gram")[taken][:, taken], self.get_buffer("cross")[taken]
        penalised = gram + self.get_buffer("penalty") / self.get_buffer("rows") * torch.eye(len(gram)).to(gram)
        dependence = self.get_buffer("feedback")[:, taken]
        independent = penalised + self.get_buffer("independence") * dependence.T @ dependence
        found = torch.cat(
            [
                torch.linalg.solve(independent, cross[:, :COSMOLOGY]),
                torch.linalg.solve(penalised, cross[:, COSMOLOGY:]),
            ],
            1,
        )
        square = self.get_buffer("targets")[:, 1]
        missed = square - 2 * (found * cross).sum(0) + (found * (gram @ found)).sum(0)
        spread = torch.maximum(missed, _LEAST_SPREAD**2 * square).sqrt()
        weights = torch.zeros((len(taken), found.shape[1]), device=found.device)
        weights[taken] = found.float()
        return _Solution(weights, spread.float())


def _targets(truth: Tensor) -> Tensor:
    """Logarithms of cosmology, feedback as it is."""
    centre, unit = (torch.tensor(values[:COSMOLOGY]).to(truth) for values in prior_moments())
    return torch.cat([(centre + unit * truth[:, :COSMOLOGY]).log(), truth[:, COSMOLOGY:]], 1)


def _in_units(found: Tensor, spread: Tensor) -> tuple[Tensor, Tensor]:
    """Undo `_targets`."""
    centre, unit = (torch.tensor(values[:COSMOLOGY]).to(found) for values in prior_moments())
    cosmology = found[:, :COSMOLOGY].exp()
    means = torch.cat([(cosmology - centre) / unit, found[:, COSMOLOGY:]], 1)
    return means, torch.cat([spread[:, :COSMOLOGY] * cosmology / unit, spread[:, COSMOLOGY:]], 1)


def _at_given_cosmology(missed: Tensor) -> Tensor:
    """Feedback in units of its deviation, less what went with cosmology by chance."""
    feedback = missed[:, COSMOLOGY:]
    feedback = feedback / feedback.std(0).clamp(min=_LEAST_UNIT)
    given = missed[:, :COSMOLOGY]
    explained: Tensor = given @ torch.linalg.lstsq(given, feedback, driver="gelsd").solution
    return feedback - explained

"""Ridge regression on summaries of maps, for any part of their fields: what a network begins from."""

import itertools
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor, nn

from components.train.moment_network.parameters import COSMOLOGY, prior_moments
from components.train.moment_network.summaries import Summaries

PENALTIES = (0.1, 1.0, 10.0, 100.0)
"""Tried on universes that are left out; 1 is what one map weighs."""

_REMEMBERED = 49_152
"""Solutions that are kept: of all sets of thirteen fields and five folds, 0.8 GB. A training asks for most."""

_MARGIN = 0.05
_ROOM = 0.25
_LEAST_UNIT = 1e-6
_LEAST_SPREAD = 1e-3


@dataclass(frozen=True)
class _Solution:
    """Of one set of fields: which inputs are theirs, their weights (inputs, parameters), and rms errors."""

    taken: Tensor
    weights: Tensor
    spread: Tensor


@dataclass(frozen=True)
class _Sums:
    """What the closed form is made of, over some training maps, each over the number of all of them.

    Attributes
    ----------
    gram, cross, among : Tensor
        Inputs with inputs, inputs with parameters, and parameters with each other.
    share : float
        Of the training maps.
    """

    gram: Tensor
    cross: Tensor
    among: Tensor
    share: float

    @classmethod
    def over(cls, inputs: Tensor, parameters: Tensor, rows: int) -> "_Sums":
        """Sum over maps."""
        gram, cross, among = inputs.T @ inputs, inputs.T @ parameters, parameters.T @ parameters
        return cls(gram / rows, cross / rows, among / rows, len(inputs) / rows)

    def of(self, taken: Tensor) -> "_Sums":
        """Keep those of some inputs."""
        return replace(self, gram=self.gram[taken][:, taken], cross=self.cross[taken])

    def without(self, part: "_Sums") -> "_Sums":
        """Leave some of the maps out."""
        return _Sums(*(getattr(self, one.name) - getattr(part, one.name) for one in fields(self)))

    def missed(self, weights: Tensor) -> Tensor:
        """Squared errors of weights on these maps."""
        return self.among.diagonal() - 2 * (weights * self.cross).sum(0) + (weights * (self.gram @ weights)).sum(0)

    def dependence(self) -> Tensor:
        """Return inputs with feedback in units of its deviation, less what goes with cosmology by chance."""
        given, other = self.among[:COSMOLOGY, :COSMOLOGY], self.among[:COSMOLOGY, COSMOLOGY:]
        unit = (self.among.diagonal()[COSMOLOGY:] / max(self.share, _LEAST_UNIT)).sqrt().clamp(min=_LEAST_UNIT)
        chance = torch.linalg.lstsq(given, other, driver="gelsd").solution
        found: Tensor = (self.cross[:, COSMOLOGY:] - self.cross[:, :COSMOLOGY] @ chance) / unit
        return found


class Ridge(nn.Module):
    """Regression of parameters on summaries and on products of two moments.

    What is kept are the sums over training maps that its closed form is made of, rather than weights: so there is
    an exact answer for every set of fields, solved for when it is first asked for. Omega_m and sigma_8 are
    regressed by their logarithms: the share of baryons goes with the inverse of omega_m.

    In training it has these sums for each fold of the universes too, and so answers for a training map as if its
    fold had not been there, as it will for a new one: errors on maps that it was fitted to are too small.

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
        self.register_buffer("among", torch.eye(parameters, dtype=double))
        self.register_buffer("targets", torch.tensor([[0.0, -10.0, 10.0]] * parameters, dtype=double))
        for name in ("penalty", "rows"):
            self.register_buffer(name, torch.ones((), dtype=double))
        self.register_buffer("independence", torch.zeros((), dtype=double))
        self._parts: list[_Sums] = []
        self._solved: dict[tuple[int | str, ...], _Solution] = {}
        self.register_load_state_dict_post_hook(lambda *_: self._solved.clear())  # type: ignore[no-untyped-call]

    def scaled(self, summaries: Tensor) -> Tensor:
        """Bring summaries to a mean of 0 and a deviation of 1; what is far beyond training is cut."""
        kept = torch.clamp(summaries, self.get_buffer("lowest"), self.get_buffer("highest"))
        return (kept - self.get_buffer("raw_centre")) / self.get_buffer("raw_unit")

    def forward(self, scaled: Tensor, present: Tensor, folds: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Say the parameters and how far from them this is in training, in units of the prior.

        Parameters
        ----------
        scaled : Tensor, shape (rows, summaries)
            From `scaled`; what is there of missing fields is not looked at.
        present : Tensor of bool, shape (rows, fields)
            Which fields are there.
        folds : Tensor of int, shape (rows,), optional
            Fold of each map that is not to be known of; -1 for none.

        Returns
        -------
        mean, spread : Tensor, shape (rows, parameters)
        """
        with torch.autocast(scaled.device.type, enabled=False):  # its weights cancel: they need all their digits
            return self._answer(scaled.float(), present, folds)

    def _answer(self, scaled: Tensor, present: Tensor, folds: Tensor | None) -> tuple[Tensor, Tensor]:
        inputs = (self._expanded(scaled) - self.get_buffer("centre")) / self.get_buffer("unit")
        left_out = torch.full_like(present[:, 0], -1, dtype=torch.long) if folds is None else folds
        asked, which = torch.unique(torch.column_stack([left_out, present]), dim=0, return_inverse=True)
        solved = [self._solution(one) for one in asked.tolist()]
        middle, least, most = self.get_buffer("targets").float().unbind(1)
        found = middle.repeat(len(inputs), 1)
        for number, one in enumerate(solved):
            rows = which == number
            found[rows] += inputs[rows][:, one.taken] @ one.weights
        spread = torch.stack([one.spread for one in solved])[which]
        return _in_units(torch.clamp(found, least, most), spread)

    @torch.no_grad()
    def fit(self, summaries: Tensor, truth: Tensor, independence: float, folds: Tensor | None = None) -> None:
        """Sum over training maps.

        Parameters
        ----------
        summaries : Tensor, shape (rows, summaries)
            Of training maps, all of whose fields are there.
        truth : Tensor, shape (rows, parameters)
            In units of the prior; feedback may be NaN.
        independence : float
            Weight of squared covariances of errors with feedback beside squared errors.
        folds : Tensor of int, shape (rows,), optional
            Fold of each map, from 0; all maps of a universe are in one.
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
        self._set("targets", torch.stack([middle, *ends], 1))
        every = _Sums.over(inputs, missed, len(inputs))
        for name in ("gram", "cross", "among"):
            self._set(name, getattr(every, name))
        self._set("rows", torch.tensor(float(len(inputs))))
        self._set("independence", torch.tensor(independence))
        parts = [] if folds is None else [folds == fold for fold in range(int(folds.max()) + 1)]
        self._parts = [_Sums.over(inputs[rows], missed[rows], len(inputs)) for rows in parts]
        self._solved.clear()

    @torch.no_grad()
    def choose_penalty(self) -> None:
        """Be as smooth as suits the folds that are left out, with all fields and with each alone."""
        members = self.get_buffer("members")
        each = torch.eye(members.shape[1], dtype=torch.bool, device=members.device)
        shown = [each.any(0), *each]

        def error(penalty: float) -> float:
            self.use_penalty(penalty)
            return sum(float(self.out_of_fold(one)[:COSMOLOGY].log().sum()) for one in shown)

        self.use_penalty(min(PENALTIES, key=error))

    @torch.no_grad()
    def out_of_fold(self, present: Tensor) -> Tensor:
        """Rms errors (parameters,) on the maps of each fold by the others, of what is regressed."""
        taken = (self.get_buffer("members") <= present).all(1)
        every = self._sums().of(taken)
        parts = [part.of(taken) for part in self._parts]
        squared = torch.stack([part.missed(self._weights(every.without(part))) for part in parts]).sum(0)
        return squared.clamp(min=0).sqrt()

    def use_penalty(self, penalty: float) -> None:
        """Choose how smooth the regression is."""
        self._set("penalty", torch.tensor(penalty))
        self._solved.clear()

    def _set(self, name: str, value: Tensor) -> None:
        self.get_buffer(name).copy_(value)

    def _expanded(self, scaled: Tensor) -> Tensor:
        one, other = self.get_buffer("pairs")
        return torch.cat([scaled, scaled[:, one] * scaled[:, other]], 1)

    def _solution(self, asked: list[int]) -> _Solution:
        """Of a fold that is left out, or -1, and of which fields are there."""
        members = self.get_buffer("members")
        key: tuple[int | str, ...] = (str(members.device), *asked)
        if key not in self._solved:
            if len(self._solved) >= _REMEMBERED:
                self._solved.clear()
            fold, *present = asked
            self._solved[key] = self._solve(torch.tensor(present, dtype=torch.bool, device=members.device), fold)
        return self._solved[key]

    @torch.no_grad()
    def _solve(self, present: Tensor, fold: int) -> _Solution:
        taken = (self.get_buffer("members") <= present).all(1)
        every = self._sums().of(taken)
        if fold >= 0:  # in the unit of all folds: by how much it misses more than that, the network learns
            found = self._weights(every.without(self._parts[fold].of(taken)))
            return _Solution(taken, found.float(), self._solution([-1, *present.tolist()]).spread)
        found = self._weights(every)
        square = every.among.diagonal()
        known = torch.where(square > 0, every.missed(found), 1.0)  # nothing known of it: the prior's
        spread = torch.maximum(known, _LEAST_SPREAD**2 * square).sqrt()
        return _Solution(taken, found.float(), spread.float())

    def _sums(self) -> _Sums:
        return _Sums(self.get_buffer("gram"), self.get_buffer("cross"), self.get_buffer("among"), 1.0)

    def _weights(self, sums: _Sums) -> Tensor:
        """Solve for weights (inputs, parameters)."""
        gram, cross = sums.gram, sums.cross
        penalised = gram + self.get_buffer("penalty") / self.get_buffer("rows") * torch.eye(len(gram)).to(gram)
        dependence = sums.dependence()
        weight = self.get_buffer("independence") / max(sums.share, _LEAST_UNIT)
        independent = penalised + weight * dependence @ dependence.T
        return torch.cat(
            [
                torch.linalg.solve(independent, cross[:, :COSMOLOGY]),
                torch.linalg.solve(penalised, cross[:, COSMOLOGY:]),
            ],
            1,
        )


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

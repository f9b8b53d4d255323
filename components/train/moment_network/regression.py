"""The regression that a network begins from, and the summaries of maps that it is fitted on."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from components.common.tables import read_batches
from components.common.training import pick_device
from components.physics.multifield import PARAMETERS
from components.train.moment_network.network import Architecture
from components.train.moment_network.parameters import coordinates, prior_moments
from components.train.moment_network.ridge import Ridge
from components.train.moment_network.summaries import Summaries

_ROWS_AT_ONCE = 256
_FOLDS = 5


@dataclass(frozen=True)
class Summarised:
    """Maps of a split, in few numbers each.

    Attributes
    ----------
    places : dict of str to int
        Row of each map, by its name.
    summaries : Tensor, shape (n, summaries)
        What they are summed up by.
    truth : Tensor, shape (n, 6)
        Parameters in units of the prior, NaN where one is missing.
    groups : ndarray of str, shape (n,)
        Universe of each.
    folds : dict of str to int
        Of universes that the regression is fitted on; it answers for each without its fold.
    """

    places: dict[str, int]
    summaries: Tensor
    truth: Tensor
    groups: npt.NDArray[Any]
    folds: dict[str, int]

    def look_up(self, names: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Return the summaries of maps by their names: a converter for minibatches."""
        rows = [self.places[str(name)] for name in names]
        return np.asarray(self.summaries[rows].cpu().numpy(), dtype=np.float32)

    def folds_of(self, groups: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """Return the folds of universes by their names, -1 of those that are in none: another converter."""
        return np.array([self.folds.get(str(name), -1) for name in groups], dtype=np.int64)

    def divided(self, seed: int) -> "Summarised":
        """Deal the universes to folds."""
        names = np.random.default_rng(seed % 2**64).permutation(np.unique(self.groups.astype(np.str_)))
        folds = {str(name): place % _FOLDS for place, name in enumerate(names)}
        return dataclasses.replace(self, folds=folds)


def in_units(parameters: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Return parameters (n, 6) as the network sees them: in units of the prior."""
    centre, unit = prior_moments()
    return ((coordinates(parameters) - centre) / unit).astype(np.float32)


@torch.no_grad()
def summarise(maps: npt.NDArray[Any], summaries: Summaries) -> Tensor:
    """Sum up prepared maps (n, fields, grid, grid), some at a time."""
    device = pick_device()
    summaries.to(device)
    found = [torch.empty((0, len(summaries.fields)), device=device)]
    for start in range(0, len(maps), _ROWS_AT_ONCE):
        # Rounded as the maps of training were: summaries hang together so closely that it shows.
        rounded = maps[start : start + _ROWS_AT_ONCE].astype(np.float16).astype(np.float32)
        found.append(summaries(torch.as_tensor(rounded).to(device)))
    return torch.cat(found)


def sum_up(table: Path, split: str, architecture: Architecture, column: str) -> Summarised:
    """Sum up all maps of a split; `column` is that with the prepared maps."""
    summaries = Summaries(architecture.grid, architecture.decades)
    names: list[str] = []
    found, truth, groups = [], [], []
    for batch in read_batches(table, ["id", "phases", column, *PARAMETERS], split):
        names += batch["id"].tolist()
        groups.append(batch["phases"])
        truth.append(in_units(np.column_stack([batch[name] for name in PARAMETERS])))
        found.append(summarise(batch[column], summaries))
    places = {name: place for place, name in enumerate(names)}
    known = torch.as_tensor(np.concatenate(truth)).to(found[0].device)
    return Summarised(places, torch.cat(found), known, np.concatenate(groups), {})


def fit_ridge(ridge: Ridge, training: Summarised, independence: float) -> None:
    """Fit a regression on training maps, as smooth as suits folds of them that are left out."""
    ridge.to(training.summaries.device)
    folds = torch.as_tensor(training.folds_of(training.groups)).to(training.summaries.device)
    ridge.fit(training.summaries, training.truth, independence, folds)
    ridge.choose_penalty()

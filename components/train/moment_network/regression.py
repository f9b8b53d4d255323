"""The regression that a network begins from: fitted on training maps, its smoothness chosen by validation maps."""

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
from components.train.moment_network.parameters import COSMOLOGY, coordinates, prior_moments
from components.train.moment_network.ridge import PENALTIES, Ridge
from components.train.moment_network.summaries import Summaries

_ROWS_AT_ONCE = 256


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
    """

    places: dict[str, int]
    summaries: Tensor
    truth: Tensor

    def look_up(self, names: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Return the summaries of maps by their names: a converter for minibatches."""
        rows = [self.places[str(name)] for name in names]
        return np.asarray(self.summaries[rows].cpu().numpy(), dtype=np.float32)


def in_units(parameters: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Return parameters (n, 6) as the network sees them: in units of the prior."""
    centre, unit = prior_moments()
    return ((coordinates(parameters) - centre) / unit).astype(np.float32)


@torch.no_grad()
def sum_up(table: Path, split: str, architecture: Architecture, column: str) -> Summarised:
    """Sum up all maps of a split; `column` is that with the prepared maps."""
    device = pick_device()
    summaries = Summaries(architecture.grid, architecture.decades).to(device)
    names: list[str] = []
    found, truth = [], []
    for batch in read_batches(table, ["id", column, *PARAMETERS], split):
        names += batch["id"].tolist()
        truth.append(in_units(np.column_stack([batch[name] for name in PARAMETERS])))
        maps = batch[column]
        for start in range(0, len(maps), _ROWS_AT_ONCE):
            part = torch.as_tensor(maps[start : start + _ROWS_AT_ONCE].astype(np.float32))
            found.append(summaries(part.to(device)))
    places = {name: place for place, name in enumerate(names)}
    return Summarised(places, torch.cat(found), torch.as_tensor(np.concatenate(truth)).to(device))


def fit_ridge(ridge: Ridge, training: Summarised, validation: Summarised, independence: float) -> None:
    """Fit a regression on training maps, as smooth as suits validation maps of all fields and of each alone."""
    ridge.to(training.summaries.device)
    ridge.fit(training.summaries, training.truth, independence)
    fields = ridge.get_buffer("members").shape[1]
    shown = [torch.ones(fields), *torch.eye(fields)]

    def error(penalty: float) -> float:
        ridge.use_penalty(penalty)
        return sum(_error(ridge, validation, one.bool()) for one in shown)

    errors: list[float] = [error(penalty) for penalty in PENALTIES]
    ridge.use_penalty(PENALTIES[int(np.argmin(errors))])


def _error(ridge: Ridge, maps: Summarised, shown: Tensor) -> float:
    present = shown.to(maps.truth.device).expand(len(maps.truth), -1)
    mean, _ = ridge(ridge.scaled(maps.summaries), present)
    squared = (mean - maps.truth)[:, :COSMOLOGY].square().mean(0)
    return float(squared.log().sum())

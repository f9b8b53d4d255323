"""A trained network with all that it takes to apply it, in memory and as a folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file

from components.common.files import write_json
from components.common.training import Epoch, autocast, pick_device
from components.train.model_folder import reading
from components.train.moment_network.network import Architecture, MomentNetwork
from components.train.moment_network.parameters import prior_moments
from components.train.moment_network.regression import summarise
from components.train.network_folder import save_weights

KIND = "moment_network"

_ROWS_AT_ONCE = 256

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Mean and standard deviation of the posterior of n maps, in the coordinates of `parameters.coordinates`.

    Attributes
    ----------
    mean, width : ndarray, shape (n, 6)
        In the order of `multifield.PARAMETERS`.
    """

    mean: Floats
    width: Floats

    def __len__(self) -> int:
        return len(self.mean)

    def __getitem__(self, rows: npt.NDArray[Any]) -> "Moments":
        return Moments(self.mean[rows], self.width[rows])


@dataclass(frozen=True)
class MomentModel:
    """A trained network.

    Attributes
    ----------
    network : MomentNetwork
        The weights.
    architecture : Architecture
        How it was built.
    stretch : ndarray, shape (1 + fields, 6)
        What standard deviations are multiplied with, so that they fit maps that the regression does not know: of
        all fields, and of each field alone.
    preprocess_settings : dict
        Settings that maps must be prepared with.
    record : dict
        How it was trained: settings, provenance of the data, versions.
    marginal : MomentModel or None
        Where independence of feedback was asked for, the network that was trained alike without it. It is asked
        of all fields alone: its `stretch` has one row.
    """

    network: MomentNetwork
    architecture: Architecture
    stretch: Floats
    preprocess_settings: dict[str, Any]
    record: dict[str, Any]
    marginal: "MomentModel | None" = None

    @property
    def fields(self) -> list[str]:
        """Names of the fields, in the order of the channels."""
        return [str(name) for name in self.preprocess_settings["fields"]]

    @property
    def invariance(self) -> str:
        """How independence of feedback was sought."""
        return str(self.record["settings"]["invariance"])

    def sum_up(self, maps: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Return summaries (n, summaries) of prepared maps, which `predict` takes, for any fields of them."""
        return np.asarray(summarise(maps, self.network.summaries).cpu().numpy())

    @torch.no_grad()
    def predict(
        self,
        maps: npt.NDArray[Any],
        shown: Sequence[str] | None = None,
        summaries: npt.NDArray[np.float32] | None = None,
        folds: npt.NDArray[np.int64] | None = None,
    ) -> Moments:
        """Predict moments.

        Parameters
        ----------
        maps : ndarray, shape (n, fields, grid, grid)
            Prepared as by `preprocess.field_maps.preparation.prepare`.
        shown : sequence of str, optional
            Fields to look at; all by default.
        summaries : ndarray, shape (n, summaries), optional
            From `sum_up`, where more than one thing is asked of the same maps.
        folds : ndarray, shape (n,), optional
            While it is trained: of each map the fold of its universe, -1 for none.
        """
        device = pick_device()
        self.network.to(device).eval()
        wanted = torch.tensor([shown is None or name in shown for name in self.fields], device=device)
        known = torch.as_tensor(self.sum_up(maps) if summaries is None else summaries)
        left_out = torch.full((len(maps),), -1) if folds is None else torch.as_tensor(folds)
        count = self.architecture.cosmology + self.architecture.feedback
        parts = [np.zeros((2, 0, count))]
        for start in range(0, len(maps), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            batch = torch.as_tensor(maps[rows].astype(np.float16).astype(np.float32)).to(device)
            present = wanted.expand(len(batch), -1)
            with autocast(device, str(self.record["precision"])):
                found = self.network(batch, present, known[rows].to(device), left_out[rows].to(device))
            parts.append(np.stack([values.double().cpu().numpy() for values in found]))
        mean, width = np.concatenate(parts, axis=1)
        centre, unit = prior_moments()
        return Moments(centre + unit * mean, unit * width * self._stretch(shown))

    @torch.no_grad()
    def begin(self, summaries: npt.NDArray[np.float32]) -> Floats:
        """Return what the regression says of maps, by what `sum_up` returned, shape (n, 6)."""
        device = pick_device()
        mean = self.network.to(device).begin(torch.as_tensor(summaries).to(device))
        centre, unit = prior_moments()
        return np.asarray(centre + unit * mean.double().cpu().numpy())

    def _stretch(self, shown: Sequence[str] | None) -> Floats:
        """Return what deviations are multiplied with; between one field and all it changes evenly."""
        places = [place for place, name in enumerate(self.fields) if shown is None or name in shown]
        if len(places) in (0, len(self.fields)):
            return np.asarray(self.stretch[0])
        part = (len(places) - 1) / (len(self.fields) - 1)
        alone = np.log(self.stretch[1:][places]).mean(axis=0)
        return np.asarray(np.exp((1 - part) * alone + part * np.log(self.stretch[0])))


def save_model(folder: Path, model: MomentModel, histories: Mapping[str, list[Epoch]]) -> None:
    """Write `model.json`, the weights and the histories into a folder that is created."""
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(folder / "weights.safetensors", model.network)
    if model.marginal is not None:
        save_weights(folder / "marginal.safetensors", model.marginal.network)
    for name, history in histories.items():
        write_json(folder / f"{name}.json", history)
    write_json(
        folder / "model.json",
        {
            "kind": KIND,
            "target": "parameters",
            "data": "maps",
            "architecture": model.architecture.to_json(),
            "stretch": model.stretch.tolist(),
            "marginal_stretch": None if model.marginal is None else model.marginal.stretch.tolist(),
            "preprocess": model.preprocess_settings,
            "training": model.record,
        },
    )


def load_model(folder: Path) -> MomentModel:
    """Read a model folder.

    Raises
    ------
    InputError
        When the folder is not a whole model of this kind.
    """
    with reading(folder, KIND) as stored:
        architecture = Architecture(**stored["architecture"])

        def model(name: str, stretch: list[float], beside: MomentModel | None = None) -> MomentModel:
            network = architecture.build()
            network.load_state_dict(load_file(folder / f"{name}.safetensors"))
            record, prepared = stored["training"], stored["preprocess"]
            return MomentModel(network.eval(), architecture, np.array(stretch), prepared, record, beside)

        plain = stored["marginal_stretch"]
        return model("weights", stored["stretch"], None if plain is None else model("marginal", plain))

"""A trained network with all that it takes to apply it, in memory and as a folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from torch import nn

from components.common.errors import InputError
from components.common.files import write_json
from components.common.training import Epoch, autocast, pick_device
from components.train.conv1d.answers import Answer, answer_from_json
from components.train.conv1d.class_answer import ClassAnswer
from components.train.conv1d.inputs import KINDS, InputKind, kind_for
from components.train.conv1d.joined import JoinedNetwork
from components.train.conv1d.network import Architecture
from components.train.model_folder import reading
from components.train.network_folder import save_weights

KIND = "conv1d"

_ROWS_AT_ONCE = 256
_LARGEST_HALF = 6e4


@dataclass(frozen=True)
class Conv1dModel:
    """A trained one-dimensional convolutional network.

    Attributes
    ----------
    network : torch.nn.Module
        The weights.
    architecture : Architecture
        How it was built.
    answer : Answer
        What its outputs mean.
    preprocess_settings : dict
        Settings that spectra must be prepared with.
    record : dict
        How it was trained: settings, provenance of the data, versions.
    """

    network: nn.Module
    architecture: Architecture
    answer: Answer
    preprocess_settings: dict[str, Any]
    record: dict[str, Any]

    @property
    def input_kind(self) -> InputKind:
        """What it is shown."""
        return KINDS[self.architecture.input or kind_for(self.architecture.name, {"flux", "ivar"})]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes that it tells apart, in the order of their probabilities; none for a regression."""
        return self.answer.classes if isinstance(self.answer, ClassAnswer) else ()

    def predict(self, *data: npt.NDArray[np.float32]) -> Any:
        """Predict from prepared data.

        Parameters
        ----------
        *data : ndarray, shape (n, ..., length)
            The columns that `input_kind` names: normalised flux and its inverse variance, or whitened strain.

        Returns
        -------
        BinnedDistribution or ndarray
            Distributions of the target; of a model that learnt classes their probabilities, shape (n, classes).
        """
        return self.answer.distribution(self.outputs(*data))

    @torch.no_grad()
    def outputs(self, *data: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Raw outputs of the network, shape (n, outputs)."""
        length = data[0].shape[-1]
        if length != self.architecture.pixels:
            what = "spectra have" if self.input_kind.data == "spectra" else "windows of strain have"
            raise InputError(
                f"The {what} {length} pixels, but the model knows {self.architecture.pixels}.",
                "Prepare them with the model's own preprocess settings.",
            )
        make_input = self.input_kind.make
        device = pick_device()
        network = self.network.to(device).eval()
        parts = [np.zeros((0, self.architecture.outputs), dtype=np.float32)]
        for start in range(0, len(data[0]), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            shown = make_input(*(torch.tensor(values[rows]).to(device) for values in data))
            with autocast(device, self.record["settings"]["precision"]):
                parts.append(network(shown).float().cpu().numpy())
        return np.concatenate(parts)

    @property
    def is_separable(self) -> bool:
        """Whether detectors can be looked at one by one, by `contribution`."""
        return isinstance(self.network, JoinedNetwork) and bool(self.network.groups)

    @torch.no_grad()
    def contribution(self, strain: npt.NDArray[np.float32], detector: int) -> npt.NDArray[np.float16]:
        """Return what a detector's windows, shape (n, samples), add: see `JoinedNetwork.contribution`."""
        assert isinstance(self.network, JoinedNetwork)
        device = pick_device()
        network = self.network.to(device).eval()
        parts = []
        for start in range(0, len(strain), _ROWS_AT_ONCE):
            with autocast(device, self.record["settings"]["precision"]):
                found = network.contribution(
                    torch.tensor(strain[start : start + _ROWS_AT_ONCE]).to(device), detector
                )
            # A glitch may be louder than half precision can say; clipped, it is still the loudest of all.
            parts.append(found.clamp(-_LARGEST_HALF, _LARGEST_HALF).half().cpu().numpy())
        return np.concatenate(parts)

    @torch.no_grad()
    def outputs_from(self, *parts: npt.NDArray[np.float16]) -> npt.NDArray[np.float32]:
        """Raw outputs, as `outputs`, from the contributions of all detectors."""
        assert isinstance(self.network, JoinedNetwork)
        device = pick_device()
        network = self.network.to(device).eval()
        total = torch.from_numpy(parts[0]).to(device).float()
        for part in parts[1:]:
            total += torch.from_numpy(part).to(device)  # in place: stacked first, it takes as long as the network
        with autocast(device, self.record["settings"]["precision"]):
            found = network.from_contributions(total)
        return np.asarray(found.float().cpu().numpy())


def save_model(folder: Path, model: Conv1dModel, history: list[Epoch]) -> None:
    """Write `weights.safetensors`, `model.json` and `history.json` into a folder that is created."""
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(folder / "weights.safetensors", model.network)
    write_json(folder / "history.json", history)
    write_json(
        folder / "model.json",
        {
            "kind": KIND,
            "target": model.record["settings"]["target"],
            "data": model.input_kind.data,
            "architecture": model.architecture.to_json(),
            "answer": model.answer.to_json(),
            "preprocess": model.preprocess_settings,
            "training": model.record,
        },
    )


def load_model(folder: Path) -> Conv1dModel:
    """Read a model folder.

    Raises
    ------
    InputError
        When the folder is not a whole model of this kind.
    """
    with reading(folder, KIND) as stored:
        architecture = Architecture(**stored["architecture"])
        network = architecture.build()
        network.load_state_dict(load_file(folder / "weights.safetensors"))
        answer = answer_from_json(stored["answer"])
        record = {**stored["training"], "settings": {**stored["training"]["settings"]}}
        return Conv1dModel(network.eval(), architecture, answer, stored["preprocess"], record)

"""A trained network with all that it takes to apply it, in memory and as a folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from torch import Tensor

from components.common.distributions import BinnedDistribution
from components.common.errors import InputError
from components.common.files import write_json
from components.common.training import Epoch, pick_device
from components.preprocess.cutouts.preparation import prepare
from components.train.conv1d.answers import RedshiftAnswer, answer_from_json
from components.train.image_cnn.magnitude_density import MagnitudeDensity, Pooled
from components.train.image_cnn.network import Architecture
from components.train.image_cnn.side_inputs import SideInputs
from components.train.model_folder import reading
from components.train.network_folder import save_weights

INPUTS = ("images", "images+magnitudes", "magnitudes")
"""What a network may be shown; without images it tells what the images add."""

KIND = "image_cnn"

_ROWS_AT_ONCE = 256

Images = npt.NDArray[Any]
Singles = npt.NDArray[np.float32]


@dataclass(frozen=True)
class CutoutModel:
    """A trained network for cutouts.

    Attributes
    ----------
    network : Pooled
        The weights, and the density of magnitudes that it is pooled with.
    architecture : Architecture
        How it was built.
    answer : RedshiftAnswer
        What its outputs mean.
    side_inputs : SideInputs
        Scales of the magnitudes.
    preprocess_settings : dict
        Settings that cutouts must be prepared with.
    record : dict
        How it was trained: settings, provenance of the data, versions.
    """

    network: Pooled
    architecture: Architecture
    answer: RedshiftAnswer
    side_inputs: SideInputs
    preprocess_settings: dict[str, Any]
    record: dict[str, Any]

    @property
    def inputs(self) -> str:
        """Which of `INPUTS` it was shown."""
        return str(self.record["settings"]["inputs"])

    @property
    def target(self) -> str:
        """What it predicts."""
        return str(self.record["settings"]["target"])

    def predict(self, images: Images, magnitudes: Singles | None = None) -> BinnedDistribution:
        """Predict distributions.

        Parameters
        ----------
        images : ndarray, shape (n, bands, size, size)
            Cutouts, stored or raw, as `preparation.prepare` takes them.
        magnitudes : ndarray, shape (n, 5), optional
            Dereddened magnitudes in ugriz, NaN where missing; a model of images alone does not look at them.
        """
        return self.answer.distribution(self.outputs(images, magnitudes))

    @torch.no_grad()
    def outputs(self, images: Images, magnitudes: Singles | None = None) -> Singles:
        """Raw outputs of the network, shape (n, outputs): in float32, and so the same on every machine."""
        device = pick_device()
        network = self.network.to(device).eval()
        parts = [np.zeros((0, self.architecture.outputs), dtype=np.float32)]
        for start in range(0, len(images), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            beside = None if magnitudes is None else magnitudes[rows]
            shown, told = self.tensors(images[rows], beside)
            parts.append(network(shown, told).cpu().numpy())
        return np.concatenate(parts)

    def tensors(self, images: Images, magnitudes: Singles | None) -> tuple[Tensor | None, Tensor | None]:
        """Return what the network takes, on the device where it runs."""
        device = pick_device()
        shown = beside = None
        if self.architecture.images:
            prepared = prepare(images, self.preprocess_settings)  # tells what has the wrong shape
            shown = torch.as_tensor(prepared).to(device)
        if self.architecture.side_inputs:
            if magnitudes is None:
                raise InputError(
                    "The model was trained on images and magnitudes, but there are no magnitudes.",
                    "Give a table with the columns mag_u to mag_z, or train with inputs=images.",
                )
            beside = torch.as_tensor(self.side_inputs.make(magnitudes)).to(device)
        return shown, beside


def save_model(folder: Path, model: CutoutModel, history: list[Epoch]) -> None:
    """Write `weights.safetensors`, `model.json` and `history.json` into a folder that is created."""
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(folder / "weights.safetensors", model.network)
    write_json(folder / "history.json", history)
    write_json(
        folder / "model.json",
        {
            "kind": KIND,
            "target": model.target,
            "data": "images",
            "architecture": model.architecture.to_json(),
            "answer": model.answer.to_json(),
            "side_inputs": model.side_inputs.to_json(),
            "preprocess": model.preprocess_settings,
            "training": model.record,
        },
    )


def load_model(folder: Path) -> CutoutModel:
    """Read a model folder.

    Raises
    ------
    InputError
        When the folder is not a whole model of this kind.
    """
    with reading(folder, KIND) as stored:
        architecture = Architecture(**stored["architecture"])
        weights = load_file(folder / "weights.safetensors")
        if "share" not in weights:
            raise InputError("its weights are of an earlier version", "Train it anew.")
        density = {name.removeprefix("density."): weights[name] for name in weights if name.startswith("density.")}
        network = Pooled(architecture.build(), MagnitudeDensity(**density) if density else None)
        network.load_state_dict(weights)
        answer = answer_from_json(stored["answer"])
        if not isinstance(answer, RedshiftAnswer):
            raise InputError("The model does not answer with redshifts.", "Train it anew.")
        side_inputs = SideInputs(**stored["side_inputs"])
        return CutoutModel(
            network.eval(), architecture, answer, side_inputs, stored["preprocess"], stored["training"]
        )

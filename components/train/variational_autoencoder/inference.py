"""A trained reconstruction with all that it takes to apply it, in memory and as a folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from torch import Tensor

from components.common.errors import InputError
from components.common.files import write_json
from components.common.training import Epoch, pick_device
from components.physics.mode_spectra import resample_grid
from components.train.model_folder import reading
from components.train.network_folder import save_weights
from components.train.variational_autoencoder.inputs import look_at
from components.train.variational_autoencoder.network import Architecture, Prior, Reconstructor
from components.train.variational_autoencoder.noise import NoiseModel
from components.train.variational_autoencoder.objective import INPUTS
from components.train.variational_autoencoder.preparation import Preparation
from components.train.variational_autoencoder.slices import overdensity_of

Field = npt.NDArray[np.float32]
Inputs = dict[str, Field]

KIND = "variational_autoencoder"

_ROWS_AT_ONCE = 16


@dataclass(frozen=True)
class Reconstruction:
    """A conditional variational autoencoder of initial fields, and what it is compared with.

    Attributes
    ----------
    network : Reconstructor
        With latents.
    plain : Reconstructor or None
        The U-Net of the same size that sees the slices alone; None where none was trained.
    preparation : Preparation
        From slices to what the networks are shown.
    noise : NoiseModel
        What the network cannot know.
    preprocess_settings : dict
        How slices have to be cut.
    record : dict
        How it was trained: settings, provenance of the data, versions, information in the latents.
    """

    network: Reconstructor
    plain: Reconstructor | None
    preparation: Preparation
    noise: NoiseModel
    preprocess_settings: dict[str, Any]
    record: dict[str, Any]

    def mean(self, final: npt.NDArray[np.floating]) -> Field:
        """Most probable initial fields, scaled to today by linear growth.

        Parameters
        ----------
        final : ndarray, shape (rows, slabs, rows, columns)
            Final slices as the preprocess stage cuts them.
        """
        return self._whole(self.coarse_mean(self._inputs(final), self.network))

    def sample(self, final: npt.NDArray[np.floating], n: int, seed: int = 0) -> Field:
        """Draw initial fields that the final ones may have come from.

        Parameters
        ----------
        final : ndarray, shape (rows, slabs, rows, columns)
            Final slices.
        n : int
            Samples of each.
        seed : int
            Of latents and noise; each row has numbers of its own.

        Returns
        -------
        ndarray of float32, shape (rows, n, slabs, rows, columns)
        """
        geometry = self.preparation.geometry
        inputs = self._inputs(final)
        samples = np.empty((len(final), n, *geometry.shape), dtype=np.float32)
        for row in range(len(final)):
            one = {name: values[row : row + 1] for name, values in inputs.items()}
            rng = np.random.default_rng((seed % 2**64, row))
            samples[row] = self._whole(self.coarse_samples(one, n, rng))
            for number in range(n):
                samples[row, number] += self.noise.draw(one["summary"][0], geometry, rng)
        return samples

    def strangeness(self, final: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Deviations by which the most unusual number that describes a box is off the training boxes."""
        shown = look_at(overdensity_of(final), self.preparation.geometry)
        mean, spread = (np.array(part, dtype=np.float32) for part in self.preparation.summary)
        return np.asarray(np.abs((shown.summary - mean) / spread).max(axis=1))

    def others(self, final: npt.NDArray[np.floating]) -> dict[str, Field]:
        """Answers of simpler methods: Wiener's smoothing, the linear estimate, and the plain U-Net."""
        inputs = self._inputs(final)
        found = {
            "wiener": self.preparation.smoothed(inputs),
            "linear": inputs["coarse"][:, -1],
        }
        if self.plain is not None:
            found["unet"] = self.coarse_mean(inputs, self.plain)
        return {name: self._whole(field) for name, field in found.items()}

    @torch.no_grad()
    def coarse_mean(self, inputs: Inputs, network: Reconstructor) -> Field:
        """Answer of a network on its own grid, shape (rows, *work)."""
        parts = [network.mean(prior).cpu().numpy() for prior in self._look(inputs, network)]
        return np.concatenate(parts) if parts else np.empty((0, *self.preparation.geometry.work), np.float32)

    @torch.no_grad()
    def coarse_samples(self, inputs: Inputs, n: int, rng: np.random.Generator) -> Field:
        """Draw latents alone for one row, and answer on the network's grid, shape (n, *work)."""
        (prior,) = self._look(inputs, self.network)
        found = []
        for _ in range(n):
            noise = torch.from_numpy(rng.standard_normal(prior.mean.shape, dtype=np.float32)).to(prior.mean.device)
            drawn = prior.mean + torch.exp(prior.log_width) * noise
            found.append(self.network.decode(prior, drawn).cpu().numpy()[0])
        return np.stack(found)

    def _look(self, inputs: Inputs, network: Reconstructor) -> Iterator[Prior]:
        device = pick_device()
        network.to(device).eval()
        for start in range(0, len(inputs["summary"]), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            yield network.look(*(_tensor(inputs[name][rows], device) for name in INPUTS))

    def _inputs(self, final: npt.NDArray[np.floating]) -> Inputs:
        wanted = self.preparation.geometry.shape
        if final.shape[1:] != wanted:
            raise InputError(
                f"The slices have shape {final.shape[1:]}, but the model knows {wanted}.",
                "Cut them with the model's own preprocess settings.",
            )
        return self.preparation.inputs(overdensity_of(final))

    def _whole(self, field: Field) -> Field:
        return resample_grid(field, self.preparation.geometry.shape)


def save_model(folder: Path, model: Reconstruction, histories: dict[str, list[Epoch]]) -> None:
    """Write weights, `model.json` and `history.json` into a folder that is created."""
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(folder / "weights.safetensors", model.network)
    if model.plain is not None:
        save_weights(folder / "plain_unet.safetensors", model.plain)
    write_json(folder / "history.json", histories["network"])
    if "plain" in histories:
        write_json(folder / "history_plain_unet.json", histories["plain"])
    write_json(
        folder / "model.json",
        {
            "kind": KIND,
            "target": "initial",
            "architecture": model.network.architecture.to_json(),
            "plain_unet": model.plain.architecture.to_json() if model.plain else None,
            "preparation": model.preparation.to_json(),
            "noise": model.noise.to_json(),
            "preprocess": model.preprocess_settings,
            "training": model.record,
        },
    )


def load_model(folder: Path) -> Reconstruction:
    """Read a model folder.

    Raises
    ------
    InputError
        When the folder is not a whole model of this kind.
    """
    with reading(folder, KIND) as stored:
        plain = stored["plain_unet"]
        return Reconstruction(
            _load(stored["architecture"], folder / "weights.safetensors"),
            None if plain is None else _load(plain, folder / "plain_unet.safetensors"),
            Preparation.from_json(stored["preparation"]),
            NoiseModel.from_json(stored["noise"]),
            stored["preprocess"],
            stored["training"],
        )


def _load(architecture: dict[str, Any], path: Path) -> Reconstructor:
    network = Architecture(**architecture).build()
    network.load_state_dict(load_file(path))
    return network.eval()


def _tensor(values: Field, device: torch.device) -> Tensor:
    return torch.tensor(values).to(device)

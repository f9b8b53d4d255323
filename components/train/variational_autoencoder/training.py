"""The train stage: initial fields from final ones, with samples of the unknown, and a plain U-Net beside."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from components.common.checks import require_at_least, require_positive
from components.common.errors import ParameterError
from components.common.files import whole
from components.common.minibatches import Minibatches
from components.common.tables import read_settings
from components.common.telemetry import report_counts, stage
from components.common.training import Epoch, Schedule, checkpoint_folder, fit, forget
from components.train.network_folder import identify, record_training
from components.train.variational_autoencoder.calibration import calibrate
from components.train.variational_autoencoder.inference import Reconstruction, save_model
from components.train.variational_autoencoder.inputs import FIELDS, NUMBERS
from components.train.variational_autoencoder.network import Architecture, Reconstructor, WaveLikelihood
from components.train.variational_autoencoder.noise import NoiseModel
from components.train.variational_autoencoder.objective import (
    INPUTS,
    TARGET,
    PlainLoss,
    VariationalLoss,
    latent_share,
    new_likelihood,
)
from components.train.variational_autoencoder.preparation import Preparation, prepare_table
from components.train.variational_autoencoder.slices import cut_by, geometry_of

_BANDS = 12
_START_ROWS = 64


@dataclass(frozen=True)
class Settings:
    """What to train and how.

    Attributes
    ----------
    cells : int
        Cells a side of the grid that the networks answer on, at most.
    width : int
        Features of the networks on that grid; a multiple of 4.
    latents : int
        Latent fields.
    free_nats : float
        Information of a latent that costs nothing, in nats for each of its cells.
    plain : bool
        Also train the U-Net that sees the slices alone, with as many epochs.
    epochs, learning_rate, patience : int, float, int
        As in `components.common.training.Schedule`.
    batch_size : int
        Rows that the network learns from at once.
    precision : {"auto", "float32", "bfloat16"}
        Arithmetic of the networks.
    seed : int
        Draws the first weights, orders the rows and chooses their symmetries.
    """

    cells: int = 16
    width: int = 16
    latents: int = 2
    free_nats: float = 0.02
    plain: bool = True
    epochs: int = 10
    batch_size: int = 4
    learning_rate: float = 4e-3
    patience: int = 5
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.width < 4 or self.width % 4:
            raise ParameterError(f"A network of width {self.width} cannot be.", "Choose a multiple of 4.")
        require_at_least(0, free_nats=self.free_nats)
        require_at_least(1, latents=self.latents)
        require_at_least(1, epochs=self.epochs, batch_size=self.batch_size, patience=self.patience)
        require_positive(learning_rate=self.learning_rate)


def train(dataset: Path, model: Path, settings: Settings) -> None:
    """Train on the slices of a preprocess stage.

    Parameters
    ----------
    dataset : Path
        Folder with `dataset.parquet`.
    model : Path
        Folder to create: weights, `model.json` and `history.json`.
    settings : Settings
        What to train and how.
    """
    with stage("train", model):
        table = dataset / "dataset.parquet"
        geometry = geometry_of(read_settings(table), settings.cells)
        model.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".shown-", dir=model.parent) as scratch:
            preparation, shown = prepare_table(table, geometry, Path(scratch))
            training = Minibatches(shown, [*INPUTS, TARGET], "train", settings.batch_size)
            validation = Minibatches(shown, [*INPUTS, TARGET], "validation", 4 * settings.batch_size)
            report_counts(rows_in=training.rows, rows_validation=validation.rows)
            fitting = _Fitting(table, preparation, training, validation, settings)
            histories, checkpoints = {}, []
            network, histories["network"], checkpoint = fitting.run("network", len(FIELDS) + 1, settings.latents)
            checkpoints.append(checkpoint)
            plain = None
            if settings.plain:
                plain, histories["plain"], checkpoint = fitting.run("plain", 0, 0)
                checkpoints.append(checkpoint)
            record = record_training(table, settings, histories["network"])
            blank = NoiseModel([], [], [])
            unfinished = Reconstruction(network, plain, preparation, blank, cut_by(read_settings(table)), record)
            finished = calibrate(unfinished, shown, table)
        with whole(model) as folder:
            save_model(folder, finished, histories)
        for checkpoint in checkpoints:
            forget(checkpoint)


class _Fitting:
    """Trains networks on the same rows, by the same schedule."""

    def __init__(
        self,
        table: Path,
        preparation: Preparation,
        training: Minibatches,
        validation: Minibatches,
        settings: Settings,
    ):
        self._preparation, self._settings = preparation, settings
        self._training, self._validation = training, validation
        self._identity = identify(table)

    def run(self, name: str, fields: int, latents: int) -> tuple[Reconstructor, list[Epoch], Path | None]:
        settings = self._settings
        torch.manual_seed(settings.seed)
        architecture = Architecture(fields, NUMBERS, settings.width, latents, _BANDS)
        network = architecture.build().to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        geometry = self._preparation.geometry
        likelihood = new_likelihood(geometry, _BANDS)
        _begin_with_the_estimate(network, likelihood, self._training)
        checkpoint = checkpoint_folder(
            f"reconstruction-{name}", asdict(settings), architecture.to_json(), self._identity
        )
        loss: Callable[[nn.Module, dict[str, Tensor]], Tensor] = (
            VariationalLoss(likelihood, latent_share(geometry, _BANDS), settings.free_nats)
            if latents
            else PlainLoss(likelihood)
        )
        schedule = Schedule(
            epochs=settings.epochs,
            learning_rate=settings.learning_rate,
            patience=settings.patience,
            seed=settings.seed,
            precision=settings.precision,
        )
        history = fit(network, loss, self._training, self._validation, schedule, checkpoint)
        return network, history, checkpoint


@torch.no_grad()
def _begin_with_the_estimate(network: Reconstructor, likelihood: WaveLikelihood, rows: Minibatches) -> None:
    """Set noise and latents to what the network misses at first, so that it need not look for that."""
    missed = torch.cat([_missed(network, batch) for batch in _some(rows)])
    level = torch.log(likelihood.power(missed).mean(0).clamp(min=1e-6))
    network.noise.linear.bias.copy_(level)
    if network.architecture.latents:
        network.begin_latents(missed)


def _missed(network: Reconstructor, batch: dict[str, Any]) -> Tensor:
    target = torch.tensor(batch[TARGET])
    return target - torch.tensor(batch["coarse"][:, -1]) if network.architecture.fields else target


def _some(rows: Minibatches) -> Iterator[dict[str, Any]]:
    seen = 0
    for batch in rows.in_order():
        yield batch
        seen += len(batch[TARGET])
        if seen >= _START_ROWS:
            return

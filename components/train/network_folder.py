"""What the folders of all networks hold: weights, and how they came about."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save_file

from components.common.provenance import code_version
from components.common.tables import read_provenance, read_settings, read_table
from components.common.training import Epoch

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def identify(table: Path) -> list[Any]:
    """Tell one data set from another, so that a checkpoint is taken up only for its own."""
    labels = read_table(table, ["id", "split"])
    return [read_provenance(table).to_json(), read_settings(table), *(v.tolist() for v in labels.values())]


def record_training(
    table: Path, settings: "DataclassInstance", history: list[Epoch], **further: Any
) -> dict[str, Any]:
    """Return what `model.json` says of a training.

    Parameters
    ----------
    table : Path
        What was trained on.
    settings : dataclass
        How.
    history : list of dict
        Its epochs; the one with the lowest `validation_loss` was kept.
    **further
        What else there is to say.
    """
    losses = [epoch["validation_loss"] for epoch in history]
    return {
        "settings": asdict(settings),
        **further,
        "data": read_provenance(table).to_json(),
        "code_version": code_version(),
        "torch_version": torch.__version__,
        "epochs_run": len(history),
        "best_epoch": losses.index(min(losses)) + 1,
    }


def save_weights(path: Path, network: torch.nn.Module) -> None:
    """Write the parameters of a network as safetensors."""
    weights = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    save_file(weights, path)

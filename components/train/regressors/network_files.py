"""The fully connected network on disk."""

from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from components.common.files import write_json
from components.train.conv1d.redshift_bins import RedshiftBins
from components.train.regressors.estimators import Estimator
from components.train.regressors.network import NetworkEstimator
from components.train.regressors.principal_components import PrincipalComponents


def save_network(folder: Path, estimator: Estimator) -> dict[str, Any]:
    """Write `weights.safetensors` and `history.json`, and return what `model.json` has to say about them."""
    assert isinstance(estimator, NetworkEstimator)
    assert estimator.network is not None
    weights = {name: value.detach().cpu().contiguous() for name, value in estimator.network.state_dict().items()}
    save_file(weights, folder / "weights.safetensors")
    write_json(folder / "history.json", estimator.history)
    return {
        "parameters": estimator.parameters,
        "bins": estimator.network.bins.to_json(),
        "step": estimator.step,
        "epochs": estimator.epochs,
    }


def load_network(folder: Path, stored: dict[str, Any], projection: PrincipalComponents | None) -> NetworkEstimator:
    """Read what `save_network` wrote."""
    own, training = stored["estimator"], stored["training"]
    estimator = NetworkEstimator(
        own["parameters"], projection, own["step"], own["epochs"], training["settings"]["seed"]
    )
    estimator.network = estimator.build(training["pixels"], RedshiftBins(**own["bins"]))
    estimator.network.load_state_dict(load_file(folder / "weights.safetensors"))
    return estimator

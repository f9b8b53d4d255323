"""Where in a map the network looks: how its answer for a parameter changes with each pixel."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from components.common.training import pick_device
from components.train.moment_network.inference import MomentModel


def saliency(model: MomentModel, maps: npt.NDArray[Any], parameter: int) -> npt.NDArray[np.float32]:
    """Return the size of the gradient of a parameter's mean by each pixel.

    Parameters
    ----------
    model : MomentModel
        The network.
    maps : ndarray, shape (n, fields, grid, grid)
        Prepared maps.
    parameter : int
        Number of the parameter.

    Returns
    -------
    ndarray of float32, shape (n, fields, grid, grid)
        In units of the prior for each standard deviation of a pixel.
    """
    device = pick_device()
    network = model.network.to(device).eval()
    data = torch.as_tensor(maps.astype(np.float32)).to(device).requires_grad_()
    present = torch.ones(data.shape[:2], dtype=torch.bool, device=device)
    mean, _ = network(data, present)
    (gradient,) = torch.autograd.grad(mean[:, parameter].sum(), data)
    return np.asarray(gradient.abs().cpu().numpy(), dtype=np.float32)

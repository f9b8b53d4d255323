"""What a classifying network looks at: integrated gradients of a class's score over the input."""

import numpy as np
import numpy.typing as npt
import torch

from components.common.training import pick_device
from components.train.conv1d.inference import Conv1dModel

STEPS = 16
"""Points on the straight line from nothing to the spectrum: with twice as many no sum changes by one per cent."""


def integrated_gradients(
    model: Conv1dModel, index: int, *data: npt.NDArray[np.float32], steps: int = STEPS
) -> npt.NDArray[np.float32]:
    """Attribute a class's score to the first column of the input, element by element.

    Sundararajan, Taly & Yan 2017 (arXiv:1703.01365): gradients are averaged along the straight line from an input
    without a signal, of the same noise, to the real one, and multiplied by the signal. The sum over all elements
    is the difference that the signal makes to the score.

    Parameters
    ----------
    model : Conv1dModel
        Learnt classes.
    index : int
        The class; its score is its output less the mean of the others.
    *data : ndarray, shape (n, ..., length)
        As for `Conv1dModel.predict`.
    steps : int
        Points on the line.

    Returns
    -------
    ndarray
        Of the shape of the first column.
    """
    device = pick_device()
    network = model.network.to(device).eval()
    others = [k for k in range(model.architecture.outputs) if k != index]
    found = []
    for row in range(len(data[0])):
        signal, *rest = (torch.tensor(values[row : row + 1]).to(device) for values in data)
        line = ((torch.arange(steps, device=device) + 0.5) / steps).view(-1, *[1] * (signal.ndim - 1))
        shown = (line * signal).requires_grad_()
        logits = network(
            model.input_kind.make(shown, *(values.expand(steps, *values.shape[1:]) for values in rest))
        )
        score = (logits[:, index] - logits[:, others].mean(1)).sum()
        (gradient,) = torch.autograd.grad(score, shown)
        found.append((gradient.mean(0) * signal[0]).detach().cpu().numpy())
    return np.stack(found) if found else np.zeros_like(data[0])

"""What a network of cutouts looks at: integrated gradients of its redshift over the picture."""

import numpy as np
import numpy.typing as npt
import torch

from components.common.training import pick_device
from components.train.image_cnn.inference import CutoutModel, Images, Singles

STEPS = 16
"""Points on the straight line from an empty sky to the picture."""


def integrated_gradients(
    model: CutoutModel, images: Images, magnitudes: Singles | None, steps: int = STEPS
) -> Singles:
    """Attribute the mean of a predicted distribution to the pixels of a cutout.

    Sundararajan, Taly & Yan 2017 (arXiv:1703.01365): gradients are averaged along the straight line from an empty
    sky to the picture, with the magnitudes as they are, and multiplied by the picture. The sum over all pixels is
    what the picture changes.

    Parameters
    ----------
    model : CutoutModel
        That looks at images.
    images : ndarray, shape (n, bands, size, size)
        As for `CutoutModel.predict`.
    magnitudes : ndarray, shape (n, 5), optional
        As for `CutoutModel.predict`.
    steps : int
        Points on the line.

    Returns
    -------
    ndarray of float32, shape (n, bands, size, size)
        In units of ln(1 + z).
    """
    device = pick_device()
    network = model.network.to(device).eval()
    edges = torch.as_tensor(np.log1p(model.answer.bins.edges), dtype=torch.float32, device=device)
    centres = (edges[1:] + edges[:-1]) / 2
    found = []
    for row in range(len(images)):
        beside = None if magnitudes is None else magnitudes[row : row + 1]
        shown, told = model.tensors(images[row : row + 1], beside)
        assert shown is not None, "only a network of images can be asked what it looks at"
        line = ((torch.arange(steps, device=device) + 0.5) / steps).view(-1, 1, 1, 1)
        picture = (line * shown).requires_grad_()
        told = None if told is None else told.expand(steps, -1)
        probability = (network(picture, told) / model.answer.temperature).softmax(1)
        (gradient,) = torch.autograd.grad((probability @ centres).sum(), picture)
        attributed: npt.NDArray[np.float32] = (gradient.mean(0) * shown[0]).detach().cpu().numpy()
        found.append(attributed)
    return np.stack(found) if found else np.zeros(images.shape, dtype=np.float32)

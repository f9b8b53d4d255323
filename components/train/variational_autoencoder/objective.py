"""What a training makes small, and the symmetries of the box that it may use."""

from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from components.physics.mode_spectra import magnitude, multiplicity
from components.train.variational_autoencoder.inputs import Geometry
from components.train.variational_autoencoder.network import Prior, Reconstructor, WaveLikelihood, divergence

INPUTS = ("fine", "coarse", "summary")
"""Columns that a network is shown."""

TARGET = "target"


LARGEST_SHARE = 0.5
"""Share of the missing power that the latents are asked to spread, at the longest waves."""

_SHARED_UP_TO = 1.0
"""Of the highest wavenumber of the latents' grid: up to there their share is largest, at twice that nothing."""


def _edges(geometry: Geometry, bands: int) -> npt.NDArray[np.float64]:
    highest = float(magnitude(geometry.work, geometry.lengths).max())
    return np.geomspace(0.9 * 2 * np.pi / geometry.box_size, 1.001 * highest, bands + 1)


def latent_share(geometry: Geometry, bands: int) -> Tensor:
    """Share of the missing power that the latents are asked to spread, by band.

    Of a Gaussian uncertainty any share may as well be left to the noise, which is why latents collapse when
    nothing is asked of them. Asked for a share, they learn where the uncertainty is larger: noise cannot know.
    """
    edges = _edges(geometry, bands)
    centre = np.sqrt(edges[1:] * edges[:-1])
    octaves = np.log2(centre / (_SHARED_UP_TO * np.pi / geometry.box_size * min(geometry.work) / 2))
    return torch.from_numpy(LARGEST_SHARE * np.clip(1 - octaves, 0, 1)).float()


def new_likelihood(geometry: Geometry, bands: int) -> WaveLikelihood:
    """Likelihood over the waves that a network answers for."""
    wave = magnitude(geometry.work, geometry.lengths)
    band = np.digitize(wave, _edges(geometry, bands)) - 1
    for axis, side in enumerate(geometry.work):  # neither the mean nor the Nyquist frequency
        place = [slice(None)] * 3
        place[axis] = slice(side // 2, side // 2 + 1)
        band[tuple(place)] = -1
    weight = np.array(multiplicity(geometry.work))
    return WaveLikelihood(torch.from_numpy(band), torch.from_numpy(weight), bands)


class PlainLoss:
    """Likelihood of the mean alone: for networks without latents."""

    def __init__(self, likelihood: WaveLikelihood):
        self.likelihood = likelihood

    def __call__(self, network: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """Mean loss of a minibatch in nats a wave."""
        own = cast(Reconstructor, network)
        batch = transformed(batch) if own.training else batch
        prior = own.look(*(batch[name] for name in INPUTS))
        level = own.noise(batch["summary"])
        likelihood = self.likelihood.to(level.device)
        loss: Tensor = likelihood(batch[TARGET] - prior.mean_field, level).mean()
        return loss / likelihood.counts.sum()


class VariationalLoss:
    """Evidence bound of the latents, and the likelihood of the answer in their mean.

    The second term has the mean be a good answer by itself, whatever the latents have learnt until then (the
    hybrid objective of Sohn, Lee & Yan 2015).

    Parameters
    ----------
    likelihood : WaveLikelihood
        Of what an answer misses.
    share : Tensor, shape (bands,)
        Of the missing power, that the latents are asked to spread: with them known, the noise is so much less.
    free_nats : float
        Information in a latent that costs nothing, in nats for each of its cells: so that none collapses to its
        prior before the decoder has learnt to read it.
    """

    def __init__(self, likelihood: WaveLikelihood, share: Tensor, free_nats: float):
        self.likelihood, self.free_nats = likelihood, free_nats
        self.remains = torch.log1p(-share)

    def __call__(self, network: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """Mean loss of a minibatch in nats a wave."""
        own = cast(Reconstructor, network)
        batch = transformed(batch) if own.training else batch
        summary, target = batch["summary"], batch[TARGET]
        prior = own.look(*(batch[name] for name in INPUTS))
        mean, log_width = own.recognise(prior, target)
        noise = torch.randn_like(mean) if own.training else torch.zeros_like(mean)
        with_latents = own.decode(prior, mean + torch.exp(log_width) * noise)
        likelihood = self.likelihood.to(target.device)
        level = own.noise(summary)
        narrow = level.detach() + self.remains.to(level.device)
        evidence = likelihood(target - with_latents, narrow).mean()
        answer = likelihood(target - own.mean(prior), level).mean()
        loss: Tensor = (evidence + self._cost(mean, log_width, prior) + answer) / likelihood.counts.sum()
        return loss

    def _cost(self, mean: Tensor, log_width: Tensor, prior: Prior) -> Tensor:
        """Nats a row, of which each latent field has some free."""
        nats = divergence(mean, log_width, prior).float()
        of_field = nats.mean(dim=(0, 2, 3, 4))
        cells = float(np.prod(nats.shape[2:]))
        return cells * of_field.clamp(min=self.free_nats).sum()


def transformed(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Shift, reflect and turn the boxes of a minibatch, inputs and target alike.

    Shifts are whole cells of the network's grid along all three axes, slabs included. Reflections are of each
    axis, about cell 0, which all the grids share. Rows and columns may change places, and where the grid is a
    cube all three axes.
    """
    fine, coarse, target = batch["fine"], batch["coarse"], batch[TARGET][:, None]
    cells = target.shape[-3:]
    shift = [int(torch.randint(side, ())) for side in cells]
    mirrored = [axis for axis in (-3, -2, -1) if bool(torch.randint(2, ()))]
    order = [-3, -2, -1]
    if len(set(cells)) == 1:  # a cube may be put on each of its faces
        order = [order[int(axis)] for axis in torch.randperm(3)]
    elif cells[1] == cells[2] and bool(torch.randint(2, ())):
        order = [-3, -1, -2]

    def turned(field: Tensor, scale: int) -> Tensor:
        field = field.permute(0, 1, *(field.ndim + axis for axis in order))
        if mirrored:
            field = torch.roll(field.flip(mirrored), [1] * len(mirrored), mirrored)
        return torch.roll(field, [scale * s for s in shift], (-3, -2, -1))

    return {
        **batch,
        "fine": turned(fine, fine.shape[-1] // cells[-1]),
        "coarse": turned(coarse, 1),
        TARGET: turned(target, 1)[:, 0],
    }

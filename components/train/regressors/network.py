"""The fully connected network: every pixel to every neuron, and redshift as one of many bins.

Asked for one number, such a network blurs the redshifts of neighbours; asked which bin, it can be as sharp as the
lines are. A spectrum that is moved by some pixels is a spectrum of another redshift, so each is shown at a new
place every time, which is worth many times the training rows.
"""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from components.common.distributions import BinnedDistribution
from components.common.minibatches import HeldRows
from components.common.training import Schedule, fit, pick_device
from components.train.conv1d.redshift_bins import RedshiftBins
from components.train.regressors.estimators import Prediction
from components.train.regressors.features import HIGHEST, LOWEST, Floats, Spectra
from components.train.regressors.principal_components import PrincipalComponents

_SMOOTHING_LOG10 = 0.08
"""Width, in log10 wavelength, of the running mean that is taken off: lines stay, the continuum goes."""

_CONTRAST = 0.4
_COARSE = 48
_SHIFT_LOG10 = 0.016
_SUBPIXELS = 2
_BATCH = 64
_ROWS_AT_ONCE = 256


class FullyConnected(nn.Module):
    """Two hidden layers for the redshift, one for the magnitude.

    Parameters
    ----------
    pixels, bins, hidden : int
        Inputs, bins of redshift and neurons.
    step : float
        Width of a pixel in log10 wavelength.
    projection : PrincipalComponents or None
        See only the first `components` of these.
    """

    def __init__(
        self,
        pixels: int,
        bins: RedshiftBins,
        hidden: int,
        step: float,
        projection: PrincipalComponents | None = None,
        components: int = 0,
    ):
        super().__init__()
        self.mean: Tensor
        self.axes: Tensor
        self.scale: Tensor
        self.target_centre: Tensor
        self.target_spread: Tensor
        self.bins, self.step = bins, step
        self.window = 2 * round(_SMOOTHING_LOG10 / step / 2) + 1
        self.shift = round(_SHIFT_LOG10 / step)
        inputs = components or pixels
        mean, axes, scale = torch.zeros(pixels), torch.zeros(0, pixels), torch.ones(1)
        if projection is not None:
            mean, axes = torch.from_numpy(projection.mean), torch.from_numpy(projection.axes[:components])
            scale = torch.from_numpy(np.sqrt(projection.variance[:components]))
        self.register_buffer("mean", mean.clone())
        self.register_buffer("axes", axes.clone())
        self.register_buffer("scale", scale.clone())
        self.register_buffer("target_centre", torch.zeros(1))
        self.register_buffer("target_spread", torch.ones(1))
        self.redshift = nn.Sequential(
            nn.Linear(inputs, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(0.2),
            nn.Linear(hidden, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Dropout(0.2),
            nn.Linear(256, bins.count),
        )  # fmt: skip
        self.coarse = inputs if components else min(_COARSE, pixels)
        self.magnitude = nn.Sequential(nn.Linear(self.coarse, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits of the redshift bins, (batch, bins), and the standardised magnitude, (batch,)."""
        if len(self.axes):
            seen = (pixels - self.mean) @ self.axes.T / self.scale
            return self.redshift(seen), self.magnitude(seen)[:, 0]
        stacked = pixels[:, None]
        smooth = functional.avg_pool1d(stacked, self.window, 1, self.window // 2, count_include_pad=False)[:, 0]
        lines = (pixels - smooth).clamp(-_CONTRAST, _CONTRAST) / _CONTRAST * 4
        coarse = functional.adaptive_avg_pool1d(stacked, self.coarse)[:, 0]
        return self.redshift(lines), self.magnitude(coarse)[:, 0]

    def moved(self, pixels: Tensor, log_redshift: Tensor) -> tuple[Tensor, Tensor]:
        """Move each spectrum by a random number of pixels, and its ln(1 + z) with it."""
        by = torch.randint(-self.shift, self.shift + 1, (len(pixels), 1), device=pixels.device)
        place = torch.arange(pixels.shape[1], device=pixels.device) - by
        inside = (place >= 0) & (place < pixels.shape[1])
        moved = torch.where(inside, torch.gather(pixels, 1, place.clamp(0, pixels.shape[1] - 1)), 0.0)
        return moved, log_redshift + by[:, 0] * (self.step * np.log(10))


class NetworkEstimator:
    """The fully connected network as an estimator.

    Parameters
    ----------
    parameters : mapping
        `hidden`, and `components` where there is a projection.
    projection : PrincipalComponents or None
        What the pixels are projected on.
    step : float
        Width of a pixel in log10 wavelength.
    epochs, seed : int
        Passes over the training rows, and what draws weights, order and shifts.
    """

    def __init__(
        self,
        parameters: Mapping[str, Any],
        projection: PrincipalComponents | None,
        step: float,
        epochs: int,
        seed: int,
    ):
        self.parameters, self.projection = dict(parameters), projection
        self.step, self.epochs, self.seed = step, epochs, seed
        self.network: FullyConnected | None = None
        self.history: list[dict[str, float]] = []

    def build(self, pixels: int, bins: RedshiftBins) -> FullyConnected:
        """Return a network with new weights."""
        torch.manual_seed(self.seed)
        components = int(self.parameters.get("components", 0))
        return FullyConnected(pixels, bins, int(self.parameters["hidden"]), self.step, self.projection, components)

    def fit(self, spectra: Spectra, targets: Floats, held_out: tuple[Spectra, Floats]) -> Self:
        """Learn from spectra, and keep the epoch that does best on those held out."""
        largest = float(np.expm1(max(targets[:, 0].max(), held_out[1][:, 0].max()) + _SHIFT_LOG10 * np.log(10)))
        network = self.build(spectra.pixels.shape[1], RedshiftBins.covering(largest, self.step, _SUBPIXELS))
        network.target_centre.fill_(float(targets[:, 1].mean()))
        network.target_spread.fill_(float(targets[:, 1].std()) + 1e-9)
        training, validation = (
            HeldRows({"pixels": s.pixels, "targets": t.astype(np.float32)}, _BATCH)
            for s, t in ((spectra, targets), held_out)
        )
        schedule = Schedule(self.epochs, 2e-3, weight_decay=0.05, patience=self.epochs, seed=self.seed)
        self.history = fit(network, _loss, training, validation, schedule)
        self.network = network
        return self

    @torch.no_grad()
    def predict(self, spectra: Spectra) -> Prediction:
        """Predict the strongest peak of the redshift's distribution; its width and height are the doubt."""
        assert self.network is not None
        device = pick_device()
        network = self.network.to(device).eval()
        points, doubt = [np.zeros((0, 2))], [np.zeros((0, 2))]
        for start in range(0, len(spectra), _ROWS_AT_ONCE):
            pixels = torch.tensor(spectra.pixels[start : start + _ROWS_AT_ONCE]).to(device)
            logits, magnitude = network(pixels)
            probability = torch.softmax(logits, dim=1).cpu().numpy()
            edges = np.log1p(np.maximum(network.bins.edges, -0.5))
            found = BinnedDistribution(edges, probability)
            value = (magnitude * network.target_spread + network.target_centre).double().cpu().numpy()
            points.append(np.column_stack([found.peak_value(), value]))
            doubt.append(np.column_stack([np.log(found.sigma() + 1e-6), np.log(probability.max(axis=1))]))
        return Prediction(np.concatenate(points), np.concatenate(doubt))


def _loss(network: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    assert isinstance(network, FullyConnected)
    pixels, targets = batch["pixels"], batch["targets"]
    log_redshift = targets[:, 0]
    if network.training:
        pixels, log_redshift = network.moved(pixels.clamp(LOWEST, HIGHEST), log_redshift)
    logits, magnitude = network(pixels)
    wanted = (targets[:, 1] - network.target_centre) / network.target_spread
    redshift_loss: Tensor = network.bins.cross_entropy(logits, torch.expm1(log_redshift).clamp(min=0.0))
    return redshift_loss + functional.smooth_l1_loss(magnitude, wanted, beta=0.5)

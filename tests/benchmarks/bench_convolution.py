"""Training steps of the redshift network with our convolutions, beside the same network of plain PyTorch."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from components.train.conv1d.convolution import LongConv1d, ReluMaxPool1d

BATCH = 64
CHANNELS = (32, 16, 128)


def network(pixels: int, kernels: tuple[int, ...], ours: bool) -> nn.Sequential:
    """Three convolutions, each normalised, rectified and pooled; then two linear layers."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    inputs = 1
    for outputs, kernel in zip(CHANNELS, kernels, strict=True):
        convolution = LongConv1d if ours else nn.Conv1d
        layers += [convolution(inputs, outputs, kernel), nn.BatchNorm1d(outputs)]
        layers += [ReluMaxPool1d()] if ours else [nn.ReLU(), nn.MaxPool1d(2)]
        inputs, pixels = outputs, (pixels - kernel + 1) // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(inputs * pixels, 256), nn.ReLU(), nn.Linear(256, 1))


def training(
    pixels: int, kernels: tuple[int, ...], ours: bool, bfloat16: bool = False
) -> Callable[[], list[float]]:
    """Return a function that takes a step on a batch and returns the losses of all steps so far."""
    model = network(pixels, kernels, ours)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4)
    generator = torch.Generator().manual_seed(1)
    signal: Tensor = torch.randn(BATCH, 1, pixels, generator=generator)
    target = torch.rand(BATCH, generator=generator)
    losses: list[float] = []

    def step() -> list[float]:
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            predicted = model(signal)
        loss = functional.mse_loss(predicted[:, 0].float(), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        return losses

    return step


@pytest.mark.parametrize(
    ("pixels", "kernels"), [(4618, (500, 200, 10)), (1154, (125, 50, 7))], ids=["4618 pixels", "1154 pixels"]
)
@pytest.mark.parametrize("peer", ["float32", "bfloat16 autocast"])
def test_training(ratio, pixels, kernels, peer):
    """The same start must have the same loss, to the rounding of the precision that the peer computes in."""
    tolerance = 1e-4 if peer == "float32" else 0.1
    ratio(
        f"training, {pixels} pixels, kernels {kernels}, {BATCH} spectra a step",
        ours=training(pixels, kernels, ours=True),
        peer=training(pixels, kernels, ours=False, bfloat16=peer != "float32"),
        peer_name=f"{peer} torch.nn.Conv1d",
        rounds=2,
        goal=3.0,
        agree=lambda ours, plain: abs(ours[0] - plain[0]) <= tolerance * plain[0],
    )

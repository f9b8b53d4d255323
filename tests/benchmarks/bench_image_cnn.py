"""How fast a network of cutouts is trained, beside the same network in plain float32."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from conftest import Ratio
from torch import Tensor, nn

from components.train.conv1d.answers import RedshiftAnswer
from components.train.image_cnn.network import Architecture, symmetry
from components.train.image_cnn.side_inputs import MAGNITUDES, SideInputs
from components.train.image_cnn.training import BIN_STEP, blur, fastest_precision, make_loss

ROWS, BATCH, STEPS = 2048, 64, 16
STORED = {"bands": ["i", "r", "g"], "encoding": "jpeg", "size": 64, "scale_arcsec": 0.396127}

Step = Callable[[nn.Module, dict[str, Tensor]], Tensor]


@pytest.fixture(scope="module")
def rows() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    magnitudes = rng.normal([19, 18, 17, 16.7, 16.5], 0.5, (ROWS, 5)).astype(np.float32)
    return {
        "image": rng.integers(0, 255, (ROWS, 3, 64, 64)).astype(np.uint8),
        "redshift": rng.uniform(0.02, 0.3, ROWS),
        **{name: magnitudes[:, k] for k, name in enumerate(MAGNITUDES)},
    }


def describe(rows: dict[str, np.ndarray]) -> tuple[Architecture, RedshiftAnswer, SideInputs]:
    answer = RedshiftAnswer.covering(0.4, BIN_STEP, 1)
    sides = SideInputs.of_training(np.stack([rows[name] for name in MAGNITUDES], axis=1))
    return Architecture(3, 64, outputs=answer.bins.count, side_inputs=sides.count), answer, sides


def trained(rows: dict[str, np.ndarray], network: nn.Module, loss: Step, precision: str) -> float:
    """Make some steps as `components.common.training` makes them, and return the last loss."""
    network.train()
    torch.manual_seed(0)
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3, fused=True)
    value = torch.zeros(())
    for step in range(STEPS):
        part = slice(step * BATCH, (step + 1) * BATCH)
        batch = {name: torch.as_tensor(values[part].copy()) for name, values in rows.items()}
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            value = loss(network, batch)
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
    return float(value.detach())


def plain_loss(answer: RedshiftAnswer, sides: SideInputs) -> Step:
    """Loss as most would write it: float32 in PyTorch's own layout, each cutout turned by itself."""

    def loss(network: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        images = batch["image"].float() / 64
        turned = [
            symmetry(image, int(k)) for image, k in zip(images, torch.randint(8, (len(images),)), strict=True)
        ]
        magnitudes = torch.stack([batch[name] for name in MAGNITUDES], 1).numpy()
        magnitudes[np.random.default_rng(0).random(len(magnitudes)) < 0.1] = np.nan
        outputs = network(torch.stack(turned), torch.as_tensor(sides.make(magnitudes)))
        return answer.loss(outputs, blur(batch["redshift"], BIN_STEP))

    return loss


def test_training(rows: dict[str, np.ndarray], ratio: Ratio) -> None:
    architecture, answer, sides = describe(rows)
    precision = fastest_precision("auto")
    ours, theirs = make_loss(answer, sides, "redshift", 1 / 64), plain_loss(answer, sides)

    def peer() -> float:
        torch.manual_seed(1)
        network = architecture.build()
        network.layout = torch.contiguous_format
        return trained(rows, network, theirs, "float32")

    def own() -> float:
        torch.manual_seed(1)
        return trained(rows, architecture.build(), ours, precision)

    ratio(
        f"training on cutouts ({precision}), {STEPS} minibatches of {BATCH}",
        ours=own,
        peer=peer,
        peer_name="the same network in plain float32",
        goal=2.0,
        agree=lambda a, b: abs(a - b) < 0.1 * abs(b),
    )

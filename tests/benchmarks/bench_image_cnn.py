"""How fast a network of cutouts is trained, beside the same network in plain float32."""

from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context

import numpy as np
import torch
from conftest import Ratio
from torch import Tensor, nn

from components.common.minibatches import HeldRows
from components.common.training import Schedule, fastest_precision, fit
from components.train.conv1d.answers import RedshiftAnswer
from components.train.image_cnn.network import Architecture
from components.train.image_cnn.side_inputs import MAGNITUDES, SideInputs
from components.train.image_cnn.training import BIN_STEP, blur, make_loss
from components.train.symmetries import symmetry

BATCH, STEPS, RATE, DECAY, LARGEST = 64, 32, 1e-3, 0.02, 5.0


@cache
def rows() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    count = BATCH * STEPS
    magnitudes = rng.normal([19, 18, 17, 16.7, 16.5], 0.5, (count, 5)).astype(np.float32)
    return {
        "image": rng.integers(0, 255, (count, 3, 64, 64)).astype(np.uint8),
        "redshift": rng.uniform(0.02, 0.3, count),
        **{name: magnitudes[:, k] for k, name in enumerate(MAGNITUDES)},
    }


@cache
def describe() -> tuple[Architecture, RedshiftAnswer, SideInputs]:
    answer = RedshiftAnswer.covering(0.4, BIN_STEP, 1)
    sides = SideInputs.of_training(np.stack([rows()[name] for name in MAGNITUDES], axis=1))
    return Architecture(3, 64, outputs=answer.bins.count, side_inputs=sides.count), answer, sides


def own() -> float:
    """Train an epoch as the stage does, and return the mean loss."""
    architecture, answer, sides = describe()
    schedule = Schedule(
        1, RATE, DECAY, precision=fastest_precision("auto"), constant_rate=True, largest_gradient=LARGEST
    )
    few = HeldRows({name: values[:8] for name, values in rows().items()}, 8)
    torch.manual_seed(1)
    loss = make_loss(answer, sides, "redshift", 1 / 64)
    return fit(architecture.build(), loss, HeldRows(rows(), BATCH), few, schedule)[-1]["train_loss"]


def peer() -> float:
    """Make the same steps as most would write them, in float32 and PyTorch's own layout."""
    torch.manual_seed(1)
    network = describe()[0].build()
    network.layout = torch.contiguous_format
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY, fused=True)
    total = 0.0
    for batch in HeldRows(rows(), BATCH).shuffled(0, 0):
        loss = plain_loss(network, {name: torch.as_tensor(values) for name, values in batch.items()})
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), LARGEST)
        optimizer.step()
        total += float(loss.detach())
    return total / STEPS


def plain_loss(network: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """Loss of a minibatch, each cutout of which is turned by itself."""
    _, answer, sides = describe()
    images = batch["image"].float() / 64
    turned = [symmetry(image, int(k)) for image, k in zip(images, torch.randint(8, (len(images),)), strict=True)]
    magnitudes = torch.stack([batch[name] for name in MAGNITUDES], 1).numpy()
    magnitudes[np.random.default_rng(0).random(len(magnitudes)) < 0.1] = np.nan
    outputs = network(torch.stack(turned), torch.as_tensor(sides.make(magnitudes)))
    return answer.loss(outputs, blur(batch["redshift"], BIN_STEP))


def test_training(ratio: Ratio) -> None:
    # A process of its own for the peer: it leaves memory to the C library, which `fit` tells to keep it.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as plain:
        ratio(
            f"training on cutouts ({fastest_precision('auto')}), {STEPS} minibatches of {BATCH}",
            ours=own,
            peer=lambda: plain.submit(peer).result(),
            peer_name="the same network in plain float32",
            goal=2.0,
            agree=lambda a, b: abs(a - b) < 0.1 * abs(b),
        )

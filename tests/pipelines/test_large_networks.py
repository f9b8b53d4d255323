"""Networks as large as `full` and `paper` want them, on a few simulated objects and in the arithmetic of a GPU."""

import inspect
import math
from pathlib import Path

import pytest
import torch

from components.common.files import read_json
from pipelines.catalogue import find
from pipelines.parameters import resolve
from pipelines.stages import find_stage

FEW = {
    "rows": "60",
    "epochs": "1",
    "validation_fraction": "0.2",
    "test_fraction": "0.2",
    "precision": "bfloat16",
}
"""What a preset is made small with; the sizes of objects and networks stay. Simulations would take minutes."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("slug", "preset"),
    [
        ("quasar-redshift", "full"),
        ("quasar-redshift", "paper"),
        ("quasar-galaxy", "full"),
        ("quasar-galaxy", "paper"),
        ("gravitational-waves", "full"),
        ("galaxy-photoz", "full"),
    ],
)
def test_a_network_of_full_size_is_trained(slug: str, preset: str, tmp_path: Path) -> None:
    definition = find(slug).load()
    embedded = inspect.signature(definition.pipeline.pipeline_func).parameters["source"].default
    values = resolve(definition, preset, {**FEW, "source": embedded})
    for name in ("ingest", "preprocess", "train"):
        stage = find_stage(definition, name, values)
        inputs = {key: tmp_path / one.stage / one.output for key, one in stage.inputs.items()}
        stage.run(inputs, tmp_path / name)
    (epoch,) = read_json(tmp_path / "train" / "model" / "history.json")
    assert math.isfinite(epoch["validation_loss"])


def test_a_network_for_all_fields_learns_a_step() -> None:
    from components.train.moment_network.network import Architecture

    definition = find("cosmic-parameters").load()
    own = resolve(definition, "full", {})
    fields, grid = len(own["fields"]), own["grid"]
    torch.manual_seed(0)
    network = Architecture(fields, grid, [0.5] * fields, own["channels"], own["hidden"]).build()
    with torch.autocast("cpu", torch.bfloat16):
        mean, width = network(torch.randn(2, fields, grid, grid), torch.ones(2, fields, dtype=torch.bool))
    loss = mean.float().square().mean() + width.float().square().mean()
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)

"""The presets that no laptop runs: stages take what they set, and the networks that they ask for can be built.

`full` and `paper` want an archive and a GPU, so that nobody would notice before the cluster does.
"""

from pathlib import Path
from typing import Any

import pytest
import torch

from components.common import telemetry
from pipelines.catalogue import EXERCISES, Exercise
from pipelines.definition import Definition
from pipelines.parameters import resolve
from pipelines.stages import find_stage
from pipelines.tasks import stage_name, tasks_in_order

LAPTOP = {"smoke", "demo"}
LARGE = [
    (exercise, preset) for exercise in EXERCISES for preset in exercise.load().presets if preset not in LAPTOP
]
each_large_preset = pytest.mark.parametrize(("exercise", "preset"), LARGE, ids=[f"{e.slug}-{p}" for e, p in LARGE])


class BegunError(Exception):
    """The stage has looked its settings over and begins."""


@pytest.fixture
def stop_at_the_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    def emit(event: dict[str, Any]) -> None:
        if event["event"] == "begin":
            raise BegunError(event["stage"])

    monkeypatch.setattr(telemetry, "_emit", emit)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


def parameters(definition: Definition, preset: str, folder: Path) -> dict[str, Any]:
    """Values of a preset; a source that reads files is told where they are, as its user would."""
    reads_files = definition.presets[preset].get("source") in ("g2net", "frames", "files")
    return resolve(definition, preset, {"location": str(folder)} if reads_files else {})


@each_large_preset
@pytest.mark.usefixtures("stop_at_the_beginning")
def test_every_stage_takes_its_settings(exercise: Exercise, preset: str, tmp_path: Path) -> None:
    definition = exercise.load()
    values = parameters(definition, preset, tmp_path)
    for name in [stage_name(task) for task in tasks_in_order(definition.pipeline)]:
        stage = find_stage(definition, name, values)
        with pytest.raises(BegunError, match=f"^{name}$"):
            stage.run({key: tmp_path / key for key in stage.inputs}, tmp_path / name)


def of_spectra(values: dict[str, Any], own: dict[str, Any]) -> tuple[Any, list[Any]]:
    from components.physics.wavelength_grid import WavelengthGrid
    from components.train.conv1d.inputs import CHANNELS, kind_for
    from components.train.conv1d.network import Architecture, scale_kernels
    from components.train.conv1d.redshift_bins import RedshiftBins

    grid, name = WavelengthGrid(bin_pixels=values["bin_pixels"]), own["architecture"]
    kernels, outputs = scale_kernels(own["kernels"], grid.bin_pixels), 2
    options: dict[str, Any] = {"groups": [], "strides": [2, 2, 2, 2], "dropout": 0.1} if name == "strided" else {}
    if name == "restframe":
        kernels = [kernel + 1 - kernel % 2 for kernel in kernels]
        outputs = RedshiftBins.covering(7.0, 2 * grid.step, 4).count
        options = {"templates": own["templates"], "subpixels": 4, "dropout": 0.1}
    inputs = CHANNELS[kind_for(name, {"flux", "ivar"})]
    plan = Architecture(name, grid.pixels, inputs, kernels, own["channels"], outputs, options)
    return plan, [torch.randn(2, inputs, grid.pixels)]


def of_strain(values: dict[str, Any], own: dict[str, Any]) -> tuple[Any, list[Any]]:
    from components.train.conv1d.network import Architecture

    options = {"groups": [[0, 1], [2]], "strides": [4, 2, 2, 2], "dropout": 0.1}
    plan = Architecture(own["architecture"], 4096, 3, own["kernels"], own["channels"], 2, options)
    return plan, [torch.randn(2, 3, 4096)]


def of_pictures(values: dict[str, Any], own: dict[str, Any]) -> tuple[Any, list[Any]]:
    from components.train.image_cnn.network import Architecture

    bands, size = len(values["bands"]), values["size"]
    shape = {name: own[name] for name in ("channels", "blocks", "hidden")}
    return Architecture(bands, size, outputs=200, side_inputs=9, **shape), [
        torch.randn(2, bands, size, size),
        torch.randn(2, 9),
    ]


def of_maps(values: dict[str, Any], own: dict[str, Any]) -> tuple[Any, list[Any]]:
    from components.train.moment_network.network import Architecture

    fields, grid = len(values["fields"]), values["grid"]
    plan = Architecture(fields, grid, [0.5] * fields, own["channels"], own["hidden"])
    return plan, [torch.randn(2, fields, grid, grid), torch.ones(2, fields, dtype=torch.bool)]


NETWORKS = {
    "quasar-redshift": of_spectra,
    "quasar-galaxy": of_spectra,
    "gravitational-waves": of_strain,
    "galaxy-photoz": of_pictures,
    "cosmic-parameters": of_maps,
}
WITH_NETWORKS = [(exercise, preset) for exercise, preset in LARGE if exercise.slug in NETWORKS]


@pytest.mark.parametrize(("exercise", "preset"), WITH_NETWORKS, ids=[f"{e.slug}-{p}" for e, p in WITH_NETWORKS])
def test_a_network_of_full_size_learns_in_the_arithmetic_of_a_gpu(
    exercise: Exercise, preset: str, tmp_path: Path
) -> None:
    definition = exercise.load()
    values = parameters(definition, preset, tmp_path)
    own = find_stage(definition, "train", values).arguments
    torch.manual_seed(0)
    plan, inputs = NETWORKS[exercise.slug](values, own)
    network = plan.build()
    with torch.autocast("cpu", torch.bfloat16):
        answers = network(*inputs)
    loss = sum(part.float().square().mean() for part in (answers if isinstance(answers, tuple) else (answers,)))
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)

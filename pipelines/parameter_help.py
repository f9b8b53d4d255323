"""What each parameter of an exercise means, for the command line and for Kubeflow's pages."""

import inspect
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.definition import Definition
from pipelines.tasks import stage_name, tasks_in_order

_SHARED = {
    "seed": "Of everything random: what is simulated or drawn, the split, the first weights, the bootstrap.",
    "external_version": "Opaque. Change it to have unchanged settings run anew, because external files changed.",
}
_CHOICES = re.compile(r'^One of ("[^"]*"(?:, "[^"]*")*)\.')  # as `components.common.parameter_docs` begins a text


@dataclass(frozen=True)
class Parameter:
    """A parameter of an exercise.

    Attributes
    ----------
    name : str
        As `--set` takes it.
    stage : str
        The first stage that it is given to.
    text : str
        What it means.
    default : object
        Its value where a preset says nothing.
    presets : mapping of str to object
        What presets say, where that is not the default.
    """

    name: str
    stage: str
    text: str
    default: Any
    presets: Mapping[str, Any]

    @property
    def choices(self) -> list[str]:
        """The values that there are; empty where others are meant too."""
        found = _CHOICES.match(self.text)
        return json.loads(f"[{found.group(1)}]") if found else []


def explain(definition: Definition) -> list[Parameter]:
    """Return the parameters of an exercise, stage by stage, in the order of its signature."""
    spec = definition.pipeline.pipeline_spec
    tasks = tasks_in_order(definition.pipeline)
    order = list(dict.fromkeys(stage_name(task) for task in tasks))
    inputs = definition.pipeline.component_spec.inputs or {}
    own = {name: " ".join((given.description or "").split()) for name, given in inputs.items()}
    texts = _SHARED | {name: text for name, text in own.items() if text}
    stages: dict[str, str] = {}
    for name in tasks:
        task = spec.root.dag.tasks[name]
        declared = spec.components[task.component_ref.name].input_definitions.parameters
        for key, given in task.inputs.parameters.items():
            parameter = given.component_input_parameter
            stages.setdefault(parameter, stage_name(name))
            if declared[key].description:
                texts.setdefault(parameter, declared[key].description)
    signature = inspect.signature(definition.pipeline.pipeline_func).parameters
    found = [
        Parameter(
            name=name,
            stage=stages.get(name, order[0]),
            text=texts.get(name, ""),
            default=parameter.default,
            presets={
                preset: values[name]
                for preset, values in definition.presets.items()
                if values.get(name, parameter.default) != parameter.default
            },
        )
        for name, parameter in signature.items()
    ]
    return sorted(found, key=lambda parameter: order.index(parameter.stage))

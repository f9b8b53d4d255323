"""One stage of an exercise, called as a plain function on files: no Kubeflow, no process of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from kfp.dsl.executor import create_artifact_instance

from components.common.errors import InputError, ParameterError
from pipelines.catalogue import suggest
from pipelines.definition import Definition
from pipelines.history import fetch
from pipelines.records import RunRecord
from pipelines.tasks import stage_name, tasks_in_order


@dataclass(frozen=True)
class Producer:
    """The stage, and its output, that an input comes from in a whole run."""

    stage: str
    output: str


@dataclass(frozen=True)
class Stage:
    """A stage as an exercise wires it.

    Attributes
    ----------
    name : str
        Such as `train`.
    face : kfp component
        What the exercise calls.
    arguments : dict
        Parameters with the values that the exercise gives them.
    inputs : dict of str to Producer
        Artifacts that it reads.
    outputs : tuple of str
        Artifacts that it writes.
    """

    name: str
    face: Any
    arguments: dict[str, Any]
    inputs: dict[str, Producer]
    outputs: tuple[str, ...]

    def run(self, inputs: Mapping[str, Path], output: Path) -> None:
        """Call the stage: `inputs` by name, its outputs as `<output>/<name>`."""
        output.mkdir(parents=True, exist_ok=True)
        paths = {name: inputs[name] for name in self.inputs} | {name: output / name for name in self.outputs}
        _call(self.face, self.arguments, paths)


def find_stage(definition: Definition, name: str, parameters: Mapping[str, Any]) -> Stage:
    """Return the stage of an exercise called `name`, with the values of its parameters.

    Raises
    ------
    ParameterError
        When there is none.
    """
    tasks = {stage_name(task): task for task in tasks_in_order(definition.pipeline)}
    if name not in tasks:
        raise ParameterError(f"There is no stage {name!r}.", suggest(name, list(tasks)))
    task = definition.pipeline.pipeline_spec.root.dag.tasks[tasks[name]]
    face = _face(definition, task.component_ref.name.removeprefix("comp-"))
    return Stage(
        name=name,
        face=face,
        arguments={
            key: _value(source, parameters, face.component_spec.inputs[key].type)
            for key, source in task.inputs.parameters.items()
        },
        inputs={key: _producer(source) for key, source in task.inputs.artifacts.items()},
        outputs=tuple(face.component_spec.outputs),
    )


def choose_inputs(stage: Stage, given: Mapping[str, str], run: RunRecord | None) -> dict[str, Path]:
    """Find the files that a stage reads: those given by name, the others from a run.

    Raises
    ------
    ParameterError
        For a name that the stage does not know, or an input that nobody gives.
    InputError
        For a path that does not exist.
    """
    unknown = sorted(set(given) - set(stage.inputs))
    if unknown:
        raise ParameterError(
            f"The stage {stage.name} has no input {unknown[0]!r}.",
            suggest(unknown[0], list(stage.inputs)) if stage.inputs else "It takes none.",
        )
    return {name: _choose(stage, name, given, run) for name in stage.inputs}


def apply_model(
    definition: Definition, files: Sequence[Path], model: Path, output: Path, *, csv: bool = True, plots: bool
) -> None:
    """Predict for files with a trained model, in this process; `output` is the folder of the predictions."""
    arguments = {"files": [str(file) for file in files], "csv": csv, "plots": plots}
    _call(definition.predictor, arguments, {"model": model, "predictions": output})


def _choose(stage: Stage, name: str, given: Mapping[str, str], run: RunRecord | None) -> Path:
    if name in given:
        path = Path(given[name]).expanduser().resolve()
        if not path.exists():
            raise InputError(f"{name}: there is no file or folder {path}.", "Correct the path.")
        return path
    producer = stage.inputs[name]
    output = run.output(producer.stage, producer.output) if run else None
    if output is None:
        where = (
            f"the run {run.run} has no output {producer.output} of {producer.stage}" if run else "none is given"
        )
        raise ParameterError(
            f"The stage {stage.name} needs its input {name}, and {where}.",
            f"Add --input {name}=PATH, or --from RUN to take what a run's {producer.stage} wrote.",
        )
    return fetch(output)


def _face(definition: Definition, component: str) -> Any:
    known: Sequence[Any] = list(definition.pipeline.pipeline_func.__globals__.values())
    return next(face for face in known if hasattr(face, "python_func") and face.name == component)


def _value(source: Any, parameters: Mapping[str, Any], kind: str) -> Any:
    if source.WhichOneof("kind") == "component_input_parameter":
        return parameters[source.component_input_parameter]
    constant = json_format.MessageToDict(source.runtime_value.constant)
    return int(constant) if kind == "Integer" else constant  # in the compiled form all numbers are floats


def _producer(source: Any) -> Producer:
    origin = source.task_output_artifact
    return Producer(stage_name(origin.producer_task), origin.output_artifact_key)


def _call(face: Any, arguments: Mapping[str, Any], paths: Mapping[str, Path]) -> None:
    """Call the body of a component with artifacts at these paths, of the kinds that it declares."""
    declared = {**(face.component_spec.inputs or {}), **(face.component_spec.outputs or {})}
    artifacts = {
        name: create_artifact_instance(
            {"name": name, "uri": str(path), "type": {"schemaTitle": declared[name].type.partition("@")[0]}}
        )
        for name, path in paths.items()
    }
    face.python_func(**arguments, **artifacts)

"""From an exercise to the files that a cluster takes."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from kfp.compiler import Compiler
from kfp.compiler.compiler_utils import KubernetesManifestOptions

from components.common.errors import ArmillaryError
from components.common.files import whole
from pipelines.definition import Definition
from pipelines.parameters import resolve
from pipelines.placement import Settings, placed
from pipelines.static_checks import find_faults

_HASH_DIGITS = 16


@dataclass(frozen=True)
class Compiled:
    """A compiled exercise.

    Attributes
    ----------
    text : str
        YAML, ASCII only: the specification and, as a second document, that of the platform; or a `Pipeline` and a
        `PipelineVersion`.
    version : str
        Name of the version: exercise, preset and a hash of all that was compiled. A version cannot be altered on a
        cluster, so that whatever changes has to take another name.
    """

    text: str
    version: str

    def write(self, path: Path) -> Path:
        """Write the file, whole or not at all."""
        with whole(path) as part:
            part.write_text(self.text, encoding="ascii")
        return path


def compile_exercise(definition: Definition, preset: str, settings: Settings | None = None) -> Compiled:
    """Compile an exercise for upload: the values of the preset become the defaults of the parameters.

    Raises
    ------
    ParameterError
        For an unknown preset.
    ArmillaryError
        When the result would fail on a cluster.
    """
    pipeline = placed(definition, preset, settings)
    text = _compile(pipeline, pipeline_parameters=resolve(definition, preset, {}))
    documents = list(yaml.safe_load_all(text))
    _check(pipeline.name, documents)
    return Compiled(text, f"{pipeline.name}-{preset}-{_hash(documents)}")


def compile_objects(
    definition: Definition, preset: str, namespace: str = "", settings: Settings | None = None
) -> Compiled:
    """Compile an exercise to the objects that `kubectl apply` takes; see `compile_exercise`.

    Without a namespace the objects go to that of whoever applies them.
    """
    version = compile_exercise(definition, preset, settings).version
    pipeline = placed(definition, preset, settings)
    text = _compile(
        pipeline,
        pipeline_parameters=resolve(definition, preset, {}),
        kubernetes_manifest_format=True,
        kubernetes_manifest_options=KubernetesManifestOptions(
            pipeline_version_name=version, namespace=namespace or None, include_pipeline_manifest=True
        ),
    )
    _check(pipeline.name, list(yaml.safe_load_all(text)))
    return Compiled(text, version)


def _compile(pipeline: Any, **options: Any) -> str:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline.yaml"
        Compiler().compile(pipeline, str(path), **options)
        return path.read_text(encoding="utf-8")


def _check(name: str, documents: Sequence[Any]) -> None:
    if faults := find_faults(documents):
        raise ArmillaryError(
            f"{name} compiles, but must not go to a cluster:\n" + "\n".join(f"- {fault}" for fault in faults),
            "Mend the wiring, and compile again.",
        )


def _hash(documents: Sequence[Any]) -> str:
    text = json.dumps(documents, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]

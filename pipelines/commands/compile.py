"""`armillary compile`: the files that a cluster takes."""

import re
from pathlib import Path

from components.common.errors import ParameterError
from pipelines.catalogue import EXERCISES, find
from pipelines.terminal import open_console, say

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def compile_exercises(
    slug: str, *, every: bool, output: Path, preset: str, as_objects: bool, namespace: str, shards: int = 0
) -> int:
    """Compile one exercise or all of them, tell the paths and versions; return the exit code."""
    if bool(slug) == every:
        raise ParameterError("One exercise, or all of them?", "Name an exercise, or give --all.")
    if namespace and not as_objects:
        raise ParameterError("Only the objects for Kubernetes have a namespace.", "Add --kubernetes.")
    if namespace and not _LABEL.fullmatch(namespace):
        raise ParameterError(
            f"{namespace!r} is no name for a namespace.", "Use at most 63 small letters, digits and hyphens."
        )
    if shards < 0:
        raise ParameterError(f"{shards} shards cannot be made.", "Give --shards a number from 1, or leave it out.")
    exercises = EXERCISES if every else (find(slug),)

    from pipelines.compilation import compile_exercise, compile_objects
    from pipelines.placement import Settings

    console, settings = open_console(), Settings(shards=shards)
    for exercise in exercises:
        definition = exercise.load()
        if as_objects:
            compiled = compile_objects(definition, preset, namespace, settings)
        else:
            compiled = compile_exercise(definition, preset, settings)
        suffix = ".kubernetes.yaml" if as_objects else ".yaml"
        path = compiled.write(output.expanduser() / f"{exercise.slug}{suffix}")
        say(console, f"{path}: version {compiled.version}")
    return 0

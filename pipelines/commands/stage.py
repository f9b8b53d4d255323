"""`armillary stage`: one stage alone, from files to files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.catalogue import find
from pipelines.terminal import open_console, say


def stage(
    slug: str,
    name: str,
    preset: str,
    settings: Mapping[str, Any],
    *,
    inputs: Mapping[str, str],
    from_run: str,
    output: Path,
) -> int:
    """Run one stage in this process, and tell where its outputs are; return the exit code."""
    exercise = find(slug)

    from pipelines.history import find_run
    from pipelines.parameters import resolve
    from pipelines.stages import choose_inputs, find_stage

    definition = exercise.load()
    chosen = find_stage(definition, name, resolve(definition, preset, settings))
    paths = choose_inputs(chosen, inputs, find_run(from_run, slug) if from_run else None)
    chosen.run(paths, output.expanduser().resolve())
    console = open_console()
    for written in chosen.outputs:
        say(console, f"{written}: {output / written}")
    return 0

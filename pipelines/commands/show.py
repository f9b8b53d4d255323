"""`armillary show`: what an exercise is, and what can be set of it."""

import json
import textwrap
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.text import Text

from pipelines.catalogue import find
from pipelines.parameter_help import Parameter, explain
from pipelines.terminal import open_console, say

_INDENT = " " * 4


def show(slug: str) -> int:
    """Print an exercise with its scores, its presets and its parameters; return the exit code."""
    exercise = find(slug)
    definition = exercise.load()
    console = open_console()
    say(console, f"{exercise.title} ({slug})", style="bold")
    _paragraph(console, exercise.summary)
    _paragraph(console, f"Scores: {', '.join(definition.scores)}. Judged by {definition.headline}.")
    _paragraph(console, definition.comparability)
    _paragraph(console, f"Presets: {', '.join(definition.presets)}. Set a parameter by --set NAME=VALUE:")
    for stage, parameters in groupby(explain(definition), key=lambda parameter: parameter.stage):
        say(console, "")
        say(console, stage, style="bold")
        for text, alike in groupby(parameters, key=lambda parameter: parameter.text):
            for parameter in alike:  # such as ra, dec and radius_deg, which one sentence explains
                _print_parameter(console, parameter)
            _paragraph(console, text)
    return 0


def _print_parameter(console: Console, parameter: Parameter) -> None:
    line = Text("  ").append(parameter.name, style="cyan").append(f" = {_written(parameter.default)}")
    console.print(line.append(_presets(parameter.presets), style="dim"), soft_wrap=True)


def _presets(presets: Mapping[str, Any]) -> str:
    return "".join(f"   {preset}: {_written(value)}" for preset, value in presets.items())


def _written(value: Any) -> str:
    """Write a value as `--set` takes it; a text that is empty would not be seen."""
    return value if isinstance(value, str) and value else json.dumps(value)


def _paragraph(console: Console, text: str) -> None:
    """Print a text indented: wrapped on a terminal, a line in a pipe."""
    width = console.width - len(_INDENT) if console.is_terminal else len(text) + 1
    say(console, textwrap.indent(textwrap.fill(text, width, break_on_hyphens=False), _INDENT))

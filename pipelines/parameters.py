"""From preset and options to the typed parameters of a pipeline, all checked before any work begins."""

import copy
import inspect
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

from components.common.errors import InputError, ParameterError
from pipelines.catalogue import suggest
from pipelines.definition import Definition
from pipelines.fingerprint import combined, fingerprint
from pipelines.parameter_help import explain

DATA_PARAMETERS = {"location": "data_version", "external": "external_version"}
"""Parameters that name files on this machine, each with the parameter that keys the cache to their state."""

FILE_PARAMETERS = {**DATA_PARAMETERS, "members": "data_version", "photometry": "data_version"}
"""These, and what only some exercises have; the state of all that share a version is in it."""


_LEAST = {
    "rows": 0, "epochs": 1, "batch_size": 1, "steps": 1, "iterations": 1, "folds": 2, "bootstrap": 1, "grid": 1,
    "particles": 1, "bin_pixels": 1, "size": 1, "samples": 1, "learning_rate": 1e-12, "seed": 0,
}  # fmt: skip
"""Smallest values that make sense, where a number means the same in every exercise."""

_LARGEST_SEED = 2**32 - 1  # scikit-learn takes no larger one


def resolve(definition: Definition, preset: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Merge the preset and the settings, and give every parameter its value.

    Parameters
    ----------
    definition : Definition
        The exercise.
    preset : str
        Name of one of its presets.
    settings : mapping
        Values by parameter; strings are read as the type that the pipeline's signature asks for.

    Raises
    ------
    ParameterError
        For an unknown preset or parameter, or a value of the wrong type.
    InputError
        For a data folder that does not exist.
    """
    if preset not in definition.presets:
        raise ParameterError(f"There is no preset {preset!r}.", suggest(preset, list(definition.presets)))
    signature = inspect.signature(definition.pipeline.pipeline_func).parameters
    values = {name: parameter.default for name, parameter in signature.items()}
    values = copy.deepcopy(values | dict(definition.presets[preset]))  # lists among them are the pipeline's own
    for name, value in settings.items():
        if name not in signature:
            raise ParameterError(f"There is no parameter {name!r}.", suggest(name, list(signature)))
        values[name] = _typed(name, value, signature[name].annotation)
        _check_range(name, values[name])
    _check_choices(definition, {name: values[name] for name in settings})
    resolved = values | _data_parameters(values)
    for name, check in definition.checks.items():
        if resolved[name]:
            further = list(inspect.signature(check).parameters)[1:]
            check(resolved[name], **{other: resolved[other] for other in further})
    return resolved


def parse_assignments(assignments: Sequence[str], option: str = "--set") -> dict[str, str]:
    """Read `name=value` texts, as `--set` takes them."""
    pairs = [text.partition("=") for text in assignments]
    for text, (key, equals, _) in zip(assignments, pairs, strict=True):
        if not equals or not key.strip():
            raise ParameterError(f"{text!r} is no assignment.", f"Write {option} name=value.")
    return {key.strip(): value.strip() for key, _, value in pairs}


def local_files(value: str) -> list[Path]:
    """Return the files and folders of this machine that a parameter names: one, several between commas, or none.

    An address such as s3://bucket/prefix is none of them, and its state is not known here.
    """
    if not value or "://" in value:
        return []
    whole = Path(value).expanduser().resolve()
    if whole.exists() or "," not in value:
        return [whole]
    return [Path(part.strip()).expanduser().resolve() for part in value.split(",") if part.strip()]


def _data_parameters(values: Mapping[str, Any]) -> dict[str, str]:
    resolved: dict[str, str] = {}
    states: dict[str, list[str]] = {}
    for name, version in FILE_PARAMETERS.items():
        paths = local_files(str(values.get(name) or ""))
        if missing := [path for path in paths if not path.exists()]:
            raise InputError(f"{name}: there is no file or folder {missing[0]}.", "Correct the path.")
        if not paths:
            continue
        resolved[name] = ",".join(str(path) for path in paths)
        states.setdefault(version, []).extend(fingerprint(path) for path in paths)
    for version, found in states.items():
        if version in values:
            resolved[version] = values[version] or combined(found)
    return resolved


def _typed(name: str, value: Any, kind: Any) -> Any:
    base = get_origin(kind) or kind
    try:
        if base is list:
            (item,) = get_args(kind) or (str,)
            items = _items(value) if isinstance(value, str) else list(value)
            return [_scalar(element, item) for element in items]
        return _scalar(value, base)
    except (ValueError, TypeError, OverflowError) as error:
        wanted = {int: "a whole number", float: "a number", bool: "true or false", list: f"a list ({kind})"}
        raise ParameterError(
            f"{name}={value} is not {wanted.get(base, 'a text')}.", f"Give {name} another value."
        ) from error


def _check_range(name: str, value: Any) -> None:
    """Refuse now what a stage would refuse after those before it have worked for minutes."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ParameterError(f"{name}={value} is not a finite number.", f"Give {name} another value.")
    if name in _LEAST and value < _LEAST[name]:
        raise ParameterError(f"{name} is {value}.", f"Give at least {_LEAST[name]}.")
    if name == "seed" and value > _LARGEST_SEED:
        raise ParameterError(f"{name} is {value}.", f"Give at most {_LARGEST_SEED}.")
    if name.endswith("_fraction") and not 0 <= value < 1:
        raise ParameterError(f"{name} is {value}.", "Give a fraction from 0 to below 1.")


def _check_choices(definition: Definition, values: Mapping[str, Any]) -> None:
    for parameter in explain(definition) if values else ():
        value = values.get(parameter.name)
        for one in value if isinstance(value, list) else [value]:
            if parameter.choices and one is not None and one not in parameter.choices:
                raise ParameterError(f"{parameter.name}: there is no {one!r}.", suggest(one, parameter.choices))


def _items(text: str) -> list[Any]:
    """Read `[7, 5]`, `["a", "b"]`, `[a, b]` and `a, b`: shells eat the quotes of JSON."""
    try:
        items = json.loads(text) if text.startswith("[") else None
    except json.JSONDecodeError:
        if not text.endswith("]"):
            raise
        items, text = None, text[1:-1]
    return items if isinstance(items, list) else [item.strip() for item in text.split(",") if item.strip()]


def _scalar(value: Any, kind: Any) -> Any:
    if kind is bool:
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if str(value).lower() not in words:
            raise ValueError(value)
        return words[str(value).lower()]
    if kind is int and float(value) != int(float(value)):
        raise ValueError(value)
    if kind is int:
        return int(float(value)) if not str(value).lstrip("+-").isdigit() else int(value)
    return kind(value)

"""What the README and its pages name exists: `.ci/run` executes one block, the rest would take long."""

import re
import shlex
import subprocess
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer

from pipelines.catalogue import EXERCISES, find
from pipelines.cli import app
from pipelines.parameter_help import explain
from pipelines.parameters import parse_assignments, resolve

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DATA = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
COURSE = (ROOT / "docs" / "course.md").read_text(encoding="utf-8")
RESULTS = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")


def _commands(page: str) -> list[str]:
    return [
        line for block in re.findall(r"```bash\n(.*?)```", page, flags=re.DOTALL) for line in block.splitlines()
    ]


COMMANDS = _commands(README)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("armillary ")])
def test_commands_of_armillary_are_understood(command: str) -> None:
    name, *arguments = shlex.split(command)[1:]
    group = typer.main.get_command(app)
    subcommand = group.commands[name]  # type: ignore[attr-defined]
    context = subcommand.make_context(name, list(arguments))  # parses, and runs nothing
    assert context.params.get("exercise") in {None, "", *(exercise.slug for exercise in EXERCISES)}


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make ")])
def test_make_knows_the_targets(command: str) -> None:
    subprocess.run([*shlex.split(command), "--dry-run"], cwd=ROOT, check=True, capture_output=True)


def test_nothing_else_is_asked_of_the_reader() -> None:
    assert {command.split()[0] for command in COMMANDS} == {"make", "armillary", "source"}


def test_paths_and_links_exist() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    files = re.findall(r"`((?:pipelines|components|tests)/[\w/.]+)`", README)
    assert links, "the pattern still finds links"
    assert files, "and files"
    assert [path for path in [*links, *files] if not (ROOT / path).exists()] == []


def test_make_explains_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)
    assert phony
    shown = subprocess.run(["make"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert all(re.search(rf"^  {target} +\S", shown, flags=re.MULTILINE) for target in phony[1].split())


def test_the_page_on_data_names_sources_that_there_are() -> None:
    sources, predictions = (section.splitlines() for section in DATA.split("\n## ")[1:])
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in sources if line.startswith("| ")][1:]
    slug = ""
    named: dict[str, set[str]] = {}
    for exercise, source, _ in rows:
        slug = exercise or slug
        named.setdefault(slug, set()).update(re.findall(r"`([\w-]+)`", source))
    assert list(named) == [exercise.slug for exercise in EXERCISES]
    for exercise in EXERCISES:
        (text,) = (p.text for p in explain(exercise.load()) if p.name == "source")
        choices = set(re.findall(r'"([\w-]+)"', text.split(". ")[0]))
        assert choices, "the pattern still finds them"
        assert named[exercise.slug] <= choices
    told = [line.split("|")[1].strip() for line in predictions if line.startswith("| ")][1:]
    assert told == list(named)


def test_the_page_on_data_names_the_warnings_that_there_are() -> None:
    table, meanings = DATA.split("\n## ")[2].split("Go by the names")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if "| `" in line]
    explained = set(re.findall(r"`([A-Z_0-9]+)`", meanings))
    for exercise in EXERCISES:
        module = exercise.load().predictor.python_func.__module__.removesuffix("component") + "warnings"
        known = set(import_module(module).BITS) if find_spec(module) else set()
        told = {name for row in rows if row[0] == exercise.slug for name in re.findall(r"`([A-Z_0-9]+)`", row[-1])}
        assert told == known, exercise.slug
        assert known <= explained


@pytest.mark.parametrize("command", _commands(COURSE))
def test_what_students_are_told_to_try_can_be_run(command: str) -> None:
    group = typer.main.get_command(app)
    run = group.commands["run"]  # type: ignore[attr-defined]
    given = run.make_context("run", shlex.split(command)[2:]).params
    settings = parse_assignments(given["settings"]) | ({"source": given["source"]} if given["source"] else {})
    resolved = resolve(find(given["exercise"]).load(), given["preset"], settings)
    assert settings.keys() <= resolved.keys()


def test_students_are_told_of_every_exercise() -> None:
    assert re.findall(r"^## (.+)$", COURSE, flags=re.MULTILINE) == [exercise.slug for exercise in EXERCISES]


def test_results_are_told_of_every_exercise() -> None:
    named = re.findall(r"^(?:## |\| )([a-z]+-[a-z]+)(?: \||$)", RESULTS, flags=re.MULTILINE)
    assert named == [exercise.slug for exercise in EXERCISES]

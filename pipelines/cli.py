"""The command line, `armillary`.

Exit codes: 0 done, 1 another failure, 2 a parameter or the usage is wrong, 3 an input cannot be used, 4 an archive
does not deliver, 5 the object store fails, 6 the container engine fails, 130 interrupted.

Commands import what they need when they run, so that `--help` and `list` answer at once.
"""

import errno
import sys
from pathlib import Path
from typing import Annotated

import typer

from components.common.errors import ArmillaryError
from pipelines import cluster_cli, models_cli

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Machine-learning exercises in astronomy, each a pipeline from the archive to a report.",
    epilog="Exit codes: 0 done, 1 failure, 2 usage, 3 input, 4 archive, 5 store, 6 engine, 130 interrupted.",
)

_ELSEWHERE = "Choose a place where you may write: ARMILLARY_HOME, or the option that names it."
_PLACES = {
    errno.ENOSPC: "Free some space on its disk, or set ARMILLARY_HOME to a folder on another one.",
    errno.EDQUOT: "Free some of your quota, or set ARMILLARY_HOME to a folder on another disk.",
    errno.EACCES: _ELSEWHERE,
    errno.EPERM: _ELSEWHERE,
    errno.EROFS: _ELSEWHERE,
    errno.ENOTDIR: _ELSEWHERE,
    errno.EEXIST: _ELSEWHERE,
    errno.EISDIR: _ELSEWHERE,
    errno.ENOENT: _ELSEWHERE,
}
"""What a person can do about a place of this machine that cannot be written or read, by the system's number."""

Slug = Annotated[str, typer.Argument(help="The exercise, as `armillary list` names it.")]
Preset = Annotated[
    str,
    typer.Option(
        help="smoke: a minute, claims nothing. demo: a laptop. full: a GPU node. `armillary show` has more."
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Set a parameter that `armillary show` names; repeatable."),
]
Source = Annotated[str, typer.Option(help="Where the data come from; `armillary show` names the sources.")]
Location = Annotated[
    str, typer.Option(help="Folder or file of data, or several between commas, for a source that reads them.")
]
External = Annotated[str, typer.Option(metavar="DIR", help="Real data with known answers, scored apart.")]
Seed = Annotated[int | None, typer.Option(help="Seed of everything random.")]


def _version(wanted: bool) -> None:
    if wanted:
        from components.common.provenance import code_version

        print(f"armillary {code_version()}")
        raise typer.Exit


@app.callback()
def armillary(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")] = False,
) -> None:
    """Machine-learning exercises in astronomy, each a pipeline from the archive to a report."""


@app.command("list")
def list_exercises() -> None:
    """List the exercises."""
    from pipelines.commands import listing

    raise typer.Exit(listing.list_exercises())


@app.command()
def show(exercise: Slug) -> None:
    """Show an exercise: its scores, its presets, and what can be set of it."""
    from pipelines.commands import show as command

    raise typer.Exit(command.show(exercise))


@app.command()
def run(
    exercise: Slug,
    preset: Preset = "demo",
    settings: Set = None,
    source: Source = "",
    location: Location = "",
    external: External = "",
    seed: Seed = None,
    runner: Annotated[str, typer.Option(help="How stages run: process or docker.")] = "process",
    dev: Annotated[
        bool, typer.Option("--dev", help="Docker: run the checkout's code in the newest image.")
    ] = False,
    memory: Annotated[str, typer.Option(help="Docker: limit of each stage, such as 4g.")] = "",
    cache: Annotated[bool, typer.Option(help="Let unchanged stages of earlier runs serve.")] = True,
    json: Annotated[bool, typer.Option("--json", help="End with one line of JSON; progress on stderr.")] = False,
) -> None:
    """Run an exercise, from its data to its report."""
    from pipelines.commands import run as command

    chosen = _settings(settings, source, location, external, seed)
    raise typer.Exit(
        command.run(exercise, preset, chosen, runner=runner, use_cache=cache, as_json=json, dev=dev, memory=memory)
    )


@app.command()
def stage(
    exercise: Slug,
    name: Annotated[str, typer.Argument(help="The stage: ingest, preprocess, train, evaluate or promote.")],
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder for what it writes.")],
    inputs: Annotated[
        list[str] | None, typer.Option("--input", metavar="NAME=PATH", help="What it reads; repeatable.")
    ] = None,
    from_run: Annotated[str, typer.Option("--from", metavar="RUN", help="Take what is not given from it.")] = "",
    preset: Preset = "demo",
    settings: Set = None,
    source: Source = "",
    location: Location = "",
    external: External = "",
    seed: Seed = None,
) -> None:
    """Run one stage alone, from files to files."""
    from pipelines.commands import stage as command
    from pipelines.parameters import parse_assignments

    chosen = _settings(settings, source, location, external, seed)
    given = parse_assignments(inputs or [], option="--input")
    raise typer.Exit(command.stage(exercise, name, preset, chosen, inputs=given, from_run=from_run, output=output))


@app.command()
def runs(exercise: Annotated[str, typer.Argument(help="Only those of this exercise.")] = "") -> None:
    """List past runs."""
    from pipelines.commands import past

    raise typer.Exit(past.runs(exercise))


@app.command("open")
def open_report(
    run: Annotated[str, typer.Argument(help="A run, the beginning of its name, or latest.")] = "latest",
    browser: Annotated[bool, typer.Option("--browser", help="Show it in the browser.")] = False,
) -> None:
    """Print the path of a run's report."""
    from pipelines.commands import past

    raise typer.Exit(past.open_report(run, browser))


@app.command()
def compare(runs: Annotated[list[str], typer.Argument(metavar="RUN", help="Two runs or more.")]) -> None:
    """Set runs side by side: what differs, and the scores."""
    from pipelines.commands import past

    raise typer.Exit(past.compare(runs))


@app.command()
def predict(
    exercise: Slug,
    files: Annotated[list[Path], typer.Argument(help="Files, or folders of them: what the exercise is about.")],
    model: Annotated[str, typer.Option(help="A model, a run or a folder; else the champion.")] = "",
    out: Annotated[Path | None, typer.Option(help="Write the table: .csv or .parquet.")] = None,
    plots: Annotated[Path | None, typer.Option(metavar="DIR", help="Draw each object, or each cluster.")] = None,
) -> None:
    """Apply a trained model to new files."""
    from pipelines.commands import predict as command

    raise typer.Exit(command.predict(exercise, files, model=model, out=out, plots=plots))


@app.command("compile")
def compile_exercises(
    exercise: Annotated[str, typer.Argument(help="The exercise, as `armillary list` names it.")] = "",
    every: Annotated[bool, typer.Option("--all", help="All exercises.")] = False,
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the files.")] = Path("build/pipelines"),
    preset: Preset = "demo",
    kubernetes: Annotated[
        bool, typer.Option("--kubernetes", help="Write objects for `kubectl apply` instead of files for upload.")
    ] = False,
    namespace: Annotated[str, typer.Option(metavar="NS", help="Namespace of the objects.")] = "",
    shards: Annotated[
        int, typer.Option(help="Pods that ingest at the same time; 0: as many as suit the preset.")
    ] = 0,
) -> None:
    """Write the files that a Kubeflow cluster takes."""
    from pipelines.commands import compile as command

    raise typer.Exit(
        command.compile_exercises(
            exercise,
            every=every,
            output=output,
            preset=preset,
            as_objects=kubernetes,
            namespace=namespace,
            shards=shards,
        )
    )


cluster_cli.add_to(app)
models_cli.add_to(app)


@app.command()
def doctor() -> None:
    """Find what is missing on this machine, and the command that mends it."""
    from pipelines.commands import doctor as command

    raise typer.Exit(command.doctor())


def main() -> None:
    """Run the command line; an error that a person can act on becomes two lines and an exit code."""
    try:
        app()
    except ArmillaryError as error:
        print(f"{error.problem}\n{error.remedy}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno not in _PLACES:
            raise
        print(f"{error.filename}: {error.strerror}.\n{_PLACES[error.errno]}", file=sys.stderr)
        sys.exit(1)


def _settings(
    assignments: list[str] | None, source: str, location: str, external: str, seed: int | None
) -> dict[str, str]:
    from pipelines.parameters import parse_assignments

    named = {
        "source": source,
        "location": location,
        "external": external,
        "seed": "" if seed is None else str(seed),
    }
    return parse_assignments(assignments or []) | {name: value for name, value in named.items() if value}


if __name__ == "__main__":
    main()

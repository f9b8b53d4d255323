"""The commands that talk to a Kubeflow cluster; added to `pipelines.cli`, and as quick to import."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

Slug = Annotated[str, typer.Argument(help="The exercise, as `armillary list` names it.")]
Preset = Annotated[str, typer.Option(help="smoke and demo fit a laptop's cluster, the others want real nodes.")]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Set a parameter; repeatable.")]
Host = Annotated[
    str,
    typer.Option(metavar="URL", help="Address of Kubeflow Pipelines; else KFP_HOST. KFP_TOKEN is sent, if set."),
]
Namespace = Annotated[str, typer.Option(metavar="NS", help="Yours, where the cluster serves several users.")]
Authority = Annotated[str, typer.Option("--ca", metavar="FILE", help="Certificates to trust; else SSL_CERT_FILE.")]
Gpus = Annotated[int, typer.Option(help="GPUs for training; 0 runs it on a node without.")]
Experiment = Annotated[str, typer.Option(help="Group of runs in the UI; else the exercise.")]
Timeout = Annotated[float, typer.Option(metavar="SECONDS", help="Longest wait; the run goes on. 0: no limit.")]
Interval = Annotated[float, typer.Option(metavar="SECONDS", min=0.05, help="Between two looks at the run.")]
Json = Annotated[bool, typer.Option("--json", help="End with one line of JSON; progress on stderr.")]
Cron = Annotated[
    str,
    typer.Option(
        metavar='"S M H D MON DOW"', help='Six fields, seconds first, UTC: "0 0 3 * * *" is 3 a.m. daily.'
    ),
]
Name = Annotated[str, typer.Argument(help="The schedule: its name or id, as `armillary schedule list` shows it.")]
ScheduleName = Annotated[str, typer.Option(help="Name of the schedule; else <exercise>-<preset>.")]


def submit(
    exercise: Slug,
    host: Host = "",
    preset: Preset = "demo",
    settings: Set = None,
    gpus: Gpus = 0,
    experiment: Experiment = "",
    name: Annotated[str, typer.Option(help="Name of the run in the UI.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Follow it; exit 1 when it fails or is cancelled.")] = False,
    timeout: Timeout = 0.0,
    interval: Interval = 5.0,
    namespace: Namespace = "",
    ca: Authority = "",
    json: Json = False,
) -> None:
    """Run an exercise on a Kubeflow cluster."""
    from pipelines.commands import submit as command
    from pipelines.parameters import parse_assignments

    chosen = parse_assignments(settings or [])
    code = command.submit(
        exercise, preset, chosen, host=host, namespace=namespace, ca=ca, gpus=gpus, experiment=experiment,
        name=name, wait=wait, timeout=timeout, interval=interval, as_json=json,
    )  # fmt: skip
    raise typer.Exit(code)


def follow(
    exercise: Slug,
    run: Annotated[str, typer.Argument(help="Id of the run, as `submit` prints it.")],
    host: Host = "",
    timeout: Timeout = 0.0,
    interval: Interval = 5.0,
    namespace: Namespace = "",
    ca: Authority = "",
    json: Json = False,
) -> None:
    """Wait for a run on a cluster, as `submit --wait` does."""
    from pipelines.commands import submit as command

    code = command.follow(
        exercise, run, host=host, namespace=namespace, ca=ca, timeout=timeout, interval=interval, as_json=json
    )
    raise typer.Exit(code)


def terminate(
    run: Annotated[str, typer.Argument(help="Id of the run, as `submit` prints it.")],
    host: Host = "",
    namespace: Namespace = "",
    ca: Authority = "",
) -> None:
    """Stop a run on a cluster."""
    from pipelines.commands import submit as command

    raise typer.Exit(command.terminate(run, host=host, namespace=namespace, ca=ca))


class CreateUnlessNamed(TyperGroup):
    """Takes `schedule <exercise> ...` for `schedule create <exercise> ...`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `create` first where no command is."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["create", *args]
        return super().parse_args(ctx, args)


schedule = typer.Typer(
    cls=CreateUnlessNamed,
    no_args_is_help=True,
    short_help="Retrain on a cluster by the clock.",
    help='Retrain on a cluster by the clock: armillary schedule <exercise> --cron "0 0 3 * * *". '
    "Each firing takes the newest published code, fetches afresh what its source offers, and reuses no cached "
    "result; what was missed is not caught up.",
)


@schedule.command("create")
def create_schedule(
    exercise: Slug,
    cron: Cron,
    host: Host = "",
    preset: Preset = "demo",
    settings: Set = None,
    name: ScheduleName = "",
    gpus: Gpus = 0,
    experiment: Experiment = "",
    namespace: Namespace = "",
    ca: Authority = "",
) -> None:
    """Create a schedule; the word `create` may be left out."""
    _create(exercise, preset, settings, cron=cron, name=name, gpus=gpus, experiment=experiment, host=host,
            namespace=namespace, ca=ca, in_place=False)  # fmt: skip


@schedule.command("replace")
def replace_schedule(
    exercise: Slug,
    cron: Cron,
    host: Host = "",
    preset: Preset = "demo",
    settings: Set = None,
    name: ScheduleName = "",
    gpus: Gpus = 0,
    experiment: Experiment = "",
    namespace: Namespace = "",
    ca: Authority = "",
) -> None:
    """Put a schedule in the place of the one of its name: Kubeflow cannot edit them."""
    _create(exercise, preset, settings, cron=cron, name=name, gpus=gpus, experiment=experiment, host=host,
            namespace=namespace, ca=ca, in_place=True)  # fmt: skip


@schedule.command("publish")
def publish_version(
    exercise: Slug, host: Host = "", preset: Preset = "demo", namespace: Namespace = "", ca: Authority = ""
) -> None:
    """Upload this code as the newest version, which schedules take at their next firing."""
    from pipelines.commands import schedule as command

    raise typer.Exit(command.publish(exercise, preset, host=host, namespace=namespace, ca=ca))


@schedule.command("list")
def list_schedules(host: Host = "", namespace: Namespace = "", ca: Authority = "", json: Json = False) -> None:
    """List the schedules of the cluster."""
    from pipelines.commands import schedule as command

    raise typer.Exit(command.show(host=host, namespace=namespace, ca=ca, as_json=json))


@schedule.command("pause")
def pause_schedule(name: Name, host: Host = "", namespace: Namespace = "", ca: Authority = "") -> None:
    """Let a schedule fire no more, until it is resumed."""
    _change(name, "pause", host=host, namespace=namespace, ca=ca)


@schedule.command("resume")
def resume_schedule(name: Name, host: Host = "", namespace: Namespace = "", ca: Authority = "") -> None:
    """Let a paused schedule fire again."""
    _change(name, "resume", host=host, namespace=namespace, ca=ca)


@schedule.command("delete")
def delete_schedule(name: Name, host: Host = "", namespace: Namespace = "", ca: Authority = "") -> None:
    """Remove a schedule; its runs stay."""
    _change(name, "delete", host=host, namespace=namespace, ca=ca)


def add_to(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (submit, follow, terminate):
        app.command()(command)
    app.add_typer(schedule, name="schedule")


def _create(exercise: str, preset: str, settings: list[str] | None, **options: Any) -> None:
    from pipelines.commands import schedule as command
    from pipelines.parameters import parse_assignments

    raise typer.Exit(command.create(exercise, preset, parse_assignments(settings or []), **options))


def _change(name: str, action: str, **options: Any) -> None:
    from pipelines.commands import schedule as command

    raise typer.Exit(command.change(name, action, **options))

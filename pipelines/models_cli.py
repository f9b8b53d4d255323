"""The commands about stored models; added to `pipelines.cli`, and as quick to import."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

Slug = Annotated[str, typer.Argument(help="The exercise, as `armillary list` names it.")]


class _ListByDefault(TyperGroup):
    """Takes `models [exercise]` for `models list [exercise]`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `list` first where no command is."""
        if not args or args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


models = typer.Typer(cls=_ListByDefault, help="List the stored models, and choose which of them is in use.")


@models.command("list")
def list_models(exercise: Annotated[str, typer.Argument(help="Only those of this exercise.")] = "") -> None:
    """List the stored models, newest first; `armillary models [EXERCISE]` does so too."""
    from pipelines.commands import models as command

    raise typer.Exit(command.models(exercise))


@models.command()
def rollback(
    exercise: Slug,
    version: Annotated[str, typer.Argument(help="An earlier champion; else the one before the present.")] = "",
) -> None:
    """Go back to an earlier champion."""
    from pipelines.commands import models as command

    raise typer.Exit(command.rollback(exercise, version))


@models.command()
def promote(
    exercise: Slug, version: Annotated[str, typer.Argument(help="A model, as `armillary models` lists it.")]
) -> None:
    """Make a model the champion by hand, without a comparison."""
    from pipelines.commands import models as command

    raise typer.Exit(command.promote(exercise, version))


@models.command()
def prune(
    exercise: Slug,
    keep: Annotated[int, typer.Option(min=1, help="So many of the newest stay.")] = 10,
) -> None:
    """Delete old models, but never the champion nor the one that a rollback would return to."""
    from pipelines.commands import models as command

    raise typer.Exit(command.prune(exercise, keep))


def add_to(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(models, name="models")

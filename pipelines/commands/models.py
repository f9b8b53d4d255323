"""`armillary models`: the trained models in the store, and which of them is in use."""

from collections.abc import Callable

from components.common.champions import (
    BrokenPointerError,
    Champion,
    promote_by_hand,
    prune_models,
    read_champion,
    roll_back,
)
from components.common.errors import ParameterError, StoreError
from components.common.models import VERSION, Version, list_versions
from components.common.store import Store
from pipelines.catalogue import find
from pipelines.stores import anything_stored, open_store
from pipelines.terminal import format_score, open_console, print_table, say


def models(slug: str) -> int:
    """List the models of one exercise, or of all; return the exit code."""
    if slug:
        find(slug)
    code, rows = 0, []
    if not anything_stored():
        return _tell_none()
    with open_store() as opened:
        for name in [slug] if slug else opened.store.list_folders("models"):
            try:
                champion = read_champion(opened.store, name)
            except BrokenPointerError as error:
                say(open_console(stderr=True), str(error), style="bold red")
                champion, code = None, error.exit_code
            versions = list_versions(opened.store, name)
            rows += [_row(name, version, champion) for version in versions]
            if champion and champion.version not in [version.version for version in versions]:
                code = _tell_missing(name, champion)
    if not rows:
        return code or _tell_none()
    headers = ["model", "exercise", "", "created", "run", "origin", "score of its own test"]
    print_table(open_console(), headers, rows, stacked=True)
    return code


def _tell_none() -> int:
    say(open_console(), "There are no models in the store yet. `armillary run` trains them.")
    return 0


def rollback(slug: str, version: str) -> int:
    """Make an earlier champion the champion again; return the exit code."""
    return _moved(slug, version, roll_back)


def promote(slug: str, version: str) -> int:
    """Make a version the champion by hand; return the exit code."""
    return _moved(slug, version, promote_by_hand)


def prune(slug: str, keep: int) -> int:
    """Delete all but the newest models and those in use; return the exit code."""
    find(slug)
    with open_store() as opened:
        gone = prune_models(opened.store, slug, keep)
    for version in gone:
        say(open_console(), f"deleted {version}")
    say(open_console(), f"{slug}: {len(gone)} models deleted")
    return 0


def _moved(slug: str, version: str, move: Callable[[Store, str, str], Champion]) -> int:
    find(slug)
    if version and not VERSION.fullmatch(version):
        raise ParameterError(f"{version!r} is no version of a model.", f"`armillary models {slug}` lists them.")
    with open_store() as opened:
        champion = move(opened.store, slug, version)
    say(open_console(), f"champion of {slug}: {champion.version} ({champion.history[-1]['reason']})")
    return 0


def _row(slug: str, version: Version, champion: Champion | None) -> list[str]:
    headline = dict(version.facts.headline)
    mark = "champion" if champion and champion.version == version.version else ""
    score = f"{headline.get('name', '')} {format_score(headline)}".strip()
    facts = version.facts
    created = version.created[:16].replace("T", " ")
    return [version.version, slug, mark, created, facts.run or "-", facts.origin or "-", score]


def _tell_missing(slug: str, champion: Champion) -> int:
    say(
        open_console(stderr=True),
        f"The champion of {slug}, {champion.version}, is not in the store. Choose another one with "
        f"`armillary models promote {slug} VERSION`, or go back with `armillary models rollback {slug}`.",
        style="bold red",
    )
    return StoreError.exit_code

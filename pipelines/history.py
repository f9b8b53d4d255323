"""Past runs: those on this machine, and those in the store."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from components.common.errors import ParameterError
from components.common.store import Store
from pipelines.catalogue import suggest
from pipelines.home import downloads_folder, home, runs_folder
from pipelines.records import Output, RunRecord, from_json, read_record
from pipelines.stores import anything_stored, open_store


def local_runs(slug: str = "") -> list[RunRecord]:
    """Return the runs on this machine, of one exercise or of all, newest first."""
    pattern = f"{slug or '*'}/*/run.json"
    return _newest_first([read_record(path) for path in runs_folder().glob(pattern)])


def stored_runs(store: Store, slug: str = "") -> list[RunRecord]:
    """Return the runs in the store, newest first; those whose publication was cut short are not among them."""
    return _newest_first(list(_read_stored(store, slug)))


def find_run(text: str, slug: str = "") -> RunRecord:
    """Return the run that `text` names: its identifier, the beginning of it, or `latest`.

    This machine is asked first, the store only when it does not know.

    Raises
    ------
    ParameterError
        When there is no such run, or more than one.
    """
    return _first_found(lambda runs: _match(text, runs), slug) or _missing(text, slug)


def latest_with_model(slug: str) -> RunRecord:
    """Return the latest run of an exercise that ended well and has a model."""

    def choose(runs: Sequence[RunRecord]) -> RunRecord | None:
        return next((r for r in runs if r.status == "succeeded" and r.output("train", "model")), None)

    found = _first_found(choose, slug)
    if found is None:
        raise ParameterError(
            f"No run of {slug} has left a model yet.",
            f"Train one with `armillary run {slug}`, or name one with --model PATH.",
        )
    return found


def fetch(output: Output) -> Path:
    """Return the path of what a stage wrote, from the store where this machine no longer has it."""
    path = home() / output.path
    if path.exists():
        return path
    target = downloads_folder() / output.key
    if not target.exists():
        with open_store() as opened:
            opened.store.get_folder(output.key, target)
    return target


def fetch_report(record: RunRecord) -> Path:
    """Return the path of a run's report.

    Raises
    ------
    ParameterError
        When the run has none.
    """
    if not record.report:
        raise ParameterError(
            f"The run {record.run} has no report: it {record.status}.",
            f"Read its log, {record.folder / 'run.log'}.",
        )
    path = home() / record.report
    if path.is_file():
        return path
    target = downloads_folder() / record.key / "report.html"
    if not target.is_file():
        with open_store() as opened:
            opened.store.get_file(f"{record.key}/report.html", target)
    return target


def _first_found(choose: Callable[[Sequence[RunRecord]], RunRecord | None], slug: str) -> RunRecord | None:
    if found := choose(local_runs(slug)):
        return found
    if not anything_stored():
        return None
    with open_store() as opened:
        return choose(stored_runs(opened.store, slug))


def _match(text: str, runs: Sequence[RunRecord]) -> RunRecord | None:
    if text == "latest":
        return runs[0] if runs else None
    matches = [run for run in runs if run.run.startswith(text)]
    if len(matches) > 1:
        raise ParameterError(
            f"{text} is the beginning of {len(matches)} runs.",
            f"Write more of it: {', '.join(run.run for run in matches[:5])}.",
        )
    return matches[0] if matches else None


def _missing(text: str, slug: str) -> RunRecord:
    known = [run.run for run in local_runs(slug)]
    remedy = suggest(text, known) if known else "Run an exercise first; `armillary list` names them."
    raise ParameterError(f"There is no run {text}{' of ' + slug if slug else ''}.", remedy)


def _read_stored(store: Store, slug: str) -> Iterator[RunRecord]:
    for name in [slug] if slug else store.list_folders("runs"):
        for run in store.list_folders(f"runs/{name}"):
            key = f"runs/{name}/{run}/run.json"
            if store.exists(key):
                yield from_json(store.get_json(key).value)


def _newest_first(runs: list[RunRecord]) -> list[RunRecord]:
    return sorted(runs, key=lambda record: record.run, reverse=True)

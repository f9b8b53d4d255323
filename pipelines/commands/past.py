"""`armillary runs`, `open` and `compare`: what earlier runs gave."""

import webbrowser
from collections.abc import Sequence

from components.common.errors import ParameterError, StoreError
from pipelines.catalogue import find
from pipelines.display import format_seconds
from pipelines.history import fetch_report, find_run, local_runs, stored_runs
from pipelines.records import RunRecord
from pipelines.stores import anything_stored, open_store
from pipelines.terminal import format_score, open_console, print_table, say


def runs(slug: str) -> int:
    """List the runs of the store, and those of this machine that never got there; return the exit code."""
    if slug:
        find(slug)
    console = open_console()
    code, stored = 0, []
    try:
        if anything_stored():
            with open_store() as opened:
                stored = stored_runs(opened.store, slug)
    except StoreError as error:
        say(open_console(stderr=True), f"Only the runs of this machine can be shown. {error}", style="bold red")
        code = error.exit_code
    known = {record.run for record in stored}
    unpublished = [record for record in local_runs(slug) if record.run not in known]
    records = sorted([*stored, *unpublished], key=lambda record: record.run, reverse=True)
    if not records:
        say(console, "There are no runs yet. `armillary list` names the exercises.")
        return code
    rows = [[*_row(record), "yes" if record.run in known else "no"] for record in records]
    headers = ["run", "exercise", "preset", "status", "origin", "time", "score", "stored"]
    print_table(console, headers, rows, stacked=True)
    return code


def open_report(run: str, browser: bool) -> int:
    """Print the path of a run's report, and show it on request."""
    path = fetch_report(find_run(run))
    say(open_console(), str(path))
    if browser and not webbrowser.open(path.as_uri()):
        say(open_console(stderr=True), "There is no browser to open it with; open the path yourself.")
        return 1
    return 0


def compare(names: Sequence[str]) -> int:
    """Print runs side by side: the parameters that differ, and the scores with their intervals."""
    if len(names) < 2:
        raise ParameterError(
            "One run is nothing to compare with.", "Name two or more; `armillary runs` lists them."
        )
    records = [find_run(name) for name in names]
    console = open_console()
    headers = ["", *[record.run for record in records]]
    facts = [
        ["exercise", *[record.exercise for record in records]],
        ["preset", *[record.preset for record in records]],
        ["status", *[record.status for record in records]],
        ["origin", *[record.origin or "-" for record in records]],
        ["code", *[f"{record.code_version} {record.contents[:8]}" for record in records]],
        ["time", *[format_seconds(record.seconds) for record in records]],
    ]
    rows = [*facts, *_differences(records), *_scores(records, "scores"), *_scores(records, "external")]
    print_table(console, headers, rows)
    return 0


def _row(record: RunRecord) -> list[str]:
    status = f"{record.status} in {record.failure.stage}" if record.failure else record.status
    score = record.scores.get(record.headline)
    text = f"{record.headline} {format_score(score)}" if score else "-"
    seconds = format_seconds(record.seconds)
    return [record.run, record.exercise, record.preset, status, record.origin or "-", seconds, text]


def _differences(records: Sequence[RunRecord]) -> list[list[str]]:
    names = dict.fromkeys(name for record in records for name in record.parameters)
    rows = [[name, *[str(record.parameters.get(name, "-")) for record in records]] for name in names]
    return [row for row in rows if len(set(row[1:])) > 1]


def _scores(records: Sequence[RunRecord], kind: str) -> list[list[str]]:
    tables = [getattr(record, kind) for record in records]
    prefix = "external " if kind == "external" else ""
    names = dict.fromkeys(name for table in tables for name in table)
    return [
        [prefix + name, *[format_score(table[name]) if name in table else "-" for table in tables]]
        for name in names
    ]

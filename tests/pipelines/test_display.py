"""What a person sees of a run: lines redrawn on a terminal, lines in order elsewhere."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from pipelines.display import LiveDisplay, PlainDisplay, display_for, format_seconds
from pipelines.progress import Progress
from pipelines.records import StageRecord
from pipelines.terminal import format_number, format_score, print_table


@pytest.fixture
def progress(tmp_path: Path) -> Progress:
    return Progress(
        [StageRecord("ingest", "ingest-x"), StageRecord("train", "train-y")], tmp_path / "events.jsonl"
    )


def write(tmp_path: Path, *events: object) -> None:
    with (tmp_path / "events.jsonl").open("a") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)


def test_events_belong_to_the_stage_that_runs(progress: Progress, tmp_path: Path) -> None:
    progress.begin("ingest-x")
    write(tmp_path, {"event": "counts", "values": {"rows_out": 3}})
    progress.finish("ingest-x", "done")
    progress.begin("train-y")
    write(tmp_path, {"event": "progress", "done": 2, "total": 8, "unit": "epochs", "values": {"loss": 0.51234}})
    with (tmp_path / "events.jsonl").open("a") as file:
        file.write('{"event": "warning", "mess')  # a line that is being written
        file.flush()
        progress.read_events()
        assert progress.running is not None
        assert progress.running.describe() == "2/8 epochs  loss 0.5123"
        file.write('age": "slow"}\n')
    progress.finish("train-y", "done")
    ingest, train = (stage.record for stage in progress.stages)
    assert (ingest.counts, ingest.warnings) == ({"rows_out": 3}, [])
    assert (train.counts, train.warnings) == ({}, ["slow"])


def test_a_terminal_shows_every_stage_on_a_line(progress: Progress, tmp_path: Path) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    display = display_for(progress, console)
    assert isinstance(display, LiveDisplay)
    with display:
        progress.begin("ingest-x")
        write(tmp_path, {"event": "progress", "done": 5, "total": 10, "unit": "spectra", "values": {}})
        progress.read_events()
        display.refresh()
        progress.finish("ingest-x", "cached")
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "5/10 spectra" in text
    assert "cached" in text
    assert "train" in text


def test_a_pipe_gets_a_line_for_each_change(progress: Progress, tmp_path: Path) -> None:
    output = io.StringIO()
    display = display_for(progress, Console(file=output))
    assert isinstance(display, PlainDisplay)
    display.refresh()
    assert output.getvalue() == ""
    progress.begin("ingest-x")
    for done in (1, 2):
        write(tmp_path, {"event": "progress", "done": done, "total": 2, "unit": "epochs", "values": {}})
        progress.read_events()
        display.refresh()
        display.refresh()
    progress.finish("ingest-x", "done")
    display.refresh()
    lines = output.getvalue().splitlines()
    assert lines[:2] == ["ingest: running, 1/2 epochs", "ingest: running, 2/2 epochs"]
    assert lines[2].startswith("ingest: done in 0.0 s")
    assert len(lines) == 3


def test_tables_are_plain_in_a_pipe_however_wide() -> None:
    output = io.StringIO()
    print_table(Console(file=output, width=20), ["run", "what"], [["a" * 30, "b [c] " * 10], ["d", ""]])
    assert output.getvalue() == f"{'run':30}  what\n{'a' * 30}  {('b [c] ' * 10).rstrip()}\nd\n"


def test_a_narrow_terminal_gets_lines_below_each_other_and_no_folded_cell() -> None:
    rows = [
        ["20261122-074818-6041", "quasar-galaxy", "0.980 [0.974, 0.985]"],
        ["20261122-074641-fed2", "toy", "-"],
    ]
    for width, lines in ((80, 3), (40, 6)):
        output = io.StringIO()
        console = Console(file=output, width=width, force_terminal=True, color_system=None)
        print_table(console, ["run", "exercise", "score"], rows, stacked=True)
        text = output.getvalue()
        assert len(text.splitlines()) == lines
        assert max(len(line) for line in text.splitlines()) <= width
        assert all(cell in text for row in rows for cell in row)


def test_numbers_have_the_digits_that_mean_something() -> None:
    numbers = [None, 0.0, 0.97, 12.34, 312.4, 123456.0, 1.5e8, 0.00012, 0.0123]
    assert [format_number(x) for x in numbers] == [
        "-",
        "0.000",
        "0.970",
        "12.3",
        "312",
        "123456",
        "1.5e+08",
        "0.00012",
        "0.0123",
    ]
    assert format_score({"value": 0.97, "low": 0.95, "high": 0.99}) == "0.970 [0.950, 0.990]"
    assert format_score({"value": 0.97, "low": None, "high": None}) == "0.970"
    assert [format_seconds(s) for s in (8.26, 59.99, 125.4)] == ["8.3 s", "60.0 s", "2 min 5 s"]

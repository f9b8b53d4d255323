"""Provenance, rejections and events: what a stage says about its rows, its losses and itself."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.common import telemetry
from components.common.errors import ArchiveError, ArmillaryError, InputError, ParameterError, StoreError
from components.common.provenance import Provenance, code_version
from components.common.rejections import Noun, Rejections
from components.common.tables import read_provenance, read_table

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
COUNTS = st.dictionaries(st.sampled_from(["no label", "all pixels missing", "truncated"]), st.integers(1, 99))


@given(
    origin=st.sampled_from(["real", "semi-empirical", "simulated"]),
    texts=st.tuples(TEXT, TEXT, TEXT),
    rejected=COUNTS,
    seed=st.none() | st.integers(0, 2**63),
    notes=st.lists(TEXT, max_size=3),
)
def test_provenance_survives_its_file(origin, texts, rejected, seed, notes) -> None:  # type: ignore[no-untyped-def]
    before = Provenance(
        origin, texts[0], query=texts[1], release=texts[2], rejected=rejected, seed=seed, notes=tuple(notes)
    )
    assert Provenance.from_json(before.to_json()) == before
    assert "\n" not in before.to_json()


@given(first=COUNTS, second=COUNTS)
def test_rejections_add_up_over_stages(first: dict[str, int], second: dict[str, int]) -> None:
    total = Provenance("real", "SDSS", rejected=first).with_rejected(second).rejected
    assert sum(total.values()) == sum(first.values()) + sum(second.values())
    assert total == {k: first.get(k, 0) + second.get(k, 0) for k in {*first, *second}}


def test_provenance_says_what_code_made_it() -> None:
    assert Provenance("real", "SDSS").code_version == code_version() == version("armillary")


def test_rejections_are_kept_with_reason_and_counted(tmp_path: Path) -> None:
    rejections = Rejections()
    rejections.add("spec-1", "truncated", "100 of 218880 bytes")
    rejections.add_many(np.array(["spec-2", "spec-3"]), "no label")
    assert len(rejections) == 3
    assert rejections.counts == {"truncated": 1, "no label": 2}
    rejections.write(tmp_path / "rejected.parquet", Provenance("real", "SDSS"))
    table = read_table(tmp_path / "rejected.parquet")
    assert table["id"].tolist() == ["spec-1", "spec-2", "spec-3"]
    assert table["reason"].tolist() == ["truncated", "no label", "no label"]
    assert table["detail"].tolist() == ["100 of 218880 bytes", "", ""]


def test_a_row_is_rejected_for_the_first_check_that_it_fails() -> None:
    rejections = Rejections()
    ids = np.array(["a", "b", "c", "d"], dtype=object)
    dark, cut = np.array([True, True, False, False]), np.array([False, True, True, False])
    keep = rejections.sift(ids, [("dark", "no light", dark), ("cut", "at the edge", cut)])
    assert keep.tolist() == [False, False, False, True]
    assert rejections.counts == {"dark": 2, "cut": 1}
    assert rejections.in_words == "2 dark, 1 cut"


def test_a_stage_without_a_row_left_says_why() -> None:
    noun = Noun("star", "stars", "Look at the stars.")
    rejections = Rejections()
    rejections.require_rest(1, Path("in.parquet"), noun)
    with pytest.raises(InputError, match=r"No star of in\.parquet can be used: the table is empty") as caught:
        rejections.require_rest(0, Path("in.parquet"), noun)
    assert "Look at the stars." in str(caught.value)
    rejections.add("a", "dark")
    with pytest.raises(InputError, match="1 dark"):
        rejections.require_rest(0, Path("in.parquet"), noun)


def test_no_rejections_are_a_table_too(tmp_path: Path) -> None:
    Rejections().write(tmp_path / "rejected.parquet", Provenance("real", "SDSS"))
    assert read_table(tmp_path / "rejected.parquet")["id"].shape == (0,)
    assert read_provenance(tmp_path / "rejected.parquet").origin == "real"


def run_a_stage() -> None:
    with telemetry.stage("ingest"):
        telemetry.report_progress(1, 3, "files", loss=0.123456)
        telemetry.report_counts(rows_in=3, rows_out=2)
        telemetry.warn("one file was odd")


def fail_a_stage(error: BaseException) -> None:
    with telemetry.stage("train"):
        raise error


def test_events_go_to_the_file_that_the_runner_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(telemetry.EVENTS_VARIABLE, str(tmp_path / "events"))
    run_a_stage()
    events = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
    assert [e["event"] for e in events] == ["begin", "progress", "counts", "warning", "end"]
    progress, end = events[1], events[-1]
    assert (progress["done"], progress["total"], progress["unit"]) == (1, 3, "files")
    assert end["stage"] == "ingest"
    assert end["seconds"] >= 0
    assert end["peak_memory_mb"] > 10  # the interpreter alone takes more
    assert [e["time"] for e in events] == sorted(e["time"] for e in events)


def test_without_a_runner_events_are_log_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(telemetry.EVENTS_VARIABLE, raising=False)
    monkeypatch.setattr(telemetry, "_last_line", float("-inf"))
    run_a_stage()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[:-1] == [
        "begin: stage=ingest",
        "1/3 files loss=0.1235",
        "counts: rows_in=3 rows_out=2",
        "warning: message=one file was odd",
    ]


def test_log_lines_of_progress_are_few_and_include_the_last(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(telemetry.EVENTS_VARIABLE, raising=False)
    monkeypatch.setattr(telemetry, "_last_line", float("-inf"))
    for done in range(1, 1001):
        telemetry.report_progress(done, 1000, "files")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "1/1000 files"
    assert lines[-1] == "1000/1000 files"
    assert len(lines) < 20  # one in five seconds, and a thousand calls take milliseconds


@pytest.mark.parametrize("error", [InputError("x.fits is cut.", "Get it again."), KeyboardInterrupt()])
def test_a_failure_is_one_plain_line_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException
) -> None:
    monkeypatch.delenv(telemetry.EVENTS_VARIABLE, raising=False)
    with pytest.raises(type(error)):
        fail_a_stage(error)
    text = str(error) or "interrupted"
    assert capsys.readouterr().err.splitlines() == ["begin: stage=train", f"failed: stage=train error={text}"]


def test_many_processes_may_write_events_at_once(tmp_path: Path) -> None:
    script = "from components.common.telemetry import warn\nfor n in range(200): warn('w' * 500)"
    environment = {telemetry.EVENTS_VARIABLE: str(tmp_path / "events")}
    children = [subprocess.Popen([sys.executable, "-c", script], env=environment) for _ in range(3)]
    assert [child.wait() for child in children] == [0, 0, 0]
    lines = (tmp_path / "events").read_text().splitlines()
    assert len(lines) == 600
    assert all(json.loads(line)["message"] == "w" * 500 for line in lines)


def test_errors_say_problem_and_remedy_and_have_exit_codes_of_their_own() -> None:
    kinds = [ArmillaryError, ParameterError, InputError, ArchiveError, StoreError]
    assert [kind.exit_code for kind in kinds] == [1, 2, 3, 4, 5]
    error = InputError("x.fits has no HDU 1.", "Give a spec file.")
    assert str(error) == "x.fits has no HDU 1. Give a spec file."
    assert (error.problem, error.remedy) == ("x.fits has no HDU 1.", "Give a spec file.")

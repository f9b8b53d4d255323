"""The command line in processes of its own, on the toy exercise and a real store."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from command_line import WITH_TOY, Armillary

from components.common.store import Store
from pipelines.catalogue import EXERCISES
from pipelines.records import from_json

RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")


def run_id(completed: "subprocess.CompletedProcess[str]") -> str:
    found = RUN_ID.search(completed.stdout)
    assert found, completed.stderr
    return found[0]


def test_help_and_list_import_neither_torch_nor_kfp() -> None:
    code = """
import sys
from typer.testing import CliRunner
from pipelines.cli import app
for arguments in (["--help"], ["list"], ["run", "--help"], ["--version"]):
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result
heavy = {"torch", "kfp", "numpy", "pandas", "pyarrow", "boto3", "matplotlib", "numba"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_list_names_the_exercises(armillary: Armillary) -> None:
    completed = armillary("list")
    assert completed.returncode == 0
    assert [line.split()[0] for line in completed.stdout.splitlines()] == [
        "exercise",
        *(exercise.slug for exercise in EXERCISES),
        "toy",
    ]


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [
        (["run", "quasar-redshif"], "Did you mean 'quasar-redshift'?"),
        (["run", "toy", "--preset", "dmeo"], "Did you mean 'demo'?"),
        (["run", "toy", "--set", "rosw=3"], "Did you mean 'rows'?"),
        (["run", "toy", "--set", "rows=many"], "rows=many is not a whole number."),
        (["run", "toy", "--set", "rows=3.5"], "rows=3.5 is not a whole number."),
        (["run", "toy", "--set", "deep=perhaps"], "deep=perhaps is not true or false."),
        (["run", "toy", "--set", "kernels=3,x"], "is not a list"),
        (["run", "toy", "--set", "rows"], "Write --set name=value."),
        (["run", "toy", "--runner", "proces"], "Did you mean 'process'?"),
        (["run", "toy", "--external", "."], "There is no parameter 'external'."),
        (["stage", "toy", "trian", "--output", "x"], "Did you mean 'train'?"),
        (["compare", "latest"], "Name two or more"),
        (["rnu", "toy"], "Did you mean 'run'"),
        (["predict", "toy", ".", "--out", "table.xls"], "End its name in .csv or .parquet."),
    ],
)
def test_a_mistyped_word_is_answered_with_the_right_one_before_any_work(
    armillary: Armillary, home: Path, arguments: list[str], suggestion: str
) -> None:
    completed = armillary(*arguments, COLUMNS="200")
    assert completed.returncode == 2
    assert suggestion in completed.stderr
    assert "Traceback" not in completed.stderr
    assert not home.exists()


def test_a_folder_that_does_not_exist_is_an_input_error(armillary: Armillary, home: Path) -> None:
    completed = armillary("run", "toy", "--location", "/no/such/folder")
    assert completed.returncode == 3
    assert completed.stderr == "location: there is no file or folder /no/such/folder.\nCorrect the path.\n"
    assert not home.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["runs"], "There are no runs yet."),
        (["models"], "There are no models in the store yet."),
        (["open"], "There is no run latest."),
        (["predict", "toy", "."], "No run of toy has left a model yet."),
    ],
)
def test_a_new_machine_starts_no_store_to_find_it_empty(
    armillary: Armillary, home: Path, arguments: list[str], said: str
) -> None:
    completed = armillary(*arguments, AWS_ENDPOINT_URL="")
    assert said in completed.stdout + completed.stderr
    assert not home.exists()


@pytest.mark.parametrize("arguments", [["run", "toy"], ["stage", "toy", "ingest", "--output"]])
def test_a_place_that_cannot_be_written_is_named(
    armillary: Armillary, tmp_path: Path, arguments: list[str]
) -> None:
    (tmp_path / "taken").write_text("a file")
    place = str(tmp_path / "taken" / "home")
    given = [*arguments, place] if arguments[-1] == "--output" else arguments
    completed = armillary(*given, ARMILLARY_HOME=place)
    assert completed.returncode == 1
    assert str(tmp_path / "taken") in completed.stderr
    assert "Choose a place where you may write" in completed.stderr
    assert "Traceback" not in completed.stderr


@pytest.mark.parametrize(
    ("option", "place", "said"),
    [
        ("--out", "taken/table.csv", "cannot be written"),
        ("--out", "folder.csv", "is a folder, not a file"),
        ("--plots", "taken", "is a file, not a folder"),
        ("--plots", "taken/plots", "cannot be written"),
    ],
)
def test_a_prediction_is_not_begun_that_cannot_be_written(
    armillary: Armillary, home: Path, tmp_path: Path, option: str, place: str, said: str
) -> None:
    (tmp_path / "taken").write_text("a file")
    (tmp_path / "folder.csv").mkdir()
    completed = armillary("predict", "toy", str(tmp_path), option, str(tmp_path / place))
    assert completed.returncode == 2
    assert said in completed.stderr
    assert not home.exists()


def test_a_run_is_told_published_and_found_again(
    armillary: Armillary, home: Path, environment: Mapping[str, str], tmp_path: Path
) -> None:
    completed = armillary("run", "toy", "--preset", "smoke", "--set", "rows=8", "--set", "kernels=[5, 4]")
    assert completed.returncode == 0, completed.stderr
    assert completed.stderr == ""
    run = run_id(completed)
    assert re.search(r"accuracy +0\.800 \[0\.100, 0\.900\] +0\.0500 +0\.970", completed.stdout)
    assert completed.stdout.splitlines()[-1] == f"report: {home}/runs/toy/{run}/report.html"
    assert "\x1b" not in completed.stdout, "plain text in a pipe"

    store = Store.from_environment(environment)
    keys = {key.removeprefix(f"runs/toy/{run}/") for key in store.list(f"runs/toy/{run}/")}
    assert keys == {
        "ingest/dataset/numbers.json",
        "train/model/half.txt",
        "evaluate/metrics",
        "evaluate/results/metrics.json",
        "evaluate/results/report.html",
        "report.html",
        "run.json",
        "run.log",
    }
    record = from_json(store.get_json(f"runs/toy/{run}/run.json").value)
    assert record.parameters["kernels"] == [5, 4]

    again = armillary("run", "toy", "--preset", "smoke", "--set", "rows=8", "--set", "kernels=[5, 4]", "--json")
    result = json.loads(again.stdout.splitlines()[-1])
    assert set(result) == {"run", "exercise", "preset", "origin", "seconds", "report", "scores", "external"}
    score = {"value": 0.8, "low": 0.1, "high": 0.9, "baseline": 0.05, "published": 0.97}
    assert result["scores"] == {"accuracy": score}
    assert len(again.stdout.splitlines()) == 1, "progress goes to standard error"
    assert "ingest: cached" in again.stderr
    assert not [key for key in store.list(f"runs/toy/{result['run']}/") if "/ingest/" in key], "stored once"

    listed = armillary("runs")
    assert [line.split()[0] for line in listed.stdout.splitlines()[1:]] == [result["run"], run]
    assert armillary("open", run).stdout == f"{home}/runs/toy/{run}/report.html\n"

    elsewhere = tmp_path / "another machine"
    opened = armillary("open", run, ARMILLARY_HOME=str(elsewhere))
    assert Path(opened.stdout.strip()).is_relative_to(elsewhere)
    assert Path(opened.stdout.strip()).read_text().startswith("<!doctype html>")

    other = run_id(armillary("run", "toy", "--preset", "smoke", "--set", "rows=3"))
    compared = armillary("compare", run, other).stdout
    assert re.search(rf"^ +{run} +{other}$", compared, flags=re.MULTILINE)
    assert re.search(r"^rows +8 +3$", compared, flags=re.MULTILINE)
    assert re.search(r"^accuracy +0\.800 \[0\.100, 0\.900\] +0\.300", compared, flags=re.MULTILINE)
    assert not re.search(r"^seconds ", compared, flags=re.MULTILINE), "what does not differ is not shown"


def test_one_stage_alone_from_the_files_of_a_run(armillary: Armillary, tmp_path: Path) -> None:
    run = run_id(armillary("run", "toy", "--preset", "smoke"))
    completed = armillary("stage", "toy", "evaluate", "--from", run, "--output", tmp_path / "alone")
    assert completed.returncode == 0, completed.stderr
    assert json.loads((tmp_path / "alone" / "results" / "metrics.json").read_text())["origin"] == "simulated"
    assert json.loads((tmp_path / "alone" / "metrics").read_text()) == {"accuracy": 0.3}
    first = armillary("stage", "toy", "ingest", "--set", "rows=2", "--output", tmp_path / "first")
    assert json.loads((tmp_path / "first" / "dataset" / "numbers.json").read_text()) == [0, 1], first.stderr
    missing = armillary("stage", "toy", "train", "--output", tmp_path / "none")
    assert missing.returncode == 2
    assert "needs its input dataset" in missing.stderr


def test_a_failed_run_tells_stage_cause_and_log_and_is_published(
    armillary: Armillary, environment: Mapping[str, str]
) -> None:
    completed = armillary("run", "toy", "--preset", "smoke", "--set", "fail=archive", "--json")
    assert completed.returncode == 4
    assert "The stage train failed. The archive at 127.0.0.1 does not answer. Try again later." in completed.stderr
    result = json.loads(completed.stdout.splitlines()[-1])
    assert result["scores"] == {}
    assert "does not answer" in result["error"]
    assert f"{result['run']}/run.log" in completed.stderr
    stored = Store.from_environment(environment).get_json(f"runs/toy/{result['run']}/run.json").value
    assert stored["status"] == "failed"
    assert "failed in train" in armillary("runs").stdout


def test_a_store_that_is_down_is_told_before_any_work(armillary: Armillary, home: Path) -> None:
    completed = armillary("run", "toy", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert completed.returncode == 5
    assert "does not answer" in completed.stderr
    assert not list(home.glob("runs/*/*/artifacts"))


def test_wrong_credentials_are_told(armillary: Armillary) -> None:
    completed = armillary("run", "toy", AWS_SECRET_ACCESS_KEY="wrong")
    assert completed.returncode == 5
    assert "refuses the credentials" in completed.stderr


def test_ctrl_c_ends_with_130_and_the_next_run_continues(
    armillary: Armillary, environment: dict[str, str], home: Path
) -> None:
    command = [sys.executable, "-c", WITH_TOY, "run", "toy", "--set", "seconds=120"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not list(home.glob("runs/toy/*/artifacts/*/train-slowly/.*.part")):
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the stage as well
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Interrupted." in output
    assert not list(home.rglob("*.part"))
    continued = armillary("run", "toy", "--set", "seconds=0")
    assert "ingest: cached" in continued.stdout


def mend_first(told: str) -> set[str]:
    found = re.search(r"^Mend first: (.*)\.$", told, flags=re.MULTILINE)
    return set(found[1].split(", ")) if found else set()


def test_doctor_finds_what_is_missing(armillary: Armillary, home: Path) -> None:
    short = {"disk", "memory"}  # of which this machine may have little at the moment
    completed = armillary("doctor")
    assert mend_first(completed.stdout) <= short, completed.stdout
    assert completed.returncode == bool(mend_first(completed.stdout))
    assert re.search(r"^store +ok +http://127\.0\.0\.1:\d+", completed.stdout, flags=re.MULTILINE)
    broken = armillary("doctor", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert broken.returncode == 1
    assert re.search(r"^store +MISSING .*does not answer.*Start it", broken.stdout, flags=re.MULTILINE)
    assert "store" in mend_first(broken.stdout) <= {"store", *short}

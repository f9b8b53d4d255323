"""Runs in the store, and how old ones make room."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from components.common.errors import ParameterError
from components.common.store import Store
from pipelines.history import fetch, find_run, local_runs, stored_runs
from pipelines.home import cache_folder
from pipelines.progress import Progress
from pipelines.publishing import prune, publish
from pipelines.records import RunRecord

Run = Callable[..., RunRecord]


def test_outputs_that_an_earlier_run_made_are_stored_once_even_if_it_never_was(run_toy: Run, store: Store) -> None:
    first, second = run_toy(rows=4), run_toy(rows=4)
    publish(second, store)
    assert store.exists(f"{first.key}/ingest/dataset/numbers.json")
    assert not store.exists(f"{first.key}/run.json")
    publish(first, store)
    before = store.list()
    third = run_toy(rows=4)
    publish(third, store)
    assert sorted(set(store.list()) - set(before)) == [
        f"{third.key}/{n}" for n in ("report.html", "run.json", "run.log")
    ]


def test_a_failed_run_is_stored_as_far_as_it_came(run_toy: Run, store: Store) -> None:
    record = run_toy(fail="bug")
    publish(record, store)
    names = [key.removeprefix(f"{record.key}/") for key in store.list(record.key)]
    assert names == ["failures/train.json", "ingest/dataset/numbers.json", "run.json", "run.log"]
    assert stored_runs(store, "toy") == [record]


def test_old_runs_make_room_but_not_those_that_newer_ones_need(run_toy: Run, store: Store, home: Path) -> None:
    needed = run_toy(rows=1)
    old = run_toy(rows=2)
    kept = [run_toy(rows=3), run_toy(rows=1)]
    for record in (needed, old, *kept):
        publish(record, store)
    entries = len(list(cache_folder().glob("*.json")))
    assert prune("toy", store, keep=2) == [old.run]
    assert [record.run for record in local_runs("toy")] == [kept[1].run, kept[0].run, needed.run]
    assert len(list(cache_folder().glob("*.json"))) == entries - 3
    names = {key.removeprefix(f"{old.key}/").split("/")[0] for key in store.list(old.key)}
    assert names == {"train", "evaluate", "report.html", "run.json", "run.log"}, "only the data set is gone"
    assert store.exists(f"{needed.key}/ingest/dataset/numbers.json")
    assert {stage.status for stage in run_toy(rows=2).stages} == {"done"}
    assert prune("toy", store, keep=3) == []


def test_what_a_run_that_goes_on_took_from_the_cache_stays(run_toy: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    needed, old = run_toy(rows=1), run_toy(rows=2)
    removed: list[str] = []
    begin = Progress.begin

    def end_another_run_first(progress: Progress, task: str) -> None:
        if task == "train-slowly":
            removed.extend(prune("toy", keep=0))
        begin(progress, task)

    monkeypatch.setattr(Progress, "begin", end_another_run_first)
    record = run_toy(rows=1, seconds=0.1)
    assert removed == [old.run]
    assert record.status == "succeeded"
    assert [stage.status for stage in record.stages] == ["cached", "done", "done"]
    assert record.stages[0].outputs == needed.stages[0].outputs


def test_two_runs_that_end_at_once_remove_what_is_old_once(run_toy: Run) -> None:
    old = [run_toy(rows=rows).run for rows in (1, 2, 3)]
    with ThreadPoolExecutor(4) as pool:
        removed = list(pool.map(lambda _: prune("toy", keep=0), range(4)))
    assert sorted(removed, key=len)[:3] == [[], [], []]
    assert sorted(max(removed, key=len)) == old


def test_mistakes_do_not_push_out_what_succeeded(run_toy: Run) -> None:
    good = run_toy(rows=1)
    bad = [run_toy(rows=rows, fail="settings") for rows in (2, 3)]
    assert prune("toy", keep=1) == [bad[0].run]
    assert {record.run for record in local_runs("toy")} == {good.run, bad[1].run}


def test_a_store_of_others_is_not_pruned(run_toy: Run, store: Store) -> None:
    old, _ = run_toy(rows=2), run_toy(rows=3)
    publish(old, store)
    assert prune("toy", keep=1) == [old.run]
    assert store.exists(f"{old.key}/ingest/dataset/numbers.json")


def test_runs_are_found_by_the_beginning_of_their_name(run_toy: Run) -> None:
    first, second = run_toy(rows=1), run_toy(rows=2)
    assert find_run(first.run) == first
    assert find_run("latest", "toy") == second
    with pytest.raises(ParameterError, match="beginning of 2 runs"):
        find_run("2")


def test_what_this_machine_lost_comes_from_the_store(
    run_toy: Run, store: Store, weed: dict[str, str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**weed, "ARMILLARY_BUCKET": store.bucket}.items():
        monkeypatch.setenv(name, value)
    record = run_toy(rows=4)
    publish(record, store)
    output = record.output("train", "model")
    assert output is not None
    assert fetch(output) == home / output.path
    assert prune("toy", keep=0) == [record.run]
    assert find_run(record.run) == record
    assert (fetch(output) / "half.txt").read_text() == "half written"
    with pytest.raises(ParameterError, match="There is no run 1999"):
        find_run("1999")

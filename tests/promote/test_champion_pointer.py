"""The pointer to the champion under several writers at once, and on its way back."""

import itertools
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lookup import Run, settings

from components.common import champions, models
from components.common.champions import (
    Champion,
    champion_key,
    move_champion,
    promote_by_hand,
    prune_models,
    read_champion,
    roll_back,
)
from components.common.errors import ParameterError, StoreError
from components.common.models import Facts, Version, fetch_model, list_versions, model_key, put_model
from components.common.store import ConflictError, Store
from components.promote.champion import promotion
from components.promote.champion.promotion import promote

MakeRun = Callable[..., Run]


def stored(store: Store, folder: Path, name: str) -> Version:
    (folder / name).mkdir(parents=True)
    (folder / name / "model.json").write_text(f'"{name}"')
    return put_model(store, "s", folder / name, Facts(run=name, origin="simulated"))


def champion_of(store: Store, slug: str = "s") -> Champion:
    champion = read_champion(store, slug)
    assert champion is not None
    return champion


@pytest.mark.parametrize("noises", [(3000.0, 6000.0), (6000.0, 3000.0)], ids=["worse in between", "better"])
def test_a_pointer_that_moves_during_a_comparison_is_compared_with_anew(
    configured: Store, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, noises: tuple[float, float]
) -> None:
    """Two runs read the same champion; the one in between promotes before the other, which has to decide again."""
    promote(*make_run(30_000).folders, settings("first"))
    between, mine = make_run(noises[0], 2), make_run(noises[1], 3)
    original, calls = promotion.move_champion, []

    def interrupted(*arguments: object, **named: object) -> object:
        calls.append(arguments)
        if len(calls) == 1:  # between my comparison and my write
            assert promote(*between.folders, settings("between")).promoted
        return original(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(promotion, "move_champion", interrupted)
    decision = promote(*mine.folders, settings("mine"))
    runs = [move["version"] for move in champion_of(configured, "lookups").history]
    assert decision.before is not None
    assert decision.before.run == "between"  # what was compared with in the end
    assert decision.promoted == (noises[1] < noises[0])
    assert champion_of(configured, "lookups").run == ("mine" if decision.promoted else "between")
    assert len(runs) == len(set(runs)) == (3 if decision.promoted else 2)


def test_a_pointer_that_never_rests_is_given_up(
    configured: Store, make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, attempts = promotion.move_champion, []

    def overtaken(store: Store, slug: str, *rest: object) -> object:
        attempts.append(slug)
        store.put_json(champion_key(slug), {**champion_of(store, slug).to_json(), "run": f"{len(attempts)}"})
        return original(store, slug, *rest)  # type: ignore[arg-type]

    promote(*make_run(30_000).folders, settings())
    monkeypatch.setattr(promotion, "move_champion", overtaken)
    with pytest.raises(ConflictError, match="written by somebody else"):
        promote(*make_run(3000, 2).folders, settings())
    assert len(attempts) == promotion.ATTEMPTS


def test_many_writers_at_once_leave_each_promotion_once(store: Store, tmp_path: Path) -> None:
    versions = [stored(store, tmp_path, f"model-{n}") for n in range(12)]
    barrier = threading.Barrier(len(versions))
    failures: list[BaseException] = []

    def insist(version: Version) -> None:
        try:
            barrier.wait(60)
            while True:
                try:
                    move_champion(store, "s", read_champion(store, "s"), version, "in a crowd")
                    return
                except ConflictError:
                    continue
        except (StoreError, threading.BrokenBarrierError) as error:
            failures.append(error)

    threads = [threading.Thread(target=insist, args=(version,)) for version in versions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failures == []
    champion = champion_of(store)
    assert sorted(move["version"] for move in champion.history) == sorted(v.version for v in versions)
    assert champion.history[-1]["version"] == champion.version


def test_the_first_champion_is_one_of_those_that_came_together(store: Store, tmp_path: Path) -> None:
    one, other = stored(store, tmp_path, "one"), stored(store, tmp_path, "other")
    nobody = read_champion(store, "s")
    assert nobody is None
    move_champion(store, "s", nobody, one, "first model")
    with pytest.raises(ConflictError):
        move_champion(store, "s", nobody, other, "first model")
    assert champion_of(store).version == one.version


def test_a_stale_state_cannot_be_built_upon(store: Store, tmp_path: Path) -> None:
    one, two, three = (stored(store, tmp_path, name) for name in ("one", "two", "three"))
    read = move_champion(store, "s", None, one, "first model")
    move_champion(store, "s", read, two, "better")
    with pytest.raises(ConflictError):
        move_champion(store, "s", read, three, "better")
    assert [move["version"] for move in champion_of(store).history] == [one.version, two.version]


def test_rolling_back_goes_further_back_each_time_and_not_to_and_fro(store: Store, tmp_path: Path) -> None:
    one, two, three, four = (stored(store, tmp_path, name) for name in ("one", "two", "three", "four"))
    for version in (one, two, three):
        promote_by_hand(store, "s", version.version)
    assert roll_back(store, "s").version == two.version
    assert roll_back(store, "s").version == one.version
    with pytest.raises(ParameterError, match="no earlier champion"):
        roll_back(store, "s")
    promote_by_hand(store, "s", four.version)
    assert champion_of(store).previous == one.version
    assert roll_back(store, "s", three.version).version == three.version  # by name also what was rolled back
    assert [move["action"] for move in champion_of(store).history].count("rollback") == 3
    assert champion_of(store).history[-1]["reason"] == f"rolled back from {four.version}"


def test_a_version_that_comes_back_by_hand_has_its_predecessor_before_it(store: Store, tmp_path: Path) -> None:
    one, two, three = (stored(store, tmp_path, name) for name in ("one", "two", "three"))
    for version in (one, two, one, three):
        promote_by_hand(store, "s", version.version)
    assert roll_back(store, "s").version == one.version
    assert roll_back(store, "s").version == two.version


def test_only_a_champion_of_old_is_gone_back_to(store: Store, tmp_path: Path) -> None:
    one, two = stored(store, tmp_path, "one"), stored(store, tmp_path, "two")
    with pytest.raises(ParameterError, match="no earlier champion"):
        roll_back(store, "s")
    promote_by_hand(store, "s", one.version)
    with pytest.raises(ParameterError, match="never was the champion"):
        roll_back(store, "s", two.version)
    with pytest.raises(ParameterError, match="is the champion already"):
        roll_back(store, "s", one.version)
    with pytest.raises(ParameterError, match="is the champion already"):
        promote_by_hand(store, "s", one.version)


def test_nothing_points_to_what_is_not_there(store: Store, tmp_path: Path) -> None:
    one, two = stored(store, tmp_path, "one"), stored(store, tmp_path, "two")
    promote_by_hand(store, "s", one.version)
    promote_by_hand(store, "s", two.version)
    store.delete_folder(model_key("s", one.version))
    with pytest.raises(StoreError, match=f"has no model models/s/{one.version}"):
        roll_back(store, "s")
    with pytest.raises(StoreError, match="has no model models/s/20200101-000000-00000000"):
        promote_by_hand(store, "s", "20200101-000000-00000000")
    assert champion_of(store).version == two.version


def test_a_model_returns_byte_for_byte_and_only_whole(store: Store, tmp_path: Path) -> None:
    version = stored(store, tmp_path, "one")
    folder = fetch_model(store, "s", version.version, tmp_path / "back")
    assert (folder / "model.json").read_bytes() == (tmp_path / "one" / "model.json").read_bytes()
    store.delete(f"{model_key('s', version.version)}/model.json")
    with pytest.raises(StoreError, match="are not those that were stored"):
        fetch_model(store, "s", version.version, tmp_path / "again")


def test_versions_of_one_second_are_in_the_order_in_which_they_were_stored(store: Store, tmp_path: Path) -> None:
    versions = [stored(store, tmp_path, f"m{number}").version for number in range(6)]
    assert [version.version for version in list_versions(store, "s")] == versions[::-1]


def test_what_a_newer_version_of_the_software_adds_is_no_obstacle(store: Store, tmp_path: Path) -> None:
    version = stored(store, tmp_path, "one")
    promote_by_hand(store, "s", version.version)
    store.put_json(champions.champion_key("s"), {**champion_of(store).to_json(), "colour": "blue"})
    assert champion_of(store).version == version.version


@pytest.fixture
def hourly(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Version]:
    """Six models, each stored an hour after the one before."""
    hours = itertools.count()

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=next(hours))

    monkeypatch.setattr(models, "datetime", Clock)
    return [stored(store, tmp_path, f"m{number}") for number in range(6)]


def test_old_models_are_deleted_but_never_the_champion_nor_the_one_before(
    store: Store, tmp_path: Path, hourly: list[Version]
) -> None:
    first = move_champion(store, "s", None, hourly[0], "first model")
    second = move_champion(store, "s", first, hourly[1], "better")
    move_champion(store, "s", second, hourly[2], "better")
    half = model_key("s", "20260101-000000-00000000")
    store.put_json(f"{half}/model.json", {})  # what a pod that was lost left of an upload
    assert prune_models(store, "s", 2) == [half.rpartition("/")[2], *(hourly[n].version for n in (0, 3))]
    assert [version.version for version in list_versions(store, "s")] == [hourly[n].version for n in (5, 4, 2, 1)]
    assert not store.list(half)
    assert roll_back(store, "s").version == hourly[1].version
    fetch_model(store, "s", hourly[1].version, tmp_path / "fetched")
    assert prune_models(store, "s", 4) == []


def test_a_model_that_becomes_champion_meanwhile_is_not_deleted(
    store: Store, hourly: list[Version], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = store.delete_folder

    def interrupted(prefix: str) -> int:
        if read_champion(store, "s") is None:
            promote_by_hand(store, "s", hourly[1].version)
        return original(prefix)

    monkeypatch.setattr(store, "delete_folder", interrupted)
    assert prune_models(store, "s", 4) == [hourly[0].version]


def test_nothing_is_deleted_where_it_is_not_known_what_is_in_use(store: Store, hourly: list[Version]) -> None:
    store.put_json(champion_key("s"), "broken")
    with pytest.raises(StoreError, match="does not say which model is the champion"):
        prune_models(store, "s", 1)
    with pytest.raises(ParameterError, match="Keep at least one"):
        prune_models(store, "s", 0)
    assert len(list_versions(store, "s")) == 6

"""What becomes of a new model, decided against a real object store."""

import json
from collections.abc import Callable

import pytest
from lookup import Run, settings
from monitoring import NOWHERE

from components.common.champions import champion_key, promote_by_hand, read_champion
from components.common.errors import StoreError
from components.common.models import list_versions, model_key
from components.common.store import Store
from components.promote.champion.promotion import promote

MakeRun = Callable[..., Run]
GOOD, MIDDLING, BAD = 3000.0, 6000.0, 12_000.0  # km/s: 95, 68 and 38 % within 6000 km/s


def test_the_first_model_is_the_champion_and_whole_in_the_store(configured: Store, make_run: MakeRun) -> None:
    run = make_run(BAD)
    decision = promote(*run.folders, settings("run-1"))
    assert (decision.outcome, decision.promoted) == ("first model", True)
    assert decision.summary == f"champion: {decision.champion} (first model)"
    champion = read_champion(configured, "lookups")
    assert champion is not None
    assert (champion.version, champion.run, champion.origin) == (decision.champion, "run-1", "simulated")
    assert champion.difference is None
    assert [move["reason"] for move in champion.history] == ["first model"]
    stored = configured.list(f"{model_key('lookups', champion.version)}/")
    assert [key.rpartition("/")[2] for key in stored] == ["model.json", "version.json"]
    [version] = list_versions(configured, "lookups")
    assert version.facts.parameters["training"] == {"epochs": 2}
    assert version.facts.headline == champion.headline


def test_a_better_model_takes_over_with_the_difference_on_record(configured: Store, make_run: MakeRun) -> None:
    first = promote(*make_run(BAD).folders, settings("run-1"))
    run = make_run(GOOD, seed=2)
    second = promote(*run.folders, settings("run-2"))
    assert (second.outcome, second.promoted) == ("better", True)
    assert second.comparison is not None
    assert second.comparison.objects == run.objects
    assert second.left_out == {
        "the champion was trained or validated on them": 0, "the champion cannot use them": 0,
    }  # fmt: skip
    champion = read_champion(configured, "lookups")
    assert champion is not None
    assert champion.difference == second.comparison.difference
    assert [move["version"] for move in champion.history] == [first.champion, second.champion]
    numbers = second.numbers()
    difference = (numbers["challenger"] or 0) - (numbers["champion"] or 0)
    assert numbers["difference"] == pytest.approx(difference)
    assert 0 < (numbers["low"] or 0) < difference < (numbers["high"] or 0)


@pytest.mark.parametrize(("noise", "seed"), [(BAD, 2), (MIDDLING, 2)], ids=["worse", "tie"])
def test_a_model_that_is_not_surely_better_leaves_the_champion(
    configured: Store, make_run: MakeRun, noise: float, seed: int
) -> None:
    first = promote(*make_run(MIDDLING).folders, settings())
    before = configured.get_json(champion_key("lookups"))
    second = promote(*make_run(noise, seed).folders, settings())
    assert (second.outcome, second.promoted, second.champion) == ("not better", False, first.champion)
    assert "stays (no sure improvement of accuracy_6000_km_s" in second.summary
    assert configured.get_json(champion_key("lookups")) == before
    assert len(list_versions(configured, "lookups")) == 2  # it is stored all the same, to be promoted by hand


def test_an_equal_model_is_not_better(configured: Store, make_run: MakeRun) -> None:
    promote(*make_run(MIDDLING).folders, settings())
    run = make_run(MIDDLING)
    (run.model / "history.json").write_text("[]")  # other content, the same answers
    decision = promote(*run.folders, settings())
    assert decision.outcome == "not better"
    assert decision.comparison is not None
    assert (decision.comparison.improvement, decision.comparison.low, decision.comparison.high) == (0, 0, 0)


def test_a_lower_is_better_score_decides_in_its_direction(configured: Store, make_run: MakeRun) -> None:
    by_error = {"headline": "median_dv_km_s"}
    promote(*make_run(BAD, **by_error).folders, settings())
    better = promote(*make_run(GOOD, 2, **by_error).folders, settings())
    assert better.promoted
    assert better.comparison is not None
    assert better.comparison.challenger.value < better.comparison.champion.value
    assert better.comparison.improvement > 0
    assert not promote(*make_run(MIDDLING, 3, **by_error).folders, settings()).promoted


def test_simulated_data_never_displace_a_champion_of_real_data(configured: Store, make_run: MakeRun) -> None:
    first = promote(*make_run(BAD, origin="semi-empirical").folders, settings())
    simulated = promote(*make_run(GOOD, 2).folders, settings())
    assert (simulated.outcome, simulated.promoted, simulated.champion) == ("other origin", False, first.champion)
    assert "tested on simulated data, the champion on semi-empirical data" in simulated.summary
    real = promote(*make_run(GOOD, 3, origin="real").folders, settings())
    assert real.outcome == "better"
    assert not promote(*make_run(0.0, 4, origin="semi-empirical").folders, settings()).promoted


def test_what_the_champion_learnt_from_or_cannot_use_counts_for_neither(
    configured: Store, make_run: MakeRun
) -> None:
    promote(*make_run(BAD, refuses=40).folders, settings())
    run = make_run(GOOD, 2, everything=True)
    decision = promote(*run.folders, settings())
    learnt, refused = decision.left_out.values()
    assert decision.comparison is not None
    assert decision.tested == run.objects == learnt + refused + decision.comparison.objects
    assert 0.35 * run.objects < learnt < 0.65 * run.objects  # the champion's split tests half of them
    assert 8 < refused < 32  # and of the 40 that it cannot use, half were left out already


def test_another_simulation_shares_no_object_with_the_champions(configured: Store, make_run: MakeRun) -> None:
    promote(*make_run(BAD).folders, settings())
    run = make_run(GOOD, 2, everything=True)
    metrics = json.loads((run.results / "metrics.json").read_text())
    metrics["provenance"]["seed"] = 9
    (run.results / "metrics.json").write_text(json.dumps(metrics))
    decision = promote(*run.folders, settings())
    assert decision.comparison is not None
    assert decision.comparison.objects == run.objects


@pytest.mark.parametrize(
    ("champion", "challenger", "words"),
    [
        ({}, {"tested": 20}, "are too few, 30 are needed"),
        ({"split": None}, {}, "does not say which objects it learnt from"),
        ({"kind": "clustering"}, {}, "models of the kind clustering of redshift have no comparison"),
        ({}, {"kind": "clustering"}, "models of the kind clustering of redshift have no comparison"),
        ({"kind": "conv1d"}, {}, "is not a model"),  # no conv1d: it has no weights
    ],
    ids=["few", "unsaid split", "unknown champion", "unknown challenger", "unreadable champion"],
)
def test_what_cannot_be_compared_is_said_and_leaves_the_champion(
    configured: Store, make_run: MakeRun, champion: dict[str, object], challenger: dict[str, object], words: str
) -> None:
    first = promote(*make_run(BAD, **champion).folders, settings())
    second = promote(*make_run(GOOD, 2, **challenger).folders, settings())
    assert (second.outcome, second.promoted, second.champion) == ("not compared", False, first.champion)
    assert words in second.summary
    assert second.numbers()["objects"] == 0


def test_an_exercise_without_a_comparable_score_is_not_compared(configured: Store, make_run: MakeRun) -> None:
    promote(*make_run(BAD, headline="purity").folders, settings())
    assert promote(*make_run(GOOD, 2, headline="purity").folders, settings()).outcome == "not compared"


def test_a_retried_pod_stores_nothing_twice_and_says_what_its_predecessor_did(
    configured: Store, make_run: MakeRun
) -> None:
    run = make_run(BAD)
    first = promote(*run.folders, settings("run-1"))
    keys = configured.list()
    again = promote(*run.folders, settings("run-1"))
    assert (again.promoted, again.summary) == (True, first.summary)
    later = promote(*run.folders, settings("run-2"))
    assert (later.outcome, later.promoted) == ("champion already", False)
    assert later.summary == f"champion: {first.champion} (this same model)"
    assert configured.list() == keys
    champion = read_champion(configured, "lookups")
    assert champion is not None
    assert len(champion.history) == 1


def test_what_a_killed_pod_left_half_stored_is_completed(configured: Store, make_run: MakeRun) -> None:
    run = make_run(BAD)
    first = promote(*run.folders, settings("run-1"))
    for key in (champion_key("lookups"), f"{model_key('lookups', first.champion)}/version.json"):
        configured.delete(key)
    again = promote(*run.folders, settings("run-1"))
    assert again.champion == first.champion
    assert again.outcome == "first model"
    assert [version.version for version in list_versions(configured, "lookups")] == [first.champion]


def test_a_champion_whose_folder_is_gone_is_an_error_and_stays_named(configured: Store, make_run: MakeRun) -> None:
    first = promote(*make_run(BAD).folders, settings())
    configured.delete_folder(model_key("lookups", first.champion))
    before = configured.get_json(champion_key("lookups"))
    run = make_run(GOOD, 2)
    with pytest.raises(StoreError, match=r"has no model models/lookups/.*armillary models promote lookups"):
        promote(*run.folders, settings())
    assert configured.get_json(champion_key("lookups")) == before
    [version] = list_versions(configured, "lookups")
    promote_by_hand(configured, "lookups", version.version)  # the remedy
    assert promote(*run.folders, settings()).outcome == "champion already"


def test_a_champion_whose_files_were_changed_is_an_error(configured: Store, make_run: MakeRun) -> None:
    first = promote(*make_run(BAD).folders, settings())
    configured.put_json(f"{model_key('lookups', first.champion)}/model.json", {"kind": "lookup"})
    with pytest.raises(StoreError, match="are not those that were stored"):
        promote(*make_run(GOOD, 2).folders, settings())


@pytest.mark.parametrize("content", ["text", {"version": 3}, [], {"history": []}])
def test_a_broken_pointer_is_an_error_and_is_mended_by_hand(
    configured: Store, make_run: MakeRun, content: object
) -> None:
    configured.put_json(champion_key("lookups"), content)
    with pytest.raises(StoreError, match=r"does not say which model is the champion.*armillary models promote"):
        promote(*make_run(BAD).folders, settings())
    assert configured.get_json(champion_key("lookups")).value == content
    [version] = list_versions(configured, "lookups")  # the model was stored before
    promote_by_hand(configured, "lookups", version.version)
    champion = read_champion(configured, "lookups")
    assert champion is not None
    assert champion.version == version.version


def test_without_a_store_nothing_is_decided_and_a_warning_says_so(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    decision = promote(*make_run(BAD).folders, settings())
    assert (decision.outcome, decision.promoted, decision.champion) == ("no store", False, "")
    assert "AWS_ENDPOINT_URL is not set" in capsys.readouterr().err


def test_a_store_that_is_down_is_an_error(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", NOWHERE)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "word")
    with pytest.raises(StoreError, match="does not answer"):
        promote(*make_run(BAD).folders, settings())


def test_a_check_is_stored_and_never_the_champion(configured: Store, make_run: MakeRun) -> None:
    """Such as a classifier of galaxies by the votes that the class was made of: of no use, and hard to beat."""
    check = promote(*make_run(GOOD, origin="real", check="it was told").folders, settings("run-1"))
    assert (check.outcome, check.promoted, check.champion) == ("no candidate", False, "")
    assert check.summary == "champion: none chosen (it was told)"
    assert read_champion(configured, "lookups") is None
    first = promote(*make_run(BAD).folders, settings("run-2"))
    again = promote(*make_run(GOOD, seed=3, check="it was told").folders, settings("run-3"))
    assert again.summary == f"champion: {first.champion} stays (it was told)"
    assert len(list_versions(configured, "lookups")) == 3

"""`armillary models` and the model that `armillary predict` takes, from the real command line."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from command_line import Armillary
from monitoring import NOWHERE

from components.common.champions import champion_key, move_champion, promote_by_hand, read_champion
from components.common.models import Facts, Version, list_versions, model_key, put_model
from components.common.store import Store
from pipelines.commands import predict as command
from pipelines.publishing import prune, publish
from pipelines.records import RunRecord

SLUG = "quasar-redshift"


@pytest.fixture
def mine(environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Store:
    """Give the store that the command line sees, in this process too."""
    for name in (
        "AWS_ENDPOINT_URL",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_REGION",
        "ARMILLARY_BUCKET",
    ):
        monkeypatch.setenv(name, environment[name])
    return Store.from_environment(environment)


@pytest.fixture
def versions(mine: Store, tmp_path: Path) -> list[Version]:
    """Store three models, the first two of which were champions in turn."""
    found = []
    for number in range(3):
        folder = tmp_path / f"model-{number}"
        folder.mkdir()
        (folder / "model.json").write_text(f'{{"kind": "none", "number": {number}}}')
        headline = {"name": "accuracy", "value": 0.5 + number / 10, "low": 0.4, "high": 0.9}
        facts = Facts(run=f"run-{number}", origin="simulated", headline=headline)
        found.append(put_model(mine, SLUG, folder, facts))
    first = move_champion(mine, SLUG, None, found[0], "first model")
    move_champion(mine, SLUG, first, found[1], "better")
    return found


def test_models_are_listed_with_the_champion_marked(armillary: Armillary, versions: list[Version]) -> None:
    for arguments in (["models"], ["models", SLUG], ["models", "list", SLUG]):
        listed = armillary(*arguments)
        assert listed.returncode == 0, listed.stderr
        rows = [line for line in listed.stdout.splitlines() if SLUG in line]
        assert {row.split()[0] for row in rows} == {version.version for version in versions}
        [champion] = [row for row in rows if "champion" in row]
        assert champion.split()[0] == versions[1].version
        assert "accuracy 0.600 [0.400, 0.900]" in champion


def test_one_goes_back_and_forth_by_command(armillary: Armillary, mine: Store, versions: list[Version]) -> None:
    back = armillary("models", "rollback", SLUG)
    assert back.returncode == 0, back.stderr
    assert f"champion of {SLUG}: {versions[0].version} (rolled back from {versions[1].version})" in back.stdout
    nothing = armillary("models", "rollback", SLUG)
    assert nothing.returncode == 2
    assert f"armillary models promote {SLUG} VERSION" in nothing.stderr
    forth = armillary("models", "promote", SLUG, versions[2].version)
    assert forth.returncode == 0, forth.stderr
    champion = read_champion(mine, SLUG)
    assert champion is not None
    assert champion.version == versions[2].version
    assert len(champion.history) == 4


def test_old_models_are_deleted_by_command(armillary: Armillary, mine: Store, versions: list[Version]) -> None:
    said = armillary("models", "prune", SLUG)
    assert said.returncode == 0, said.stderr
    assert said.stdout == f"{SLUG}: 0 models deleted\n", "ten stay by default"
    assert armillary("models", "promote", SLUG, versions[2].version).returncode == 0
    said = armillary("models", "prune", SLUG, "--keep", "1")
    assert said.returncode == 0, said.stderr
    assert said.stdout == f"deleted {versions[0].version}\n{SLUG}: 1 models deleted\n"
    left = [version.version for version in list_versions(mine, SLUG)]
    assert left == [versions[2].version, versions[1].version], "the champion, and the one before"
    assert armillary("models", "prune", SLUG, "--keep", "0").returncode == 2


def test_a_champion_that_is_gone_is_told_with_the_way_out(
    armillary: Armillary, mine: Store, versions: list[Version]
) -> None:
    mine.delete_folder(model_key(SLUG, versions[1].version))
    listed = armillary("models")
    assert listed.returncode == 5
    assert f"{versions[1].version}, is not in the store" in listed.stderr
    assert versions[0].version in listed.stdout
    mine.put_json(champion_key(SLUG), "broken")
    listed = armillary("models")
    assert listed.returncode == 5
    assert "does not say which model is the champion" in listed.stderr
    assert armillary("models", "promote", SLUG, versions[0].version).returncode == 0
    assert armillary("models").returncode == 0


def test_what_is_wrong_is_said(armillary: Armillary, versions: list[Version]) -> None:
    for arguments, words in (
        (["models", "quasar-redshif"], "Did you mean 'quasar-redshift'?"),
        (["models", "promote", SLUG, "newest"], "'newest' is no version of a model."),
        (["models", "rollback", SLUG, versions[2].version], "never was the champion"),
    ):
        said = armillary(*arguments)
        assert said.returncode == 2
        assert words in said.stderr
        assert "Traceback" not in said.stderr


def test_a_store_that_is_down_is_exit_code_5(armillary: Armillary) -> None:
    for arguments in (["models"], ["models", "rollback", SLUG], ["predict", SLUG, "."]):
        said = armillary(*arguments, AWS_ENDPOINT_URL=NOWHERE)
        assert said.returncode == 5, said.stderr
        assert "does not answer" in said.stderr


def test_prediction_takes_the_champion_and_says_which(
    home: Path, mine: Store, versions: list[Version], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, name = command._model_folder(SLUG, "")
    assert folder == home / "downloads" / model_key(SLUG, versions[1].version)
    assert (folder / "model.json").read_text() == '{"kind": "none", "number": 1}'
    assert name == f"champion {versions[1].version}, tested on simulated data, trained by the run run-1"
    promote_by_hand(mine, SLUG, versions[2].version)
    assert command._model_folder(SLUG, "")[1].startswith(f"champion {versions[2].version}")
    folder, name = command._model_folder(SLUG, versions[0].version)
    assert folder.name == versions[0].version
    assert name == f"{versions[0].version}, tested on simulated data, trained by the run run-0"
    mine.delete_folder(f"{model_key(SLUG, versions[0].version)}/model.json")
    assert command._model_folder(SLUG, versions[0].version)[0] == folder  # fetched once: a version never changes


def test_without_a_champion_the_newest_run_is_asked(armillary: Armillary, tmp_path: Path) -> None:
    said = armillary("predict", SLUG, tmp_path)
    assert said.returncode == 2
    assert "No run of quasar-redshift has left a model yet." in said.stderr


def test_pruning_old_runs_leaves_the_models(
    run_toy: Callable[..., RunRecord], mine: Store, versions: list[Version], tmp_path: Path
) -> None:
    put_model(mine, "toy", tmp_path / "model-0", Facts())
    before = mine.list("models/")
    record = run_toy()
    publish(record, mine)
    assert prune("toy", mine, keep=0) == [record.run]
    assert mine.list("models/") == before

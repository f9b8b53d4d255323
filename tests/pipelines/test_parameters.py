"""From words on the command line to the typed parameters of a pipeline."""

import os
from pathlib import Path
from typing import Any

import pytest
import toy

from components.common.errors import InputError, ParameterError
from pipelines.catalogue import EXERCISES, Exercise
from pipelines.cosmic_parameters import DEFINITION as MAPS
from pipelines.fingerprint import combined, fingerprint
from pipelines.parameter_help import explain
from pipelines.parameters import parse_assignments, resolve
from pipelines.star_clusters import DEFINITION as CLUSTERS


def test_settings_win_over_the_preset_and_the_preset_over_the_signature() -> None:
    assert resolve(toy.DEFINITION, "demo", {})["rows"] == 7
    assert resolve(toy.DEFINITION, "demo", {"rows": "9"})["rows"] == 9
    assert resolve(toy.DEFINITION, "smoke", {})["seconds"] == 0.0


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("rows", "12", 12),
        ("rows", "1e3", 1000),
        ("rows", "9007199254740993", 9007199254740993),
        ("seconds", "2", 2.0),
        ("deep", "yes", True),
        ("deep", "False", False),
        ("kernels", "[7, 5]", [7, 5]),
        ("kernels", "7,5", [7, 5]),
        ("kernels", "7", [7]),
        ("kernels", "[]", []),
        ("fail", "a=b", "a=b"),
    ],
)
def test_values_take_the_type_of_the_signature(name: str, text: str, value: Any) -> None:
    found = resolve(toy.DEFINITION, "smoke", parse_assignments([f"{name}={text}"]))[name]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text", ["rows=x", "rows=nan", "rows=inf", "rows=", "seconds=fast", "deep=2", "kernels=[1,", "kernels=[[1]]"]
)
def test_values_of_another_type_are_refused(text: str) -> None:
    with pytest.raises(ParameterError, match=f"^{text.split('=')[0]}="):
        resolve(toy.DEFINITION, "smoke", parse_assignments([text]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epochs=0", "epochs is 0. Give at least 1."),
        ("simulations_missing=0", "There is no parameter"),
        ("batch_size=-3", "batch_size is -3. Give at least 1."),
        ("bootstrap=0", "bootstrap is 0. Give at least 1."),
        ("learning_rate=-0.1", "learning_rate is -0.1."),
        ("learning_rate=nan", "learning_rate=nan is not a finite number."),
        ("test_fraction=2", "test_fraction is 2.0. Give a fraction"),
        ("validation_fraction=-0.1", "validation_fraction is -0.1. Give a fraction"),
    ],
)
def test_numbers_that_a_later_stage_would_refuse_are_refused_before_the_first(text: str, said: str) -> None:
    with pytest.raises(ParameterError) as refused:
        resolve(MAPS, "smoke", parse_assignments([text]))
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.slug)
def test_every_preset_could_also_be_set_by_hand(exercise: Exercise) -> None:
    definition = exercise.load()
    for preset, values in definition.presets.items():
        assert resolve(definition, preset, values) == resolve(definition, preset, {})


@pytest.mark.parametrize("text", ["Mtot,HI", "[Mtot, HI]", '["Mtot", "HI"]'])
def test_lists_of_names_need_no_quotes(text: str) -> None:
    assert resolve(MAPS, "smoke", {"fields": text})["fields"] == ["Mtot", "HI"]


def test_the_defaults_of_a_pipeline_are_not_shared_between_runs() -> None:
    resolve(toy.DEFINITION, "smoke", {})["kernels"].append(99)
    assert resolve(toy.DEFINITION, "smoke", {})["kernels"] == [3, 2]


def test_data_are_named_absolutely_and_their_state_keys_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    found = resolve(toy.DEFINITION, "smoke", {"location": "data"})
    assert found["location"] == str(tmp_path / "data")
    assert found["data_version"] == fingerprint(tmp_path / "data")
    own = resolve(toy.DEFINITION, "smoke", {"location": "data", "data_version": "mine"})
    assert own["data_version"] == "mine"
    with pytest.raises(InputError, match=r"no file or folder .*elsewhere"):
        resolve(toy.DEFINITION, "smoke", {"location": "elsewhere"})


def test_files_between_commas_and_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(name)
    found = resolve(toy.DEFINITION, "smoke", {"location": "a.csv, b.csv"})
    assert found["location"] == f"{tmp_path / 'a.csv'},{tmp_path / 'b.csv'}"
    assert found["data_version"] == combined([fingerprint(tmp_path / name) for name in ("a.csv", "b.csv")])
    with pytest.raises(InputError, match=r"no file or folder .*c\.csv"):
        resolve(toy.DEFINITION, "smoke", {"location": "a.csv,c.csv"})
    there = resolve(toy.DEFINITION, "smoke", {"location": "s3://bucket/prefix"})
    assert (there["location"], there["data_version"]) == ("s3://bucket/prefix", "")


def test_a_catalogue_of_members_keys_the_cache_too(tmp_path: Path) -> None:
    members, stars = tmp_path / "members.csv", tmp_path / "stars.csv"
    members.write_text("source_id\n1\n")
    stars.write_text("source_id\n1\n2\n")
    options = {"members": str(members), "location": str(stars)}
    before = resolve(CLUSTERS, "smoke", options)["data_version"]
    assert before == resolve(CLUSTERS, "smoke", options)["data_version"]
    members.write_text("source_id\n1\n2\n")
    assert resolve(CLUSTERS, "smoke", options)["data_version"] != before
    assert resolve(CLUSTERS, "smoke", {"members": str(members)})["data_version"]


def test_the_fingerprint_sees_names_sizes_and_times(tmp_path: Path) -> None:
    file = tmp_path / "sub" / "a.fits"
    file.parent.mkdir()
    file.write_bytes(b"1234")
    seen = {fingerprint(tmp_path)}
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))
    seen.add(fingerprint(tmp_path))
    file.write_bytes(b"12345")
    os.utime(file, ns=(0, 10**18))
    seen.add(fingerprint(tmp_path))
    file = file.rename(file.with_name("b.fits"))
    seen.add(fingerprint(tmp_path))
    (tmp_path / "c").touch()
    seen.add(fingerprint(tmp_path))
    assert len(seen) == 5
    assert fingerprint(tmp_path) == fingerprint(tmp_path)
    assert fingerprint(file) == fingerprint(file)


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("source", "simluated", "Did you mean 'simulated'?"),
        ("selection", "stalks", "Choose one of: leaf, eom."),
        ("compare", "[hdbscan, kmean]", "Did you mean 'kmeans'?"),
    ],
)
def test_a_choice_that_there_is_not_is_refused_before_any_stage(name: str, value: str, remedy: str) -> None:
    with pytest.raises(ParameterError, match=f"{name}: there is no '") as caught:
        resolve(CLUSTERS, "smoke", {name: value})
    assert caught.value.remedy == remedy


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.slug)
def test_what_presets_choose_there_is(exercise: Exercise) -> None:
    chosen = [p for p in explain(exercise.load()) if p.choices]
    assert "source" in {parameter.name for parameter in chosen}
    for parameter in chosen:
        for value in (parameter.default, *parameter.presets.values()):
            assert {*([value] if isinstance(value, str) else value)} <= set(parameter.choices)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_is_refused_that_some_stage_could_not_take(seed: int) -> None:
    with pytest.raises(ParameterError, match=f"seed is {seed}"):
        resolve(CLUSTERS, "smoke", {"seed": seed})

"""The object store against a real SeaweedFS, and what it says when something is wrong."""

import json
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from monitoring import NOWHERE

from components.common.errors import StoreError
from components.common.store import ConflictError, NotInStoreError, Store, inside


def fill(folder: Path, sizes: Mapping[str, int]) -> dict[str, bytes]:
    """Write files of random bytes and return what they hold."""
    generator = np.random.default_rng(3)
    contents = {name: generator.bytes(size) for name, size in sizes.items()}
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return contents


def read(folder: Path) -> dict[str, bytes]:
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_a_folder_returns_byte_for_byte(store: Store, tmp_path: Path) -> None:
    # the large file goes in three parts
    contents = fill(tmp_path / "out", {"dataset.parquet": 40_000_000, "model/a.json": 10, "model/b/c.bin": 0})
    assert store.put_folder(tmp_path / "out", "runs/x/1/") == 40_000_010
    assert store.list("runs/x/1") == [f"runs/x/1/{name}" for name in sorted(contents)]
    assert store.list_folders("runs/x/1") == ["model"]
    store.get_folder("runs/x/1", tmp_path / "back")
    assert read(tmp_path / "back") == contents
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_folder_on_the_disk_is_replaced_and_not_merged(store: Store, tmp_path: Path) -> None:
    contents = fill(tmp_path / "out", {"new.json": 5})
    store.put_folder(tmp_path / "out", "models/m")
    fill(tmp_path / "back", {"old.json": 5})
    store.get_folder("models/m", tmp_path / "back")
    assert read(tmp_path / "back") == contents


def test_neighbours_with_the_same_beginning_are_left_alone(store: Store, tmp_path: Path) -> None:
    fill(tmp_path / "out", {"a": 1})
    store.put_folder(tmp_path / "out", "runs/1")
    store.put_folder(tmp_path / "out", "runs/10")
    assert read(store.get_folder("runs/1", tmp_path / "back")).keys() == {"a"}
    assert store.delete_folder("runs/1") == 1
    assert store.list() == ["runs/10/a"]


def test_half_written_files_stay_behind(store: Store, tmp_path: Path) -> None:
    fill(tmp_path / "out", {"a": 1, ".b.parquet.12ab34cd.part": 9, ".c.part.A1b2C3d4": 9, ".hidden": 2})
    store.put_folder(tmp_path / "out", "runs/1")
    assert store.list("runs/1") == ["runs/1/.hidden", "runs/1/a"]


def test_more_files_than_one_listing_holds(store: Store, tmp_path: Path) -> None:
    names = {f"spec-{n:04d}": 10 for n in range(1003)}
    fill(tmp_path / "out", names)
    store.put_folder(tmp_path / "out", "many")
    assert store.list("many/") == [f"many/{name}" for name in sorted(names)]
    assert store.delete_folder("many") == 1003
    assert store.list("many/") == []


def test_one_file(store: Store, tmp_path: Path) -> None:
    contents = fill(tmp_path, {"report.html": 1000})
    store.put_file(tmp_path / "report.html", "runs/1/report.html")
    assert store.exists("runs/1/report.html")
    assert (
        store.get_file("runs/1/report.html", tmp_path / "deep" / "r.html").read_bytes() == contents["report.html"]
    )
    store.delete("runs/1/report.html")
    assert not store.exists("runs/1/report.html")
    store.delete("runs/1/report.html")


def test_what_is_absent_is_named_and_leaves_nothing(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotInStoreError, match="has no models/none"):
        store.get_file("models/none", tmp_path / "none")
    with pytest.raises(NotInStoreError, match="has no models/"):
        store.get_folder("models", tmp_path / "models")
    with pytest.raises(NotInStoreError, match=r"has no champion\.json"):
        store.get_json("champion.json")
    with pytest.raises(StoreError, match=r"no file .*gone\.json"):
        store.put_file(tmp_path / "gone.json", "gone.json")
    with pytest.raises(StoreError, match=r"no folder .*gone"):
        store.put_folder(tmp_path / "gone", "gone")
    assert list(tmp_path.iterdir()) == []


def test_json_and_its_conditions(store: Store) -> None:
    first = store.put_json("champion.json", {"version": 1, "name": "größer"}, only_if_absent=True)
    document = store.get_json("champion.json")
    assert document.value == {"version": 1, "name": "größer"}
    assert document.etag == first
    with pytest.raises(ConflictError, match=r"champion\.json .* somebody else"):
        store.put_json("champion.json", {"version": 2}, only_if_absent=True)
    second = store.put_json("champion.json", {"version": 2}, if_match=first)
    with pytest.raises(ConflictError):
        store.put_json("champion.json", {"version": 3}, if_match=first)
    assert store.get_json("champion.json").etag == second
    with pytest.raises(ValueError, match="nan"):
        store.put_json("x.json", {"score": float("nan")})


def test_only_one_of_many_writers_is_first(store: Store) -> None:
    won = []

    def claim(number: int) -> None:
        try:
            store.put_json("lock.json", number, only_if_absent=True)
            won.append(number)
        except ConflictError:
            pass

    threads = [threading.Thread(target=claim, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [store.get_json("lock.json").value]


def test_json_that_is_none(store: Store, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("{")
    store.put_file(tmp_path / "x", "x.json")
    with pytest.raises(StoreError, match=r"x\.json in the store is not JSON"):
        store.get_json("x.json")


@pytest.mark.parametrize("name", ["../../escape.json", "a/../../b", "/etc/passwd"])
def test_a_key_that_would_leave_the_folder_is_refused(name: str) -> None:
    with pytest.raises(StoreError, match="outside of its folder"):
        inside(f"runs/{name}", "runs/")
    assert str(inside("runs/a/b..json", "runs/")) == "a/b..json"


def test_a_name_that_the_store_refuses(store: Store) -> None:
    with pytest.raises(StoreError, match=r"failed on runs/\.\./x: .*HTTP 400.* Correct the name"):
        store.put_json("runs/../x", 1)


def test_a_store_that_is_down(weed: Mapping[str, str]) -> None:
    with pytest.raises(StoreError, match=f"{NOWHERE} does not answer .*AWS_ENDPOINT_URL"):
        Store.from_environment({**weed, "AWS_ENDPOINT_URL": NOWHERE})


@pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_wrong_credentials_are_said_and_not_shown(weed: Mapping[str, str], variable: str) -> None:
    wrong = {**weed, variable: "not-what-it-should-be-x7"}
    with pytest.raises(StoreError, match="refuses the credentials") as caught:
        Store.from_environment(wrong)
    for secret in (wrong["AWS_SECRET_ACCESS_KEY"], weed["AWS_SECRET_ACCESS_KEY"]):
        assert secret not in str(caught.value)


def test_a_password_in_the_address_is_not_shown() -> None:
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    with pytest.raises(StoreError) as caught:
        Store.from_environment({**keys, "AWS_ENDPOINT_URL": "http://me:hunter2@127.0.0.1:9"})
    assert "hunter2" not in str(caught.value)
    assert "127.0.0.1:9" in str(caught.value)


def test_an_environment_that_names_no_store(weed: Mapping[str, str]) -> None:
    assert Store.if_configured({}) is None
    assert Store.if_configured(weed) is not None
    with pytest.raises(StoreError, match=r"AWS_SECRET_ACCESS_KEY not set.*armillary run"):
        Store.from_environment({k: v for k, v in weed.items() if k != "AWS_SECRET_ACCESS_KEY"})
    with pytest.raises(StoreError, match="'nonsense', which is not an address"):
        Store.from_environment({**weed, "AWS_ENDPOINT_URL": "nonsense"})


def test_a_bucket_name_that_is_none(weed: Mapping[str, str]) -> None:
    with pytest.raises(StoreError, match="ARMILLARY_BUCKET"):
        Store.from_environment({**weed, "ARMILLARY_BUCKET": "No such bucket!"})


def test_documents_are_readable_by_anyone_with_the_credentials(store: Store, tmp_path: Path) -> None:
    store.put_json("run.json", {"a": [1, 2]})
    assert json.loads(store.get_file("run.json", tmp_path / "run.json").read_text()) == {"a": [1, 2]}

"""Trained models in the store: `models/<slug>/<version>/`, each whole, named by its content, and never changed.

A version is the folder that a train stage wrote, and `version.json` beside its files, written last: a folder
without it is half stored. Which version is in use is another matter, see `components.common.champions`.
"""

import dataclasses
import hashlib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from components.common.errors import StoreError
from components.common.files import read_json
from components.common.store import NotInStoreError, Store

VERSION = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")
"""Time, UTC, and the beginning of the content's hash; in the order of their names, versions are in that of age."""

VERSION_FILE = "version.json"
_TIME = "%Y%m%d-%H%M%S"
_HASH_DIGITS = 8
_HALF_WRITTEN = re.compile(r"\..*\.part(\.\w+)?")


@dataclass(frozen=True)
class Facts:
    """What is known of a model when it is stored.

    Attributes
    ----------
    run : str
        Run that trained it; empty when that is unknown.
    origin : str
        Origin of the data that its scores are measured on: `real`, `semi-empirical` or `simulated`.
    headline : dict
        `name`, `value`, `low` and `high` of the score that the exercise is judged by.
    scores : dict
        As in the `metrics.json` of evaluate.
    parameters : dict
        How it was trained, as far as the model says.
    kind : str
        Kind of the model, as in its `model.json`.
    """

    run: str = ""
    origin: str = ""
    headline: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    kind: str = ""


@dataclass(frozen=True)
class Version:
    """A stored model: the content of `version.json`.

    Attributes
    ----------
    version : str
        Its name.
    created : str
        ISO 8601, UTC.
    contents : str
        Hash of the model folder.
    facts : Facts
        What was known of it.
    """

    version: str
    created: str
    contents: str
    facts: Facts

    def to_json(self) -> dict[str, Any]:
        """Return the content of `version.json`."""
        named = {"version": self.version, "created": self.created, "contents": self.contents}
        return named | dataclasses.asdict(self.facts)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Version":
        """Read what `to_json` wrote; what this version of the software does not know is left out."""
        known = {f.name for f in dataclasses.fields(Facts)}
        facts = Facts(**{name: value for name, value in values.items() if name in known})
        return cls(values["version"], values["created"], values["contents"], facts)


def model_key(slug: str, version: str) -> str:
    """Prefix of a version in the store."""
    return f"models/{slug}/{version}"


def hash_folder(folder: Path) -> str:
    """Hash the names and contents of the files below a folder, `version.json` and half-written ones apart."""
    digest = hashlib.sha256()
    files = (f for f in folder.rglob("*") if f.is_file() and not _HALF_WRITTEN.fullmatch(f.name))
    for name, path in sorted((f.relative_to(folder).as_posix(), f) for f in files):
        if name != VERSION_FILE:
            with path.open("rb") as file:
                digest.update(name.encode() + b"\0" + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def put_model(store: Store, slug: str, folder: Path, facts: Facts) -> Version:
    """Store a model folder and return its version; content that the store has already is not stored again.

    A pod that is started again finds what its predecessor stored, and completes what that left half done.

    Parameters
    ----------
    store : Store
        Where to.
    slug : str
        The exercise.
    folder : Path
        What a train stage wrote.
    facts : Facts
        What is known of it.
    """
    contents, now = hash_folder(folder), datetime.now(UTC)
    names = _names(store, slug)
    name = f"{_later_than(names, now):{_TIME}}-{contents[:_HASH_DIGITS]}"
    for known in names:
        if known.endswith(name[-_HASH_DIGITS:]):
            found = _read(store, slug, known)
            if found is None:
                name = known
            elif found.contents == contents:
                return found
    version = Version(name, now.isoformat(timespec="seconds"), contents, facts)
    store.put_folder(folder, model_key(slug, name))
    store.put_json(f"{model_key(slug, name)}/{VERSION_FILE}", version.to_json())
    return version


def read_version(store: Store, slug: str, version: str) -> Version:
    """Read what is known of a version.

    Raises
    ------
    StoreError
        When the store has no such version, or only a part of it.
    """
    found = _read(store, slug, version)
    if found is None:
        raise _absent(slug, version)
    return found


def list_versions(store: Store, slug: str) -> list[Version]:
    """Return the whole versions of an exercise's model, newest first."""
    found = [_read(store, slug, name) for name in reversed(_names(store, slug))]
    return [version for version in found if version is not None]


def delete_versions_before(
    store: Store, slug: str, oldest: str, spared: Callable[[], Collection[str]]
) -> list[str]:
    """Delete the versions that are older than one, half stored ones too, and return their names.

    Parameters
    ----------
    store, slug
        Of which exercise.
    oldest : str
        The oldest version that stays.
    spared : callable
        Names what stays all the same; asked before each deletion, since a champion may be chosen meanwhile.
    """
    gone = []
    for name in _names(store, slug):
        if name >= oldest or name in spared():
            continue
        store.delete(f"{model_key(slug, name)}/{VERSION_FILE}")  # first: what is left of it is no version then
        if store.delete_folder(model_key(slug, name)):  # some stores go on listing a folder that is empty
            gone.append(name)
    return gone


def fetch_model(store: Store, slug: str, version: str, folder: Path) -> Path:
    """Download a version into `folder`, which exists only when it is whole, and check its content.

    Raises
    ------
    StoreError
        When the store has no such version, or its files are not those that were stored.
    """
    wanted = read_version(store, slug, version).contents
    try:
        store.get_folder(model_key(slug, version), folder)
    except NotInStoreError as error:
        raise _absent(slug, version) from error
    if hash_folder(folder) != wanted:
        raise StoreError(
            f"The files of {model_key(slug, version)} in the store are not those that were stored.",
            f"Go back to another version with `armillary models rollback {slug}`, or choose one with "
            f"`armillary models promote {slug} VERSION`.",
        )
    return folder


def read_model_json(folder: Path) -> dict[str, Any]:
    """Read the `model.json` of a model folder; empty where it has none."""
    path = folder / "model.json"
    content: dict[str, Any] = read_json(path) if path.is_file() else {}
    return content


def _names(store: Store, slug: str) -> Sequence[str]:
    return [name for name in store.list_folders(f"models/{slug}") if VERSION.fullmatch(name)]


def _later_than(names: Sequence[str], now: datetime) -> datetime:
    """Return the present, or the second after the newest version: the hash says nothing of who came first."""
    if not names:
        return now
    newest = datetime.strptime(max(names)[: -_HASH_DIGITS - 1], _TIME).replace(tzinfo=UTC)
    return max(now, newest + timedelta(seconds=1))


def _read(store: Store, slug: str, version: str) -> Version | None:
    key = f"{model_key(slug, version)}/{VERSION_FILE}"
    try:
        return Version.from_json(store.get_json(key).value)
    except NotInStoreError:
        return None
    except (KeyError, TypeError) as error:
        raise StoreError(
            f"{key} in the store does not describe a model: {error!r}.",
            f"Restore it, or delete {model_key(slug, version)} from the store.",
        ) from error


def _absent(slug: str, version: str) -> StoreError:
    return StoreError(
        f"The store has no model {model_key(slug, version)}.",
        f"`armillary models {slug}` lists those that it has; choose one with `armillary models promote {slug} "
        f"VERSION`, or go back with `armillary models rollback {slug}`.",
    )

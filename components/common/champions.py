"""Which version of a model is in use: `models/<slug>/champion.json`, a pointer that moves by conditional writes.

Whoever moves it says which state of it they read. Of two at once the second is refused and has to decide anew, so
that no move is lost and the history holds each of them once.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from components.common.errors import ParameterError, StoreError
from components.common.models import Version, delete_versions_before, list_versions, read_version
from components.common.store import NotInStoreError, Store

Action = Literal["promote", "rollback"]


class BrokenPointerError(StoreError):
    """A `champion.json` that does not say which version is the champion."""


@dataclass(frozen=True)
class Champion:
    """The content of `champion.json`.

    Attributes
    ----------
    version : str
        Model in use.
    promoted_at : str
        ISO 8601, UTC.
    run : str
        Run that trained it.
    origin : str
        Origin of the data that it was tested on.
    headline : dict
        Its own score, `name`, `value`, `low` and `high`, when it was stored.
    difference : dict or None
        How much better than the champion before: `value`, `low`, `high`; None where nothing was compared.
    history : list of dict
        `version`, `promoted_at`, `action` and `reason` of every move, oldest first; the last one led here.
    etag : str
        State that was read, for the next move; not stored.
    """

    version: str
    promoted_at: str
    run: str
    origin: str
    headline: Mapping[str, Any]
    difference: Mapping[str, float] | None
    history: Sequence[Mapping[str, str]]
    etag: str = field(default="", compare=False)

    def to_json(self) -> dict[str, Any]:
        """Return the content of `champion.json`."""
        return {name: value for name, value in dataclasses.asdict(self).items() if name != "etag"}

    @property
    def previous(self) -> str:
        """Champion before this one, as if what was rolled back had never been; empty where there was none."""
        line: list[str] = []
        for move in self.history:
            if move.get("action") == "rollback" and move["version"] in line:
                del line[len(line) - line[::-1].index(move["version"]) :]
            else:
                line.append(move["version"])
        return next((version for version in reversed(line) if version != self.version), "")


def champion_key(slug: str) -> str:
    """Name of the pointer in the store."""
    return f"models/{slug}/champion.json"


def read_champion(store: Store, slug: str) -> Champion | None:
    """Read the pointer; None where no model was ever promoted.

    Raises
    ------
    BrokenPointerError
        When it does not say which version is the champion.
    """
    try:
        document = store.get_json(champion_key(slug))
        values = document.value
        named = {f.name: values[f.name] for f in dataclasses.fields(Champion) if f.name != "etag"}
        if not (isinstance(values["version"], str) and isinstance(values["history"], list)):
            raise TypeError("version is no text, or history no list")
    except NotInStoreError:
        return None
    except (KeyError, TypeError) as error:
        raise _broken(slug, f"{error!r}") from error
    except StoreError as error:
        if not isinstance(error.__cause__, ValueError):
            raise
        raise _broken(slug, "it is not JSON") from error
    return Champion(**named, etag=document.etag)


def move_champion(
    store: Store,
    slug: str,
    before: Champion | None,
    version: Version,
    reason: str,
    difference: Mapping[str, float] | None = None,
    action: Action = "promote",
) -> Champion:
    """Make a version the champion, provided that the pointer is still as it was read.

    Parameters
    ----------
    store, slug
        Of which exercise.
    before : Champion or None
        What was read; None where there was no champion.
    version : Version
        A whole version of the store.
    reason : str
        Why, for the history.
    difference : mapping, optional
        By how much it is better than the champion before.
    action : {"promote", "rollback"}
        Whether this goes forward or back.

    Raises
    ------
    ConflictError
        When somebody else moved it in the meantime.
    """
    champion = _next(before, version, reason, difference, action)
    condition: dict[str, Any] = {"if_match": before.etag} if before else {"only_if_absent": True}
    etag = store.put_json(champion_key(slug), champion.to_json(), **condition)
    return dataclasses.replace(champion, etag=etag)


def roll_back(store: Store, slug: str, version: str = "") -> Champion:
    """Make an earlier champion the champion again.

    Parameters
    ----------
    store, slug
        Of which exercise.
    version : str
        Which; by default the champion before the present one.

    Raises
    ------
    ParameterError
        When there is no earlier champion, or the version never was one.
    """
    now = read_champion(store, slug)
    wanted = version or (now.previous if now else "")
    if now is None or not wanted:
        raise ParameterError(
            f"There is no earlier champion of {slug} to go back to.",
            f"`armillary models {slug}` lists them; choose one with `armillary models promote {slug} VERSION`.",
        )
    if wanted == now.version:
        raise ParameterError(
            f"{wanted} is the champion already.", f"Name another version; `armillary models {slug}` lists them."
        )
    if wanted not in [move["version"] for move in now.history]:
        raise ParameterError(
            f"{wanted} never was the champion of {slug}.",
            f"Make it one with `armillary models promote {slug} {wanted}`.",
        )
    found = read_version(store, slug, wanted)
    return move_champion(store, slug, now, found, f"rolled back from {now.version}", action="rollback")


def promote_by_hand(store: Store, slug: str, version: str) -> Champion:
    """Make a version the champion without a comparison; also mends a pointer that is broken."""
    found = read_version(store, slug, version)
    try:
        now = read_champion(store, slug)
    except BrokenPointerError:
        # No state to build on: this is the one write without a condition.
        champion = _next(None, found, "promoted by hand in place of a broken pointer", None, "promote")
        return dataclasses.replace(champion, etag=store.put_json(champion_key(slug), champion.to_json()))
    if now is not None and now.version == version:
        raise ParameterError(
            f"{version} is the champion already.", f"Name another version; `armillary models {slug}` lists them."
        )
    return move_champion(store, slug, now, found, "promoted by hand")


def prune_models(store: Store, slug: str, keep: int) -> list[str]:
    """Delete all but the newest models, the champion, and the champion that a rollback would return to.

    Parameters
    ----------
    store, slug
        Of which exercise.
    keep : int
        How many of the newest stay, at least one.

    Returns
    -------
    list of str
        The versions that were deleted, oldest first.

    Raises
    ------
    BrokenPointerError
        When it is not known which model is in use; nothing is deleted then.
    """
    if keep < 1:
        raise ParameterError(f"{keep} models cannot be kept.", "Keep at least one.")

    def in_use() -> set[str]:
        champion = read_champion(store, slug)
        return {champion.version, champion.previous} if champion else set()

    in_use()  # a broken pointer is told before anything happens
    newest = list_versions(store, slug)[:keep]
    return delete_versions_before(store, slug, newest[-1].version, in_use) if len(newest) == keep else []


def _next(
    before: Champion | None,
    version: Version,
    reason: str,
    difference: Mapping[str, float] | None,
    action: Action,
) -> Champion:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    move = {"version": version.version, "promoted_at": now, "action": action, "reason": reason}
    return Champion(
        version=version.version,
        promoted_at=now,
        run=version.facts.run,
        origin=version.facts.origin,
        headline=version.facts.headline,
        difference=difference,
        history=[*(before.history if before else []), move],
    )


def _broken(slug: str, why: str) -> BrokenPointerError:
    return BrokenPointerError(
        f"{champion_key(slug)} in the store does not say which model is the champion: {why}.",
        f"Choose one with `armillary models promote {slug} VERSION`; `armillary models {slug}` lists them.",
    )

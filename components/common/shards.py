"""A share of a data set: how it is cut, and how a part says which part it is.

Rows are cut between batches, never within one. What a stage writes batch by batch then has the same row groups
whether it was cut or not, and a simulator can give each batch random numbers of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from components.common.errors import InputError, ParameterError

_KEY = "shard"


@dataclass(frozen=True)
class Shard:
    """One share of several.

    Attributes
    ----------
    number : int
        Which one, from 0.
    count : int
        How many there are; 1 is the whole.
    """

    number: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        if self.count < 1 or not 0 <= self.number < self.count:
            raise ParameterError(
                f"There is no shard {self.number} of {self.count}.", "Number the shards from 0 to shards - 1."
            )

    @property
    def is_first(self) -> bool:
        """Whether it counts what belongs to no share, such as rows that were dropped before the cut."""
        return self.number == 0

    @property
    def is_whole(self) -> bool:
        """Whether there is only this one."""
        return self.count == 1

    def rows(self, total: int, per_batch: int) -> range:
        """Return the rows of this share; those of all shares, in order, are `range(total)`.

        Parameters
        ----------
        total : int
            Rows in all.
        per_batch : int
            Rows that stay together. There are empty shares where there are fewer batches than shares.
        """
        batches = -(-total // per_batch)
        first, last = (batches * number // self.count for number in (self.number, self.number + 1))
        return range(min(first * per_batch, total), min(last * per_batch, total))

    def stage_name(self, stage: str) -> str:
        """Name of the stage that makes it: `ingest` for the whole, `ingest-3` for a share."""
        return stage if self.is_whole else f"{stage}-{self.number}"

    def to_settings(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a table of this share says about itself; a whole table says nothing.

        Parameters
        ----------
        request : mapping
            What was asked, JSON-able and equal for all shares: those of another request are not to be mixed in.
        """
        if self.is_whole:
            return {}
        return {_KEY: {"number": self.number, "count": self.count, "request": dict(request)}}

    @staticmethod
    def without(settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings of a table but for what `to_settings` put in."""
        return {name: value for name, value in settings.items() if name != _KEY}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], where: str) -> tuple["Shard", dict[str, Any]]:
        """Read what `to_settings` wrote: the share, and the request.

        Raises
        ------
        InputError
            When the table is of no share; `where` names it.
        """
        if _KEY not in settings:
            raise InputError(
                f"{where} does not say which shard it is.", "Give the tables of an ingest with shards above 1."
            )
        return cls(settings[_KEY]["number"], settings[_KEY]["count"]), settings[_KEY]["request"]


class Sharded:
    """What the settings of every ingest have in common: dataclasses with the fields `shard` and `shards`."""

    shard: int
    shards: int

    @property
    def part(self) -> Shard:
        """The part to write."""
        return Shard(self.shard, self.shards)

    @property
    def request(self) -> dict[str, Any]:
        """What is asked of all parts together, as JSON."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()} | {"shard": None}

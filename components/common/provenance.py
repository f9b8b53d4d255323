"""Where a data set comes from and what was done to it, carried inside every artifact."""

import dataclasses
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

from components.common.errors import InputError

Origin = Literal["real", "semi-empirical", "simulated"]


def code_version() -> str:
    """Version of the installed distribution, for the record."""
    try:
        return version("armillary")
    except PackageNotFoundError:
        return "source tree"


@dataclass(frozen=True)
class Provenance:
    """The history of a data set.

    Attributes
    ----------
    origin : {"real", "semi-empirical", "simulated"}
        `semi-empirical` means real catalogue rows with synthetic pixels.
    archive : str
        Who provided the data: a survey's archive, a folder, or the simulator.
    query : str
        What was asked, such that it can be asked again.
    release : str
        Data release, or version of the simulator.
    retrieved_at : str
        ISO 8601 time, UTC, of the retrieval.
    requested, received : int
        Rows asked for and rows that arrived.
    rejected : mapping of str to int
        Number of rows dropped since, by reason.
    sha256 : str
        Hash of the source, where the source is one file.
    seed : int or None
        Seed of the simulator or of the sampling.
    code_version : str
        Version of this software.
    notes : tuple of str
        What a reader should know before using the numbers.
    """

    origin: Origin
    archive: str
    query: str = ""
    release: str = ""
    retrieved_at: str = ""
    requested: int = 0
    received: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    sha256: str = ""
    seed: int | None = None
    code_version: str = field(default_factory=code_version)
    notes: tuple[str, ...] = ()

    def with_rejected(self, more: Mapping[str, int]) -> "Provenance":
        """Return a copy whose rejection counts include `more`."""
        return dataclasses.replace(self, rejected=dict(Counter(self.rejected) + Counter(more)))

    def to_json(self) -> str:
        """Serialise to one line of JSON."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Provenance":
        """Read what `to_json` wrote."""
        values: dict[str, Any] = json.loads(text)
        return cls(**{**values, "notes": tuple(values["notes"])})


_OF_THE_REQUEST = ("origin", "archive", "query", "release", "sha256", "seed", "code_version")


def merged(parts: Sequence[Provenance]) -> Provenance:
    """Return the provenance of parts of one data set taken together.

    Counts are added up, notes united, and the earliest retrieval counts.

    Raises
    ------
    InputError
        When the parts are not of one data set; names what differs.
    """
    first = parts[0]
    for number, part in enumerate(parts):
        for name in _OF_THE_REQUEST:
            if getattr(part, name) != getattr(first, name):
                raise InputError(
                    f"Part {number} has another {name} than part 0: {getattr(part, name)!r}, not "
                    f"{getattr(first, name)!r}.",
                    "Merge the parts of one run only; run again if the source changed meanwhile.",
                )
    return dataclasses.replace(
        first,
        retrieved_at=min(part.retrieved_at for part in parts),
        requested=sum(part.requested for part in parts),
        received=sum(part.received for part in parts),
        rejected=dict(sum((Counter(part.rejected) for part in parts), Counter())),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )

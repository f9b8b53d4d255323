"""The grammar of gz2_class, the strings that sum up the votes of Galaxy Zoo 2.

    class     = smooth odd? | edge_on odd? | disc odd? | "A"
    smooth    = "E" ("r" | "i" | "c")                        completely round, in between, cigar-shaped
    edge_on   = "Se" ("r" | "b" | "n")                       bulge rounded, boxy, none
    disc      = "S" "B"? ("d" | "c" | "b" | "a") arms?       bar; bulge none, just noticeable, obvious, dominant
    arms      = ("1" | "2" | "3" | "4" | "+" | "?") ("t" | "m" | "l")    number; winding tight, medium, loose
    odd       = "(" ("r" | "l" | "d" | "i" | "o" | "m" | "u") ")"
                                 ring, lens or arc, disturbed, irregular, other, merger, dust lane

The letters of bulges run against Hubble's: "Sa" is a disc whose bulge dominates, "Sd" one without a bulge.
(Willett et al. 2013, MNRAS 435, 2835, appendix.)
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError, ParameterError

Strings = npt.NDArray[np.object_]

ARTEFACT = "A"
SMOOTH = ("Er", "Ei", "Ec")
EDGE_ON = ("Ser", "Seb", "Sen")
DISCS = ("Sa", "Sb", "Sc", "Sd")
BARRED = ("SBa", "SBb", "SBc", "SBd")
TRUNKS = (*SMOOTH, *EDGE_ON, *DISCS, *BARRED)
"""Classes without arms and odd features, but for artefacts: what all levels are merged from."""

_GRAMMAR = re.compile(
    r"(?:(?P<trunk>E[ric]|Se[rbn]|SB?[dcba])(?P<arms>(?<=[dcba])[1234+?][tml])?(?:\((?P<odd>[rldiomu])\))?"
    r"|(?P<artefact>A))"
)

LEVELS = ("2", "3", "7", "n")
_MERGES: dict[str, dict[str, tuple[str, ...]]] = {
    "2": {"smooth": SMOOTH, "disc": (*EDGE_ON, *DISCS, *BARRED)},
    "3": {"E": SMOOTH, "S": (*EDGE_ON, *DISCS), "SB": BARRED},
    "7": {
        "E": SMOOTH,
        "Se": EDGE_ON,
        "Sa": ("Sa",),
        "Sb": ("Sb",),
        "Sc": ("Sc", "Sd"),
        "SBa": ("SBa", "SBb"),
        "SBc": ("SBc", "SBd"),
    },
    "n": {trunk: (trunk,) for trunk in TRUNKS},
}


@dataclass(frozen=True)
class Parsed:
    """A column of class strings, taken apart; where a string has no such part there is an empty one.

    Attributes
    ----------
    trunk : ndarray of str
        One of `TRUNKS`, or "A".
    arms, winding, odd : ndarray of str
        One letter each.
    """

    trunk: Strings
    arms: Strings
    winding: Strings
    odd: Strings

    def __len__(self) -> int:
        return len(self.trunk)


def is_valid(text: object) -> bool:
    """Tell whether the grammar knows a string."""
    return isinstance(text, str) and _GRAMMAR.fullmatch(text.strip()) is not None


def parse(strings: Sequence[str] | npt.NDArray[Any], first_row: int = 0) -> Parsed:
    """Take a whole column apart; each different string is looked at once.

    Parameters
    ----------
    strings : sequence of str, length n
        The column; spaces around a string do not matter.
    first_row : int
        Number of the first row in the file, for messages.

    Raises
    ------
    InputError
        For a string that the grammar does not know: names the first such row and its string.
    """
    column = np.asarray(strings, dtype=object)
    texts = np.array(["" if value is None else str(value).strip() for value in column.tolist()], dtype=object)
    if not texts.size:
        return Parsed(texts, texts, texts, texts)
    kinds, member = np.unique(texts.astype(np.str_), return_inverse=True)
    parts = []
    for number, text in enumerate(kinds.tolist()):
        match = _GRAMMAR.fullmatch(text)
        if match is None:
            row = int(np.argmax(member == number))
            raise InputError(
                f"Row {first_row + row} has the gz2_class {text!r}, which is not in the grammar of Galaxy Zoo 2.",
                "Correct it, or leave the row out; classes look like Er, Sen, Sc2m(r), SBb?t or A.",
            )
        arms = match["arms"] or ""
        parts.append((match["trunk"] or ARTEFACT, arms[:1], arms[1:], match["odd"] or ""))
    table = np.array(parts, dtype=object)[member.reshape(-1)]
    return Parsed(*(table[:, i] for i in range(4)))


def merges(level: str) -> dict[str, tuple[str, ...]]:
    """Tell which trunks each class of a level is made of.

    Levels: 2 (smooth or disc), 3 (E, S, SB), 7 (E, Se, Sa, Sb, Sc with d, SBa with b, SBc with d) and n (all 14
    trunks). Arms and odd features are dropped at every level, and artefacts belong to none.
    """
    if level not in _MERGES:
        raise ParameterError(f"There is no level {level!r} of classes.", f"Choose one of {', '.join(LEVELS)}.")
    return dict(_MERGES[level])


def simplify(parsed: Parsed, level: str) -> Strings:
    """Return the class of each row at a level, "" for artefacts, which are of no class.

    Parameters
    ----------
    parsed : Parsed
        Made by `parse`.
    level : {"2", "3", "7", "n"}
        How many classes there are; see `merges`.
    """
    names = {trunk: name for name, trunks in merges(level).items() for trunk in trunks}
    return np.array([names.get(trunk, "") for trunk in parsed.trunk.tolist()], dtype=object)

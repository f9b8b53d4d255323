"""Numbers in sentences: counts with their nouns, and the signs that a printed page sets."""

import re

_PERCENT = re.compile(r"(?<=\d)[ \u00a0]?%")
_MINUS = re.compile(r"(?<![\w.,)\]-])-(?=\d)")


def counted(number: int, one: str, many: str = "") -> str:
    """Write a count with its noun: "no spectra", "1 spectrum", "12 000 spectra".

    Parameters
    ----------
    number : int
        How many.
    one : str
        Noun in the singular.
    many : str
        In the plural; the singular with an s where it is not given.
    """
    noun = one if number == 1 else many or f"{one}s"
    return f"{'no' if number == 0 else grouped(number)}\u00a0{noun}"


def grouped(number: float) -> str:
    """Write a whole number with a thin space between thousands."""
    return f"{number:,.0f}".replace("-", "\N{MINUS SIGN}").replace(",", "\u202f")


def typeset(text: str) -> str:
    """Set percent signs off by a thin space that does not break, and write a true minus before a number."""
    return _MINUS.sub("\N{MINUS SIGN}", _PERCENT.sub("\u202f%", text))

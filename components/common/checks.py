"""What the settings of stages are checked for, in the same words everywhere, before hours of work."""

from collections.abc import Collection, Iterable
from typing import Any

from components.common.errors import ParameterError


def require_one_of(known: Collection[Any], /, **values: Any) -> None:
    """Refuse a value that is none of those that are known: `require_one_of(SOURCES, source=self.source)`."""
    for name, value in values.items():
        if value not in known:
            raise ParameterError(
                f"There is no {name} {value!r}.", f"Choose one of {', '.join(str(choice) for choice in known)}."
            )


def require_at_least(least: float, /, **values: float | Iterable[float]) -> None:
    """Refuse a number, or a list with a number, that is smaller."""
    for name, value in values.items():
        numbers = value if isinstance(value, Iterable) else [value]
        if not all(number >= least for number in numbers):
            raise ParameterError(f"{name} is {value}.", f"Give at least {least:g}.")


def require_positive(**values: float) -> None:
    """Refuse a number that is not above 0."""
    for name, value in values.items():
        if not value > 0:
            raise ParameterError(f"{name} is {value}.", "Give a number above 0.")


def require_between(low: float, high: float, /, **values: float) -> None:
    """Refuse a number outside an interval that has both of its ends."""
    for name, value in values.items():
        if not low <= value <= high:
            raise ParameterError(f"{name} is {value}.", f"Give a number between {low:g} and {high:g}.")


def require_dropout(dropout: float) -> None:
    """Refuse a probability of leaving out that leaves nothing in."""
    if not 0 <= dropout < 1:
        raise ParameterError(f"dropout is {dropout}.", "Give a number of at least 0 and below 1.")

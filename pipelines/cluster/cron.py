"""The cron expressions of Kubeflow, checked before they are sent.

The controller reads them with robfig/cron, version 1 (kubeflow/pipelines,
backend/src/crd/controller/scheduledworkflow/util/cron_schedule.go): six fields, seconds first, and the last one,
the day of the week, may be missing. So an ordinary expression of five fields is accepted and means something
else: `0 3 * * *`, three in the morning to everybody else, would retrain at three minutes past every hour.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from components.common.errors import ParameterError

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_YEARS_AHEAD = 5  # the controller looks no further


@dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()


_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 6, _DAYS),
)


@dataclass(frozen=True)
class Cron:
    """An expression that Kubeflow reads as it was meant.

    Attributes
    ----------
    text : str
        The expression, its fields parted by single spaces.
    values : tuple of frozenset of int
        What each field allows.
    any_day : tuple of bool
        Whether day of the month and day of the week begin with a star; both have to fit if either does, else one
        of the two.
    """

    text: str
    values: tuple[frozenset[int], ...]
    any_day: tuple[bool, bool]

    def firings(self, after: datetime) -> Iterator[datetime]:
        """Give the firings after a moment, UTC, as far as the controller looks ahead."""
        seconds, minutes, hours, *_ = (sorted(values) for values in self.values)
        day = after.replace(hour=0, minute=0, second=0, microsecond=0)
        for number in range(366 * _YEARS_AHEAD):
            date = day + timedelta(days=number)
            if not self._fits(date):
                continue
            for hour in hours:
                for minute in minutes:
                    for second in seconds:
                        if (moment := date.replace(hour=hour, minute=minute, second=second)) > after:
                            yield moment

    def _fits(self, date: datetime) -> bool:
        _, _, _, days, months, weekdays = self.values
        if date.month not in months:
            return False
        in_month, in_week = date.day in days, (date.weekday() + 1) % 7 in weekdays
        return (in_month and in_week) if any(self.any_day) else (in_month or in_week)


def parse_cron(text: str) -> Cron:
    """Read an expression of six fields.

    Raises
    ------
    ParameterError
        For anything that Kubeflow would refuse, read otherwise, or never fire.
    """
    parts = text.split()
    if len(parts) == 5:
        raise ParameterError(
            f"{text!r} has five fields; Kubeflow's have six, seconds first, and it would read these otherwise.",
            f'For what cron elsewhere means by it, write "0 {" ".join(parts)}".',
        )
    if len(parts) != len(_FIELDS):
        raise ParameterError(
            f"{text!r} has {len(parts)} fields instead of six.",
            'Write second, minute, hour, day of the month, month, day of the week, UTC: "0 0 3 * * *".',
        )
    values = tuple(_values(part, field) for part, field in zip(parts, _FIELDS, strict=True))
    if len(values[0]) > 1:
        raise ParameterError(
            f"{text!r} fires {len(values[0])} times a minute.", "Give one second, such as 0, in the first field."
        )
    cron = Cron(" ".join(parts), values, (_has_star(parts[3]), _has_star(parts[5])))
    if not list(islice(cron.firings(datetime.now(UTC)), 1)):
        raise ParameterError(f"{text!r} never fires: there is no such day.", "Correct its day and month.")
    return cron


def _has_star(part: str) -> bool:
    return any(item[0] in "*?" for item in part.split(","))


def _values(part: str, field: _Field) -> frozenset[int]:
    allowed: set[int] = set()
    for item in part.split(","):
        allowed.update(_range(item, field))
    return frozenset(allowed)


def _range(item: str, field: _Field) -> range:
    span, slash, step_text = item.partition("/")
    low_text, dash, high_text = span.partition("-")
    if span in ("*", "?"):
        low, high = field.low, field.high
    else:
        low = _number(low_text, field)
        high = _number(high_text, field) if dash else field.high if slash else low
    step = int(step_text) if _is_number(step_text) else 0 if slash else 1
    if step < 1:
        raise ParameterError(f"{item!r} in the field {field.name} has no step.", "Write a number after the slash.")
    if low > high:
        raise ParameterError(f"{item!r} in the field {field.name} runs backwards.", "Part it with a comma.")
    return range(low, high + 1, step)


def _number(text: str, field: _Field) -> int:
    if text.lower() in field.words:
        return field.words.index(text.lower()) + field.low
    if not _is_number(text) or not field.low <= int(text) <= field.high:
        words = f", or {field.words[0]} to {field.words[-1]}" if field.words else ""
        raise ParameterError(
            f"{text!r} is no {field.name}.", f"Use {field.low} to {field.high}{words}, ranges, steps or a star."
        )
    return int(text)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()

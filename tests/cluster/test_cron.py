"""Cron expressions as Kubeflow's controller reads them."""

from datetime import UTC, datetime
from itertools import islice

import pytest

from components.common.errors import ParameterError
from pipelines.cluster.cron import parse_cron

THURSDAY = datetime(2026, 1, 1, 12, 30, 15, tzinfo=UTC)


def first(text: str, count: int = 3) -> list[str]:
    return [f"{m:%Y-%m-%d %H:%M:%S}" for m in islice(parse_cron(text).firings(THURSDAY), count)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 0 3 * * *", ["2026-01-02 03:00:00", "2026-01-03 03:00:00", "2026-01-04 03:00:00"]),
        ("15 30 12 * * *", ["2026-01-02 12:30:15", "2026-01-03 12:30:15", "2026-01-04 12:30:15"]),
        ("0 0 */6 * * *", ["2026-01-01 18:00:00", "2026-01-02 00:00:00", "2026-01-02 06:00:00"]),
        ("0 40/10 12 * * *", ["2026-01-01 12:40:00", "2026-01-01 12:50:00", "2026-01-02 12:40:00"]),
        ("0 0 1-3,5 * * mon-fri", ["2026-01-02 01:00:00", "2026-01-02 02:00:00", "2026-01-02 03:00:00"]),
        ("0 0 0 * * Sun", ["2026-01-04 00:00:00", "2026-01-11 00:00:00", "2026-01-18 00:00:00"]),
        ("0 0 0 1 JAN,jul ?", ["2026-07-01 00:00:00", "2027-01-01 00:00:00", "2027-07-01 00:00:00"]),
        # Where both days are given, one of them suffices; the 13th and Fridays.
        ("0 0 0 13 * 5", ["2026-01-02 00:00:00", "2026-01-09 00:00:00", "2026-01-13 00:00:00"]),
        # With a star in one of them, both have to fit, also when the star has a step.
        ("0 0 0 */2 * 5", ["2026-01-09 00:00:00", "2026-01-23 00:00:00", "2026-02-13 00:00:00"]),
        ("0 0 0 29 2 *", ["2028-02-29 00:00:00"]),
    ],
)
def test_firings(text: str, expected: list[str]) -> None:
    assert first(text, len(expected)) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 3 * * *", 'write "0 0 3 * * *"'),
        ("", "0 fields"),
        ("@daily", "1 fields"),
        ("0 0 0 3 * * *", "7 fields"),
        ("0 60 3 * * *", "'60' is no minute"),
        ("0 0 24 * * *", "'24' is no hour"),
        ("0 0 3 0 * *", "'0' is no day of the month"),
        ("0 0 3 * 13 *", "'13' is no month"),
        ("0 0 3 * * 7", "'7' is no day of the week"),
        ("0 0 3 * * mond", "0 to 6, or sun to sat"),
        ("0 0 3 * * fri-mon", "runs backwards"),
        ("0 */0 3 * * *", "has no step"),
        ("0 0/x 3 * * *", "has no step"),
        ("0 1,,2 3 * * *", "'' is no minute"),
        ("0 -1 3 * * *", "'' is no minute"),
        ("* 0 3 * * *", "fires 60 times a minute"),
        ("0 0 3 31 2 *", "never fires"),
    ],
)
def test_what_kubeflow_would_refuse_or_misread_is_refused_here(text: str, words: str) -> None:
    with pytest.raises(ParameterError) as caught:
        parse_cron(text)
    assert words in str(caught.value)


def test_what_is_sent_has_single_spaces() -> None:
    assert parse_cron("  0 0   3 * * * ").text == "0 0 3 * * *"

"""Settings that cannot be are refused by name, with what could be."""

import math

import pytest

from components.common.checks import (
    require_at_least,
    require_between,
    require_dropout,
    require_one_of,
    require_positive,
)
from components.common.errors import ParameterError


def test_what_can_be_is_let_through() -> None:
    require_one_of(("files", "archive"), source="files")
    require_one_of((32, 64), grid=64)
    require_at_least(1, epochs=1, kernels=[1, 2, 3], rate=1.5)
    require_positive(rate=1e-9)
    require_between(0, 1, share=0.0, other=1)
    require_dropout(0.0)


@pytest.mark.parametrize(
    ("check", "problem", "remedy"),
    [
        (lambda: require_one_of(("a", "b"), source="c"), "There is no source 'c'.", "Choose one of a, b."),
        (lambda: require_one_of((32, 64), grid=48), "There is no grid 48.", "Choose one of 32, 64."),
        (lambda: require_at_least(1, patience=3, epochs=0), "epochs is 0.", "Give at least 1."),
        (lambda: require_at_least(1, kernels=[3, 0, 3]), r"kernels is \[3, 0, 3\].", "Give at least 1."),
        (lambda: require_at_least(0, weight=math.nan), "weight is nan.", "Give at least 0."),
        (lambda: require_positive(learning_rate=0.0), "learning_rate is 0.0.", "Give a number above 0."),
        (lambda: require_positive(learning_rate=math.nan), "learning_rate is nan.", "above 0"),
        (lambda: require_between(0, 1, share=1.01), "share is 1.01.", "between 0 and 1"),
        (lambda: require_between(0, 1, share=math.nan), "share is nan.", "between 0 and 1"),
        (lambda: require_dropout(1.0), "dropout is 1.0.", "below 1"),
        (lambda: require_dropout(-0.1), "dropout is -0.1.", "at least 0"),
    ],
)
def test_what_cannot_be_is_named(check, problem: str, remedy: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ParameterError, match=problem) as caught:
        check()
    assert remedy in caught.value.remedy

"""No group is divided, and no row moves when others come."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from components.common.errors import InputError, ParameterError
from components.common.splits import Splits, assign_splits

GROUPS = [f"object {n}" for n in range(4000)]


@settings(max_examples=60, deadline=None)
@given(
    members=st.lists(st.integers(0, 400), min_size=300, max_size=900),
    seed=st.integers(-(2**63), 2**64),
    fractions=st.tuples(st.floats(0.1, 0.4), st.floats(0.1, 0.4)),
)
def test_no_group_crosses(members: list[int], seed: int, fractions: tuple[float, float]) -> None:
    groups = np.array([f"J{n:04d}" for n in members])
    try:
        splits = assign_splits(groups, *fractions, seed)
    except InputError:
        assume(False)  # few distinct groups: told by another test
    for group in np.unique(groups):
        assert len(np.unique(splits[groups == group])) == 1
    assert set(splits) == {"train", "validation", "test"}


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    validation=st.floats(0.02, 0.45),
    test=st.floats(0.02, 0.45),
    integers=st.booleans(),
)
def test_fractions_hold_within_binomial_error(seed: int, validation: float, test: float, integers: bool) -> None:
    groups = np.arange(len(GROUPS)) if integers else GROUPS
    splits = assign_splits(groups, validation, test, seed)
    for split, p in (("validation", validation), ("test", test), ("train", 1 - validation - test)):
        # 6 sigma: 120 such draws all stay within it in all but 2 of ten million runs
        assert abs(np.sum(splits == split) - p * len(GROUPS)) < 6 * np.sqrt(p * (1 - p) * len(GROUPS))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), kept=st.integers(2000, 3999), longer=st.text(min_size=1, max_size=80))
def test_rows_that_are_added_or_reordered_move_no_other(seed: int, kept: int, longer: str) -> None:
    everything = assign_splits([*GROUPS, longer], 0.2, 0.2, seed)
    part = assign_splits(GROUPS[:kept][::-1], 0.2, 0.2, seed)
    assert np.array_equal(everything[:kept], part[::-1])


def test_a_larger_test_part_contains_the_smaller_one() -> None:
    small = assign_splits(GROUPS, 0.1, 0.1, 5) == "test"
    large = assign_splits(GROUPS, 0.1, 0.3, 5) == "test"
    assert np.all(large[small])


def test_the_assignment_is_the_same_on_every_machine_and_for_ever() -> None:
    """A split that changes between versions would leak: what was trained on becomes a test."""
    splits = assign_splits(["a", "b", "3655-55240", "γ Cas", *GROUPS], 0.3, 0.3, 2024)
    assert splits[:4].tolist() == ["test", "validation", "test", "train"]


def test_seeds_are_independent() -> None:
    one, other = (assign_splits(GROUPS, 0.25, 0.25, seed) == "test" for seed in (1, 2))
    # independent draws agree on both "test" with p = 1/16; 6 sigma for 4000 draws is 0.023
    assert abs(np.mean(one & other) - 1 / 16) < 0.023


def test_numbers_and_their_names_are_the_same_group() -> None:
    numbers = np.arange(1000)
    assert np.array_equal(
        assign_splits(numbers, 0.2, 0.2, 3), assign_splits([str(n) for n in numbers], 0.2, 0.2, 3)
    )


@pytest.mark.parametrize("groups", [[], ["one"] * 100, ["a", "b"]])
def test_too_few_groups_are_an_error_and_not_an_empty_split(groups: list[str]) -> None:
    with pytest.raises(InputError, match=r"groups leave no .* part"):
        assign_splits(groups, 0.1, 0.1, 0)


@pytest.mark.parametrize(
    ("validation", "test"), [(0, 0.1), (0.1, 0), (-0.1, 0.2), (0.5, 0.5), (float("nan"), 0.1)]
)
def test_fractions_that_cannot_be(validation: float, test: float) -> None:
    with pytest.raises(ParameterError, match="above 0"):
        assign_splits(GROUPS, validation, test, 0)


def test_a_table_s_splits_are_those_of_its_groups() -> None:
    groups = np.array(GROUPS, dtype=object)
    splits = Splits(groups, 0.1, 0.2, 3)
    expected = assign_splits(groups, 0.1, 0.2, 3)
    parts = [splits.of_rows(slice(start, start + 1000)) for start in range(0, len(groups), 1000)]
    np.testing.assert_array_equal(np.concatenate(parts), expected)
    assert parts[0].dtype == object
    np.testing.assert_array_equal(splits.groups, groups)

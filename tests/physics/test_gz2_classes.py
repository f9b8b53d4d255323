"""The grammar of gz2_class, on the strings of the paper and on real rows."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.common.errors import InputError, ParameterError
from components.physics.gz2_classes import LEVELS, TRUNKS, Parsed, is_valid, merges, parse, simplify
from components.physics.gz2_tasks import KEY_COLUMNS, TASKS, VOTE_COLUMNS
from components.physics.gz2_votes import class_of

# Of the text, tables and figures of Willett et al. (2013), and the most frequent ones of the published table.
PUBLISHED = (
    "Er", "Ei", "Ec", "Ser", "Seb", "Sen", "Sa", "Sb", "Sc", "Sd", "SBa", "SBb", "SBc", "SBd", "A", "Sc?t",
    "Sb?t", "SBc2m", "SBb2m(r)", "Sc2m", "Sb+t", "Sd3m", "Sc4l", "Sb1l", "Sc+m", "SBc?t", "Er(m)", "Ei(o)",
    "Ei(r)", "Ser(d)", "Sen(i)", "Ser(u)", "Sb(r)", "SBb(r)", "Sa(l)", "Sb2t(i)", "Sc1m(m)", "SBc2l(d)",
    "Sd?l(u)", "SBd2m(o)", "Ec(u)",
)  # fmt: skip


def put_together(parsed: Parsed) -> np.ndarray:
    odd = np.where(parsed.odd == "", "", "(" + parsed.odd + ")")
    return np.asarray(parsed.trunk + parsed.arms + parsed.winding + odd, dtype=object)


@pytest.fixture
def rows(real_data: Path) -> pd.DataFrame:
    """The 400 real rows."""
    return pd.read_csv(real_data / "gz2" / "gz2_hart16_400.csv")


def test_every_string_that_the_tree_can_give_is_parsed_and_put_together_again() -> None:
    arms = ["", *(number + winding for number in "1234+?" for winding in "tml")]
    odd = ["", *(f"({letter})" for letter in "rldiomu")]
    plain = [trunk + o for trunk in TRUNKS[:6] for o in odd]
    discs = [trunk + a + o for trunk in TRUNKS[6:] for a in arms for o in odd]
    strings = np.array([*plain, *discs, "A"], dtype=object)
    assert len(strings) == 48 + 8 * 19 * 8 + 1
    assert (put_together(parse(strings)) == strings).all()


def test_strings_of_the_paper_are_parsed() -> None:
    parsed = parse(PUBLISHED)
    assert (put_together(parsed) == np.array(PUBLISHED, dtype=object)).all()
    place = PUBLISHED.index("SBb2m(r)")
    assert (parsed.trunk[place], parsed.arms[place], parsed.winding[place], parsed.odd[place]) == (
        "SBb",
        "2",
        "m",
        "r",
    )


def test_all_real_rows_are_parsed(rows: pd.DataFrame) -> None:
    parsed = parse(rows["gz2_class"].to_numpy())
    assert len(parsed) == 400
    assert (put_together(parsed) == rows["gz2_class"].to_numpy()).all()


@pytest.mark.parametrize(
    "text", ["E", "Sx", "SB", "Er2m", "Ser2m", "Sc2", "Sc2m(x)", "Sc2m(r)(m)", "A(m)", "", "er"]
)
def test_unknown_strings_are_named_with_their_row(text: str) -> None:
    assert not is_valid(text)
    with pytest.raises(InputError, match=r"Row 12 has the gz2_class") as caught:
        parse(["Er", "Sc2m", text], first_row=10)
    assert repr(text) in caught.value.problem


def test_missing_string_is_unknown_and_spaces_do_not_matter() -> None:
    assert parse([" Er ", "Sc2m "]).trunk.tolist() == ["Er", "Sc"]
    with pytest.raises(InputError, match="Row 0"):
        parse([None])  # type: ignore[list-item]


def test_no_rows_are_no_error() -> None:
    assert len(parse([])) == 0
    assert simplify(parse([]), "3").size == 0


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_gives_every_trunk_one_class(level: str) -> None:
    of_level = merges(level)
    assert sorted(trunk for trunks in of_level.values() for trunk in trunks) == sorted(TRUNKS)
    assert len(of_level) == {"2": 2, "3": 3, "7": 7, "n": 14}[level]
    assert simplify(parse(["A"]), level).tolist() == [""], "an artefact is no galaxy"


def test_merges_are_what_they_say() -> None:
    texts = ["Er", "Ec(m)", "Sen", "Seb", "Sa", "Sd?t", "Sc2m", "SBa", "SBb", "SBd", "SBc2m(r)"]
    parsed = parse(texts)
    assert simplify(parsed, "3").tolist() == ["E", "E", "S", "S", "S", "S", "S", "SB", "SB", "SB", "SB"]
    assert simplify(parsed, "7").tolist() == [
        "E", "E", "Se", "Se", "Sa", "Sc", "Sc", "SBa", "SBa", "SBc", "SBc",
    ]  # fmt: skip
    with pytest.raises(ParameterError, match="level"):
        merges("5")


def test_the_table_has_its_231_columns(rows: pd.DataFrame) -> None:
    assert len(KEY_COLUMNS) + len(VOTE_COLUMNS) == 231
    assert len(set(VOTE_COLUMNS)) == 222
    real = {name for name in rows.columns if name[0] == "t" and name[1:3].isdigit()}
    assert real <= set(VOTE_COLUMNS)
    assert {name for task in TASKS.values() for name in task.columns("debiased")} <= real


def test_debiased_votes_give_the_published_string_of_every_real_row(rows: pd.DataFrame) -> None:
    votes = {name: rows[name].to_numpy() for name in rows.columns}
    made = class_of(votes)
    assert (made == rows["gz2_class"].to_numpy()).mean() == 1.0
    raw = class_of(votes, "weighted_fraction")
    assert (raw == rows["gz2_class"].to_numpy()).mean() < 0.6, "the published strings are of the debiased votes"

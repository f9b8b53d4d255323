import pytest

from components.common.wording import counted, typeset


@pytest.mark.parametrize(
    ("number", "words"), [(0, "no copies"), (1, "1 copy"), (2, "2 copies"), (12345, "12\u202f345 copies")]
)
def test_counts_have_their_noun(number, words):
    assert counted(number, "copy", "copies").replace("\u00a0", " ") == words


def test_a_plural_is_an_s_unless_given():
    assert counted(3, "group").endswith("groups")


@pytest.mark.parametrize(
    ("plain", "printed"),
    [
        ("a (95 % interval) of 4% of", "a (95\u202f% interval) of 4\u202f% of"),
        ("moves by (-3.1, 2.0)", "moves by (\u22123.1, 2.0)"),
        ("from -2.0 to -1", "from \u22122.0 to \u22121"),
        ("spec-0266-51602-0013 on 2026-11-22", "spec-0266-51602-0013 on 2026-11-22"),
        ("cluster-1 (1-2)", "cluster-1 (1-2)"),
    ],
)
def test_signs_are_set_as_in_print_and_names_left_alone(plain, printed):
    assert typeset(plain) == printed

import functools
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from components.common.errors import ParameterError
from components.common.figures import figure_style, finish, new_axes
from components.common.provenance import Provenance
from components.common.report import Column, Headline, Report, format_interval, format_number

VOID = {"meta", "link", "br", "img", "hr"}
REAL = Provenance(
    "real", "the archive", release="DR0", requested=10, received=9, rejected={"no flux": 2, "bad": 1}
)


class Page(HTMLParser):
    """What a reader meets, in order, and whether tags close as they opened."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words, self._open = [], [], []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if data.strip() and not {"head", "script", "style"} & set(self._open):
            self.words.append(" ".join(data.split()))

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@functools.cache
@figure_style()
def draw(alt):
    drawing, axes = new_axes()
    axes.plot([0, 1], [0, 1])
    return finish(drawing, alt, f"Caption of {alt}.")


def full_report(provenance=REAL, **options):
    headline = Headline("of all", 0.9731, 0.9702, 0.9758, 0.0604, published=0.97, published_source="somebody")
    report = Report("A <title>", "an-exercise", provenance, **{"headline": headline, "lead": "A lead.", **options})
    section = report.section("First")
    section.text("One paragraph.\n\nAnother & more.")
    section.table(
        "A table",
        [Column("Name"), Column("Value", ".2f"), Column("Interval", numeric=True)],
        [["model", -1234.5, "0 to 1"], ["<constant>", None, ""], ["broken", float("nan"), ""], ["int", 3, ""]],
        notes="A note.",
        strong=[0],
    )
    section.figures([draw("one"), draw("two")])
    report.section("Second", Provenance("simulated", "a simulator", notes=("a note",))).definitions(
        {"term": "sense"}
    )
    report.section("Third").figure(draw("three"))
    return report


def test_the_first_words_say_where_the_data_come_from():
    words = Page(full_report().render()).words
    assert words[0] == "To the results"  # a link for keyboards, out of sight
    assert words[1:3] == ["Real data:", "observed objects from the archive (DR0)."]
    simulated = Page(full_report(Provenance("simulated", "dice")).render()).words
    assert simulated[1:3] == ["Simulated data:", "nothing below was observed; every object was made by dice."]
    mixed = Page(full_report(Provenance("semi-empirical", "both")).render()).words
    assert mixed[1:3] == ["Semi-empirical data:", "real catalogue rows, with synthetic pixels, from both."]


def test_the_foot_holds_the_whole_provenance():
    text = " ".join(Page(full_report().render()).words)
    foot = text[text.rindex("The data of this report") :]
    for expected in (
        "real",
        "the archive",
        "DR0",
        "Requested 10",
        "Received 9",
        "Rejected 3",
        "2 no flux",
        "1 bad",
    ):
        assert expected in foot
    assert "a simulator" in foot
    assert "a note" in foot


def test_the_page_is_well_formed_and_accessible():
    page = Page(full_report().render())
    assert page.all("html") == [{"lang": "en"}]
    for landmark in ("main", "footer", "nav"):
        assert len(page.all(landmark)) == 1
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert (np.diff(levels) <= 1).all()
    assert [svg["aria-label"] for svg in page.all("svg")] == ["one", "two", "three"]
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [a["href"][1:] for a in page.all("a")] + [r["aria-labelledby"] for r in page.all("table")]
    assert set(targets) <= set(ids)


def test_the_page_can_load_nothing():
    text = full_report().render()
    page = Page(text)
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    addresses = {
        value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")
    }
    assert all(address.startswith(("#", "data:")) for address in addresses)
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)


def test_what_people_write_is_escaped():
    text = full_report(Provenance("real", "<script>alert(1)</script>")).render()
    assert "A &lt;title&gt;" in text
    assert "&lt;constant&gt;" in text
    assert "<script>alert" not in text


def test_tables_show_numbers_for_reading():
    page = Page(full_report().render())
    assert "−1234.50" in page.words
    assert page.words.count("–") == 2
    assert "3.00" in page.words
    assert [th["class"] for th in page.all("th") if th.get("scope") == "col"] == ["words", "number", "number"]
    assert [row.get("class") for row in page.all("tr")] == [None, "strong", None, None, None]


def test_a_row_that_does_not_fit_is_refused():
    section = full_report().section("Broken")
    with pytest.raises(ParameterError, match=r"Row 1 of the table 'Counts' has 1 cells for 2 columns"):
        section.table("Counts", [Column("a"), Column("b")], [["x", 1], ["y"]])


@pytest.mark.parametrize(
    ("origin", "value", "low", "high", "higher", "expected"),
    [
        ("real", 0.975, 0.96, 0.98, True, "Reached here."),
        ("real", 0.965, 0.96, 0.98, True, "Not reached, but inside the interval."),
        ("real", 0.9, 0.89, 0.91, True, "Not reached here."),
        ("real", 0.9, 0.89, 0.91, False, "Reached here."),
        ("real", 0.98, 0.96, 0.99, False, "Not reached, but inside the interval."),
        (
            "simulated",
            0.999,
            0.99,
            1,
            True,
            "Measured on real data, so not to be compared with these simulated data.",
        ),
    ],
)
def test_a_published_figure_is_reached_only_by_real_data(origin, value, low, high, higher, expected):
    headline = Headline("x", value, low, high, published=0.97, higher_is_better=higher)
    assert headline.verdict(origin) == expected


def test_the_headline_stands_beside_the_constant():
    words = " ".join(Page(full_report().render()).words)
    assert "97.3 % of all 95 % interval: 97.0 % to 97.6 % 6.0 % for a constant" in words


def test_numbers_and_intervals():
    assert format_number(-0.5, ".1f", "mag") == "−0.5\u00a0mag"
    assert format_number(12345, ",.0f") == "12\u202f345"
    assert format_number(None, ".1f", "mag") == "–"
    assert format_interval(0.9, 0.95, ".1%") == "90.0\u202f% to 95.0\u202f%"
    assert format_interval(float("nan"), 0.95, ".1%") == "–"


def test_a_report_without_extras_is_whole(tmp_path):
    path = tmp_path / "deep" / "report.html"
    Report("T", "t", REAL).write(path)
    assert Page(path.read_text(encoding="utf-8")).words[4:6] == ["t", "T"]
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]


def test_a_report_that_cannot_be_rendered_leaves_the_old_one(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    report = full_report()
    report.headline = Headline("x", 1.0, 0.9, 1.1, form="no such format")
    with pytest.raises(ValueError, match="format"):
        report.write(path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]

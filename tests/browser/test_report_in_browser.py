"""Open a full report in a real browser, on a phone and on a desk, in the light and in the dark."""

import os
from pathlib import Path

import pytest
from sample_report import write_sample_report

pytestmark = pytest.mark.browser

SCREENS = [(width, theme) for width in (390, 1280) for theme in ("light", "dark")]

FIGURES = """
Promise.all([...document.querySelectorAll('figure')].map(async (figure, number) => {
  const svg = figure.querySelector('svg'), box = svg.getBoundingClientRect(), view = svg.viewBox.baseVal;
  const drawn = [...svg.querySelectorAll('path, use, rect, line, text')].filter(mark => {
    if (mark.closest('defs, clipPath, mask')) return false;
    const style = getComputedStyle(mark), place = mark.getBoundingClientRect();
    const painted = ['fill', 'stroke'].some(part => style[part] !== 'none' && style[part + 'Opacity'] > 0);
    return painted && style.visibility === 'visible' && place.width + place.height > 0;
  });
  const colours = new Set(drawn.flatMap(mark => [getComputedStyle(mark).fill, getComputedStyle(mark).stroke]));
  const outside = [...svg.querySelectorAll('text')].filter(text => {
    const place = text.getBoundingClientRect(), slack = 0.5;
    return place.left < box.left - slack || place.right > box.right + slack ||
           place.top < box.top - slack || place.bottom > box.bottom + slack;
  }).map(text => text.textContent);
  const pictures = await Promise.all([...svg.querySelectorAll('image')].map(async image => {
    const copy = new Image();
    copy.src = image.getAttribute('href');
    await copy.decode();
    return copy.naturalWidth * copy.naturalHeight;
  }));
  return {number: number + 1, width: box.width, height: box.height, view: view.width * view.height,
          marks: drawn.length, colours: [...colours], outside, pictures,
          name: svg.getAttribute('aria-label'), left: box.left, right: box.right};
}))
"""

CONTRASTS = """
(() => {
  const number = text => text.match(/[\\d.]+/g).map(Number);
  const luminance = colour => number(colour).slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const paper = luminance(getComputedStyle(document.body).backgroundColor);
  const found = {};
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const parent = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || parent.closest('script')) continue;
    const style = getComputedStyle(parent), ink = luminance(parent.closest('svg') ? style.fill : style.color);
    const colour = parent.closest('svg') ? style.fill : style.color;
    const where = `${parent.tagName}.${parent.getAttribute('class')} ${colour}`;
    found[where] =
      (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
  }
  return found;
})()
"""

OVERFLOWS = """
[...document.querySelectorAll('body *')].filter(element => {
  if (element.closest('svg, .scroll, .skip, script')) return false;
  const place = element.getBoundingClientRect();
  return place.right > document.documentElement.clientWidth + 0.5 || place.left < -0.5;
}).map(element => element.outerHTML.slice(0, 80))
"""

CUT_TEXTS = """
[...document.querySelectorAll('p, h1, h2, h3, li, dd, dt, figcaption, button, th, td')].filter(element => {
  const style = getComputedStyle(element);
  const wide = element.scrollWidth > element.clientWidth + 1 && !element.closest('.scroll');
  return style.overflow !== 'visible' || wide;
}).map(element => element.textContent.slice(0, 80))
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_sample_report(path)
    return path


@pytest.fixture(params=SCREENS, ids=lambda screen: f"{screen[0]}-{screen[1]}")
def opened(request, chromium, report):
    """The report, open on one of the screens; its picture is kept where ARMILLARY_SCREENSHOTS says."""
    width, theme = request.param
    chromium.open(report.as_uri(), width, theme)
    folder = os.environ.get("ARMILLARY_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        chromium.screenshot(Path(folder) / f"report-{width}-{theme}.png")
    return chromium


def test_a_report_is_small_enough_to_mail(report):
    assert report.stat().st_size < 3_000_000


def test_nothing_is_asked_for_and_nothing_complains(opened, report):
    assert opened.requests() == [report.as_uri()]
    assert opened.complaints() == []


def test_every_figure_is_drawn_and_whole(opened):
    figures = opened.evaluate(FIGURES)
    assert len(figures) == 20
    width = opened.evaluate("document.documentElement.clientWidth")
    for figure in figures:
        assert figure["name"], figure
        assert figure["width"] > 250, figure
        assert figure["height"] > 80, figure
        assert figure["marks"] > 20, figure
        assert figure["outside"] == [], figure
        assert figure["left"] >= 0, figure
        assert figure["right"] <= width, figure
        assert all(pixels > 10_000 for pixels in figure["pictures"]), figure
    assert sum(len(figure["pictures"]) for figure in figures) == 3


def test_the_page_fits_its_screen(opened):
    assert opened.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert opened.evaluate(OVERFLOWS) == []
    assert opened.evaluate(CUT_TEXTS) == []


def test_all_text_is_readable(opened):
    contrasts = opened.evaluate(CONTRASTS)
    assert len(contrasts) > 20
    # WCAG 2.2, level AA, for text of any size.
    assert {where: ratio for where, ratio in contrasts.items() if ratio < 4.5} == {}


def test_a_theme_is_the_systems_until_the_button_is_pressed(opened, request):
    theme = request.node.callspec.params["opened"][1]
    paper = "getComputedStyle(document.body).backgroundColor"
    press = "document.querySelector('.theme').click()"
    line = "getComputedStyle(document.querySelector('figure path[style*=series-1]')).stroke"
    seen = [(opened.evaluate(paper), opened.evaluate(line))]
    labels = [opened.evaluate("document.querySelector('.theme').textContent")]
    for _ in range(3):
        opened.evaluate(press)
        seen.append((opened.evaluate(paper), opened.evaluate(line)))
        labels.append(opened.evaluate("document.querySelector('.theme').textContent"))
    assert labels == ["Theme: auto", "Theme: light", "Theme: dark", "Theme: auto"]
    assert seen[1] != seen[2]
    assert seen[0] == seen[3] == (seen[2] if theme == "dark" else seen[1])


def test_a_choice_of_theme_survives_a_reload(chromium, report):
    chromium.open(report.as_uri(), 1280, "light")
    chromium.evaluate("document.querySelector('.theme').click(); document.querySelector('.theme').click()")
    chromium.open(report.as_uri(), 1280, "light")
    assert chromium.evaluate("document.documentElement.dataset.theme") == "dark"
    chromium.evaluate("localStorage.clear()")


def test_figures_do_not_share_ids(chromium, report):
    chromium.open(report.as_uri(), 1280, "light")
    ids = chromium.evaluate("[...document.querySelectorAll('[id]')].map(element => element.id)")
    assert len(ids) == len(set(ids))


def test_wide_tables_scroll_in_their_own_box_on_a_phone(chromium, report):
    chromium.open(report.as_uri(), 390, "light")
    box = "document.querySelector('.scroll')"
    assert chromium.evaluate(f"{box}.scrollWidth > {box}.clientWidth")
    assert chromium.evaluate(f"{box}.tabIndex") == 0  # else a keyboard could not scroll it


def test_a_page_that_would_ask_for_something_is_caught(chromium, tmp_path):
    """The checks above would notice: a request, a broken script, and text beyond its figure."""
    page = tmp_path / "bad.html"
    page.write_text(
        "<!doctype html><title>Bad</title><body><figure><svg role='img' aria-label='x' viewBox='0 0 100 100'>"
        "<text x='90' y='50'>cut off here</text></svg></figure><img src='missing.png'>"
        "<script>nothing.at.all</script>"
    )
    chromium.open(page.as_uri(), 390, "light")
    assert any(url.endswith("missing.png") for url in chromium.requests())
    assert len(chromium.complaints()) >= 2
    assert chromium.evaluate(FIGURES)[0]["outside"] == ["cut off here"]

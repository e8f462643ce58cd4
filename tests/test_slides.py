"""``zeroone slides``: what is on the slides, what is refused, and how they look in a browser."""

import base64
import re
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import pytest
import terminal
from browser import Browser, shots_folder

from zeroone.player.mathml import mathml
from zeroone.player.slides import inline, read, render

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "docs" / "teaching" / "slides.md"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}"><path d="M0 0"/></svg>'
SMALL = """# Title with $x^2$

First words.

> Notes for *me*.

## Second

Words with `a < b`, **strong** and [a file](../x.md), [the web](https://example.org).

- one
  goes on
- two

1. first

```math
\\frac{1}{2} x
```

```
if a < b:
    pass
```

| a | $b$ |
|---|---|
| 1 | 2 |

![A picture](wide.svg)
"""


run = partial(terminal.run, "slides")
refused = partial(terminal.refused, "slides")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "wide.svg").write_text(SVG.format(300, 100), encoding="utf-8")
    (tmp_path / "tall.svg").write_text(SVG.format(100, 100), encoding="utf-8")
    (tmp_path / "small.md").write_text(SMALL, encoding="utf-8")
    return tmp_path


def slides(text, folder=Path()):
    return read(text, lambda address: folder / address)


class Balance(HTMLParser):
    """Notices elements that are not closed."""

    VOID = ("meta", "img", "br")

    def __init__(self, page):
        super().__init__()
        self.open, self.seen = [], []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


# ------------------------------------------------------------------------------- from the Markdown


def test_slides_have_what_the_source_has(folder):
    first, second = slides(SMALL, folder)
    half = mathml(r"\frac{1}{2} x")
    assert first.title == f"Title with {mathml('x^2', display='inline')}"
    assert first.body == ["<p>First words.</p>"]
    assert first.notes == ["Notes for <em>me</em>."]
    assert second.body == [
        "<p>Words with <code>a &lt; b</code>, <strong>strong</strong> and a file, "
        '<a href="https://example.org">the web</a>.</p>',
        "<ul><li>one goes on</li><li>two</li></ul>",
        "<ol><li>first</li></ol>",
        f'<div class="equation">{half}</div>',
        "<pre><code>if a &lt; b:\n    pass</code></pre>",
        '<table><thead><tr><th scope="col">a</th>'
        f'<th scope="col">{mathml("b", display="inline")}</th></tr></thead>'
        "<tbody><tr><td>1</td><td>2</td></tr></tbody></table>",
    ]
    assert second.wide
    data = re.search(r"base64,([^\"]+)", second.picture)[1]
    assert base64.b64decode(data) == (folder / "wide.svg").read_bytes()
    assert 'alt="A picture"' in second.picture


def test_the_form_of_a_picture_says_where_it_stands(folder):
    text = "# A\n\n## B\n\n![b](wide.svg)\n\n## C\n\n![c](tall.svg)\n\n## D\n\nd\n"
    page = render(slides(text, folder))
    kinds = re.findall(r'<section class="slide (\w+)"', page)
    assert kinds == ["title", "wide", "tall", "text"]
    assert len(Balance(page).seen) > 20


def test_text_is_no_html():
    assert inline('<script>"&') == "&lt;script&gt;&quot;&amp;"
    (slide,) = slides("# <b>A</b>\n\na <i>b</i>\n")
    assert slide.title == "&lt;b&gt;A&lt;/b&gt;"
    assert slide.body == ["<p>a &lt;i&gt;b&lt;/i&gt;</p>"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "at least one heading"),
        ("Words.\n", "begin with a heading"),
        ("## A\n", "one heading with #"),
        ("# A\n\n# B\n", "one heading with #"),
        ("# A\n\n### B\n", "one heading with #"),
        ("# A\n\n![](wide.svg)\n", "description"),
        ("# A\n\n![a](none.svg)\n", "cannot read the picture"),
        ("# A\n\n![a](small.md)\n", "a picture must be one of"),
        ("# A\n\n![a](wide.svg)\n\n![b](wide.svg)\n", "at most one picture"),
        ("# A\n\n- a\n  - b\n", "one level"),
        ("# A\n\n<div>\n", "small part of Markdown"),
        ("# A\n\n---\n", "small part of Markdown"),
        ("# A\n\n    code\n", "small part of Markdown"),
        ("# A\n\n```\nopen\n", "close every"),
        ("# A\n\n$\\unknown$\n", "known commands"),
    ],
)
def test_what_slides_do_not_know_is_refused(folder, text, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        slides(text, folder)
    (folder / "small.md").write_text(text, encoding="utf-8")
    refused("--source", folder / "small.md", "--html", folder / "out.html")
    assert not (folder / "out.html").exists()


# ------------------------------------------------------------------------------------- the command


@pytest.fixture(scope="module")
def deck(tmp_path_factory):
    path = tmp_path_factory.mktemp("deck") / "slides.html"
    status, out, err = run("--html", path)
    assert (status, err) == (0, "")
    assert re.fullmatch(rf"\d+ slides written to {path} \([\d.]+ MB\): open it in a browser\n", out)
    return path


def test_the_slides_of_the_plan(deck):
    page, source = deck.read_text(encoding="utf-8"), SOURCE.read_text(encoding="utf-8")
    seen = Balance(page).seen
    count = len(re.findall(r"^##? ", source, re.MULTILINE))
    assert sum(tag == "section" for tag, _ in seen) == count
    pictures = [attributes for tag, attributes in seen if tag == "img"]
    named = re.findall(r"^!\[([^\]]+)\]\((.+)\)$", source, re.MULTILINE)
    assert len(named) >= 6
    for attributes, (alt, address) in zip(pictures, named, strict=True):
        assert attributes["alt"] == alt
        data = base64.b64decode(attributes["src"].partition("base64,")[2])
        assert data == (SOURCE.parent / address).read_bytes()
    # Each slide but the first has something to ask or to say.
    notes = re.findall(r'<aside class="notes"[^>]*>(.*?)</aside>', page, re.DOTALL)
    assert all(notes)
    assert deck.stat().st_size < 3_000_000
    assert not re.search(r'(?:src|href)="(?!data:)', page)


def test_slides_of_ones_own_find_figures_by_name(folder):
    text = "# A\n\n![cone](loss_cone.svg)\n"
    (folder / "own.md").write_text(text, encoding="utf-8")
    status, _, err = run("--source", folder / "own.md", "--html", folder / "own.html")
    assert (status, err) == (0, "")
    data = base64.b64encode((ROOT / "figures" / "loss_cone.svg").read_bytes()).decode()
    assert data in (folder / "own.html").read_text(encoding="utf-8")


def test_bad_files_are_refused(folder):
    assert "no figure.svg" in refused_source(folder, "# A\n\n![a](figure.svg)\n")
    assert "source must be" in refused("--source", folder / "no.md", "--html", folder / "o.html")
    (folder / "latin.md").write_bytes(b"# \xe9\n")
    assert "UTF-8" in refused("--source", folder / "latin.md", "--html", folder / "o.html")
    small = folder / "small.md"
    assert "that file is read" in refused("--source", small, "--html", small)
    assert small.read_text(encoding="utf-8") == SMALL
    assert "does not exist" in refused("--html", folder / "none" / "o.html")
    assert "--html" in refused()


def refused_source(folder, text):
    (folder / "own.md").write_text(text, encoding="utf-8")
    return refused("--source", folder / "own.md", "--html", folder / "own.html")


# ----------------------------------------------------------------------------------- in a browser

# Everything on a slide is on it, words are not over pictures, and nothing has to be scrolled.
FAULTS = """
const slide = document.querySelector(".slide.now"), found = [];
const whole = slide.getBoundingClientRect(), body = slide.querySelector(".body");
for (const each of slide.querySelectorAll("h1,h2,p,li,td,th,pre,code,math,img,table")) {
  const box = each.getBoundingClientRect();
  if (each.closest(".notes") || !box.width) continue;
  if (box.right > whole.right + 1 || box.bottom > whole.bottom + 1 || box.left < whole.left - 1
      || box.top < whole.top - 1) found.push(`${each.tagName} ${each.textContent} sticks out`);
}
if (body.scrollWidth > body.clientWidth + 1) found.push("body is too wide");
if (body.scrollHeight > body.clientHeight + 1) found.push("body is too high");
const picture = slide.querySelector("img"), text = body.getBoundingClientRect();
if (picture) {
  const box = picture.getBoundingClientRect();
  if (text.height && text.right > box.left + 1 && text.bottom > box.top + 1)
    found.push("words over the picture");
  if (box.width < 300 || box.height < 200) found.push("a small picture");
  if (!picture.complete || !picture.naturalWidth) found.push("no picture");
}
if (document.documentElement.scrollWidth > innerWidth) found.push("the page scrolls");
return found;
"""
SMALLEST_TEXT = 18  # pixels at 1280 x 720


@pytest.fixture(scope="module")
def browser():
    found = Browser()
    yield found
    found.quit()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 720), (1024, 768), (1920, 1080)], ids=str)
def test_nothing_sticks_out_on_any_slide(browser, deck, size, dark):
    browser.look(size, dark)
    browser.open(deck)
    count = browser.run("return document.querySelectorAll('.slide').length;")
    faults = {}
    for number in range(1, count + 1):
        assert browser.text("#place") == f"{number} / {count}"
        if found := browser.run(FAULTS):
            faults[number] = found
        if shots_folder():
            name = f"slides-{size[0]}-{'dark' if dark else 'light'}-{number:02d}.png"
            browser.driver.save_screenshot(str(Path(shots_folder()) / name))
        browser.press("\ue014")
    assert faults == {}
    assert browser.complaints() == []
    assert browser.requests() == []


def test_words_can_be_read_from_the_back(browser, deck):
    browser.look((1280, 720))
    browser.open(deck)
    sizes = browser.run(
        "return [...document.querySelectorAll('.body p, .body li, .body td, .body code')]"
        ".map(each => parseFloat(getComputedStyle(each).fontSize));"
    )
    assert min(sizes) >= SMALLEST_TEXT


def test_keys_turn_the_slides(browser, deck):
    browser.look((1280, 720))
    browser.open(deck)
    count = browser.run("return document.querySelectorAll('.slide').length;")

    def now():
        return int(browser.text("#place").split()[0])

    right, left, home, end, down, up = "\ue014", "\ue012", "\ue011", "\ue010", "\ue00f", "\ue00e"
    places = []
    for key in (right, " ", down, left, up, home, left, end, right):
        browser.press(key)
        places.append(now())
    assert places == [2, 3, 4, 3, 2, 1, 1, count, count]
    assert browser.run("return location.hash;") == f"#{count}"
    browser.click("#back")
    assert now() == count - 1
    browser.press(" ")  # the button has the focus, and keeps its key
    assert now() == count - 2
    assert browser.run("return document.querySelectorAll('.slide.now').length;") == 1


def test_notes_and_colours(browser, deck):
    browser.look((1280, 720))
    browser.open(deck)
    shown = "return getComputedStyle(document.querySelector('.now .notes')).display;"
    colour = "return getComputedStyle(document.body).backgroundColor;"
    assert browser.run(shown) == "none"
    browser.press("n")
    assert browser.run(shown) == "block"
    browser.press("\ue014")
    assert browser.run(FAULTS) == []
    browser.press("n")
    assert browser.run(shown) == "none"
    light = browser.run(colour)
    browser.press("d")
    assert browser.run(colour) != light
    browser.press("d")
    assert browser.run(colour) == light


def test_a_swipe_turns_a_slide(browser, deck):
    browser.look((1280, 720))
    browser.open(deck)
    swipe = """
    const [from, to] = arguments;
    const touch = (x) =>
      new Touch({identifier: 1, target: document.body, clientX: x, clientY: 300});
    document.body.dispatchEvent(
      new TouchEvent("touchstart", {touches: [touch(from)], bubbles: true}));
    document.body.dispatchEvent(
      new TouchEvent("touchend", {changedTouches: [touch(to)], bubbles: true}));
    return document.getElementById("place").textContent;
    """
    assert browser.run(swipe, 600, 300).startswith("2 ")
    assert browser.run(swipe, 600, 620).startswith("2 ")
    assert browser.run(swipe, 300, 600).startswith("1 ")


def test_printed_each_slide_is_a_page(browser, deck):
    browser.look((1280, 720))
    browser.open(deck)
    count = browser.run("return document.querySelectorAll('.slide').length;")
    options = {"preferCSSPageSize": True, "printBackground": True}
    printed = browser.driver.execute_cdp_cmd("Page.printToPDF", options)["data"]
    assert len(re.findall(rb"/Type\s*/Page[^s]", base64.b64decode(printed))) == count

"""The site: what its own extensions make, and, where it is built, its pages in a browser.

The build takes about a minute, so that no test does it. A built site is looked at if the
environment variable ``ZEROONE_SITE`` names its folder.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import browser
import pytest

import zeroone
from zeroone.claims.registry import CLAIMS
from zeroone.cli import build_parser

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


@pytest.fixture(scope="module", autouse=True)
def _extensions():
    sys.path.insert(0, str(DOCS / "_extensions"))
    sys.path.insert(0, str(DOCS))
    yield
    sys.path.remove(str(DOCS / "_extensions"))
    sys.path.remove(str(DOCS))


@pytest.fixture(scope="module")
def site():
    folder = os.environ.get("ZEROONE_SITE")
    if not folder:
        pytest.skip("ZEROONE_SITE names no site")
    return Path(folder)


# --------------------------------------------------------------------- links, in a small site


def written(folder, **pages):
    """Write a small site and return what is wrong with it."""
    from check_links import check

    for name, text in pages.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return check(folder.resolve())


def test_good_links_pass(tmp_path):
    (tmp_path / "style.css").write_text("a { background: url(data:x) }")
    page = (
        '<link rel="canonical" href="https://example.org/">'
        '<link rel="stylesheet" href="style.css?v=1">'
        '<a href="b.html#there">b</a><a href="#here" id="here">here</a>'
        '<a href="https://example.org">away</a><a href="b.html?only=x*#there">b</a>'
    )
    assert written(tmp_path, index=page, b='<p id="there">') == []


@pytest.mark.parametrize(
    "page",
    [
        '<a href="gone.html">x</a>',
        '<a href="#gone">x</a>',
        '<a href="index.html#gone">x</a>',
        '<img src="gone.png">',
        '<script src="https://example.org/x.js"></script>',
        '<script src="//example.org/x.js"></script>',
        '<link rel="stylesheet" href="https://example.org/x.css">',
        '<link rel="preload icon" href="https://example.org/x.woff2">',
        "<style>@import 'https://example.org/x.css';</style>",
        "<style>p { background: url(https://example.org/x.png) }</style>",
        '<iframe src="http://example.org"></iframe>',
    ],
)
def test_bad_links_are_found(tmp_path, page):
    assert len(written(tmp_path, index=page)) == 1


def test_a_style_sheet_that_fetches_is_found(tmp_path):
    (tmp_path / "a.css").write_text("@font-face { src: url('https://example.org/a.woff2') }")
    assert len(written(tmp_path, index="")) == 1


def test_the_checker_as_a_program(tmp_path):
    command = [sys.executable, str(DOCS / "check_links.py"), str(tmp_path)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 2
    (tmp_path / "index.html").write_text('<a href="gone.html">')
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "index.html leads to gone.html" in done.stdout


# -------------------------------------------------------------------- what the extensions make


def test_every_formula_of_the_theory_becomes_mathml():
    pytest.importorskip("sphinx")
    mathml = pytest.importorskip("math_core") and pytest.importorskip("mathml")
    text = (DOCS / "theory.md").read_text(encoding="utf-8")
    displayed = re.findall(r"^```math\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert len(displayed) > 100
    for formula in displayed:
        made = mathml.mathml(formula, True)
        assert made.startswith("<math")
        assert "\\" not in made
        assert "tag" not in made.replace("stretchy", "")
    with pytest.raises(ValueError, match="formula must be LaTeX"):
        mathml.mathml(r"\nosuchcommand", True)


def test_formulas_lead_to_functions():
    pytest.importorskip("sphinx")
    pytest.importorskip("math_core")
    from formulas import functions_of_the_glossary
    from names import numbers

    found = functions_of_the_glossary()
    assert found["A1.1"] == ["zeroone.gaussian.population_loss"]
    assert found["C.6"] == ["zeroone.losses.Hinge"]
    assert set(found) <= numbers()


def test_names_are_found_where_they_are_defined():
    pytest.importorskip("sphinx")
    pytest.importorskip("math_core")
    from names import canonical

    assert canonical("zeroone.BCDClassifier") == "zeroone.estimators.bcd.BCDClassifier"
    assert canonical("gaussian.angle") == "zeroone.gaussian.filters.angle"
    assert canonical("zeroone.penalties.Penalty.prox") == "zeroone.penalties.Penalty.prox"
    assert canonical("zeroone.rvscgd") == "zeroone.gaussian.rvscgd"
    assert canonical("zeroone.nothing.at_all") is None
    assert canonical("numpy.linalg") is None


DOCSTRING = """Return f of |w| and w* (docs/theory.md#a1, #a2; [1]_).

The display

    f(w) = c |w|   `code`

* *One* item, V_ among it

    deeper

Examples
--------
>>> f(2) | 3
"""


def test_docstrings_become_readable():
    pytest.importorskip("sphinx")
    from docstrings import HIDDEN, SHOWN, readable

    lines = readable(DOCSTRING.split("\n"), "zeroone.module")
    text = "\n".join(lines)
    assert ":ref:`A1 <theory-a1>`, :ref:`A2 <theory-a2>`; :py:mod:`[1] <zeroone.module>`" in text
    assert "\n::\n\n    f(w) = c |w|   `code`\n" in text
    assert f"V{HIDDEN['_']} among" in text
    assert "* *One* item" in text
    assert f"{HIDDEN['|']}w{HIDDEN['|']} and w{HIDDEN['*']} (" in text
    assert ">>> f(2) | 3" in text
    assert text.translate(SHOWN).count("|w|") == 2


def test_every_command_and_option_is_on_the_page():
    pytest.importorskip("sphinx")
    from command_line import command, parsers

    for name, parser in parsers().items():
        text = "\n".join(command(parser, 2))
        assert f"## zeroone {name}" in text
        for action in options(parser):
            for option in action.option_strings:
                assert f"`{option}" in text, (name, option)


def options(parser):
    """Yield the options of a parser and of those that it chooses from."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                yield from options(one)
        else:
            yield action


def test_the_workflow_file_runs_what_the_site_says():
    workflow = (DOCS / "publish.yml").read_text(encoding="utf-8")
    told = (DOCS / "building.md").read_text(encoding="utf-8")
    for command in ("python -m sphinx -W --keep-going -b html docs site", "check_links.py site"):
        assert command in workflow
        assert command in told


def test_commands_on_the_pages_exist():
    for page in ("benchmarks.md", "building.md", "index.md"):
        text = (DOCS / page).read_text(encoding="utf-8")
        for line in re.findall(r"^    zeroone (.+)$", text, re.MULTILINE):
            assert callable(build_parser().parse_args(line.split()).run)


# --------------------------------------------------------------------------------- a built site


def test_public_names_are_on_the_site(site):
    text = (site / "api" / "index.html").read_text(encoding="utf-8")
    for name in (*zeroone._module_of, *zeroone._path_of):
        assert re.search(
            rf'<a [^>]*href="[^"]+"[^>]*><code[^>]*><span[^>]*>zeroone\.{name}<', text
        ), name


def test_all_names_of_modules_are_on_the_site(site):
    pytest.importorskip("sphinx")
    from reference import constants, modules

    missing = []
    for name, module in modules().items():
        text = (site / "api" / f"{name}.html").read_text(encoding="utf-8")
        offered = getattr(module, "__all__", None)
        if offered is None:
            own = [one for one, thing in vars(module).items() if is_own(module, one, thing)]
            offered = own + [one for one in constants(name) if not callable(getattr(module, one))]
        missing += [f"{name}.{one}" for one in offered if f">{one}<" not in text]
    assert missing == []


def is_own(module, name, thing):
    """Return whether a function or a class of a module is public and defined there."""
    return (
        not name.startswith("_")
        and getattr(thing, "__module__", None) == module.__name__
        and getattr(thing, "__qualname__", None) == name
    )


def test_every_claim_is_in_the_table(site):
    text = (site / "claims.html").read_text(encoding="utf-8")
    rows = set(re.findall(r'<tr [^>]*id="([^"]+)"', text))
    assert {claim.id for claim in CLAIMS} <= rows
    assert f"with version {zeroone.__version__}, seed" in text


def test_theory_and_functions_lead_to_each_other(site):
    theory = (site / "theory.html").read_text(encoding="utf-8")
    assert theory.count('<p class="formula-line">') > 80
    assert (
        'href="api/zeroone.gaussian.population.html#zeroone.gaussian.population.population_loss"'
        in theory
    )
    assert 'href="claims.html#gaussian.population-loss"' in theory
    assert re.search(r'href="claims\.html\?only=prox\.\*#prox\.[\w.-]+"', theory)
    function = (site / "api" / "zeroone.gaussian.population.html").read_text(encoding="utf-8")
    assert re.search(r'href="\.\./theory\.html#(theory-)?a1"', function)
    claims = (site / "claims.html").read_text(encoding="utf-8")
    assert 'href="theory.html#a1"' in claims


PAGES = (
    "index.html",
    "theory.html",
    "claims.html",
    "cli.html",
    "glossary.html",
    "benchmarks.html",
    "api/index.html",
    "api/zeroone.gaussian.population.html",
    "gallery/index.html",
    "tutorials/01_step_unit.html",
    "tutorials/06_block_coordinate_descent.html",
    "_modules/zeroone/gaussian/rvscgd.html",
)


@pytest.fixture(scope="module")
def chromium(site):
    driver = browser.start("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
    yield driver
    driver.quit()


def opened(driver, address):
    """Open a page without a network; return what the console says and what was asked for."""
    for kind in ("browser", "performance"):
        driver.get_log(kind)
    driver.get(address)
    complaints = [entry["message"] for entry in driver.get_log("browser")]
    asked = []
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            asked.append(message["params"]["request"]["url"])
    return complaints, [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]


@pytest.mark.parametrize("size", [browser.DESKTOP, browser.PHONE])
def test_pages_without_a_network(site, chromium, size):
    send = chromium.execute_cdp_cmd
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1}
    send("Emulation.setDeviceMetricsOverride", {**metrics, "mobile": size == browser.PHONE})
    for page in PAGES:
        complaints, asked = opened(chromium, (site / page).resolve().as_uri())
        assert complaints == [], page
        assert asked == [], page
        wide = chromium.execute_script("return document.documentElement.scrollWidth;")
        assert wide <= size[0], page
        broken = chromium.execute_script(
            "return [...document.images].filter(i => i.complete && !i.naturalWidth).length;"
        )
        assert broken == 0, page


def test_formulas_are_drawn(site, chromium):
    opened(chromium, (site / "theory.html").resolve().as_uri())
    drawn = chromium.execute_script(
        """
        const boxes = [...document.querySelectorAll("math")].map(m => m.getBoundingClientRect());
        return [boxes.length, boxes.filter(box => box.width > 2 && box.height > 2).length,
                document.querySelectorAll(".formula math merror").length];
        """
    )
    assert drawn[0] == drawn[1] > 500
    assert drawn[2] == 0
    font = "return document.fonts.check('16px \"STIX Two Math subset\"');"
    assert chromium.execute_script(font)


def test_the_player_plays_on_the_start_page(site, chromium):
    opened(chromium, (site / "index.html").resolve().as_uri())
    chromium.switch_to.frame(chromium.find_element("css selector", "iframe.player"))
    found = chromium.execute_async_script(
        "const done = arguments[0];"
        "window.zeroone.ready.then(() => done(document.querySelectorAll('svg').length));"
    )
    chromium.switch_to.default_content()
    assert found > 0


def test_claims_are_filtered_by_the_address(site, chromium):
    address = (site / "claims.html").resolve().as_uri()
    shown = (
        "return [...document.querySelectorAll('table.claims tbody tr')]"
        ".filter(row => row.getClientRects().length).map(row => row.id);"
    )
    opened(chromium, f"{address}?only=prox.*")
    found = chromium.execute_script(shown)
    assert sorted(found) == sorted(one.id for one in CLAIMS if one.id.startswith("prox."))
    opened(chromium, f"{address}?only=lemma-1")
    assert sorted(chromium.execute_script(shown)) == ["gaussian.acute-angle", "gaussian.lemma-1"]
    opened(chromium, address)
    assert len(chromium.execute_script(shown)) == len(CLAIMS)


class Silent(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_):
        pass


def served(folder):
    """Return a server of a folder on this machine."""
    return ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(folder)))


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_search_finds(site, chromium, scheme):
    server = served(site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        base = (
            site.resolve().as_uri()
            if scheme == "file"
            else f"http://127.0.0.1:{server.server_port}"
        )
        chromium.get(f"{base}/search.html?q=invariance")
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(chromium, 30).until(
            lambda driver: driver.find_elements(
                "css selector", "#search-results li a[href*='theory.html']"
            )
        )
        WebDriverWait(chromium, 30).until(
            lambda driver: (
                "invariance" in driver.current_url
                and "page" in driver.find_element("css selector", "#search-results").text
            )
        )
        assert [one["message"] for one in chromium.get_log("browser")] == []
    finally:
        server.shutdown()
        server.server_close()

"""docs/theory.md: its formulas render, its links lead somewhere, and its claims and names exist."""

import importlib
import re
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from zeroone.claims.registry import CLAIMS

ROOT = Path(__file__).parent.parent
THEORY = ROOT / "docs" / "theory.md"
NOTATION = ROOT / "tutorials" / "00_notation.py"
CITING = ("zeroone", "tests", "tutorials", "figures", "docs")

# What code-hosting sites refuse, or treat differently from each other.
UNSUPPORTED = (
    "begin{align",
    "begin{equation",
    "class",
    "cssId",
    "def",
    "gdef",
    "href",
    "include",
    "let",
    "label",
    "mathchoice",
    "newcommand",
    "operatorname",
    "ref",
    "renewcommand",
    "require",
    "style",
    "unicode",
)
IDS = [claim.id for claim in CLAIMS]
AREAS = {claim_id.split(".")[0] for claim_id in IDS}
FENCE = re.compile(r"^```math\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")


@pytest.fixture(scope="module")
def text():
    return THEORY.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def prose(text):
    """Return the text without displayed formulas, and with code blanked out."""
    return CODE.sub("`code`", FENCE.sub("", text))


@pytest.fixture(scope="module")
def formulas(text, prose):
    return FENCE.findall(text) + re.findall(r"\$([^$]+)\$", prose)


@pytest.fixture(scope="module")
def named_claims(text):
    """Return ids of claims in the text, patterns with a star among them."""
    return {code for code in CODE.findall(text) if code.split(".")[0] in AREAS and "." in code}


def matched(patterns):
    return {claim_id for claim_id in IDS if any(fnmatchcase(claim_id, one) for one in patterns)}


# ------------------------------------------------------------------------------- links


def test_every_section_has_an_anchor_above_its_heading(text):
    headings = re.findall(r"^.*\n#{2,} .*$", text, re.MULTILINE)
    assert len(headings) >= 18
    for found in headings:
        assert re.match(r'<a id="[a-z][a-z0-9-]*"></a>\n#{2,} ', found), found
    anchors = re.findall(r'<a id="([^"]+)"></a>', text)
    assert [name for name, times in Counter(anchors).items() if times > 1] == []


def test_links_lead_somewhere(text):
    anchors = set(re.findall(r'<a id="([^"]+)"></a>', text))
    for target in re.findall(r"\]\(([^)]+)\)", CODE.sub("", FENCE.sub("", text))):
        if target.startswith("#"):
            assert target[1:] in anchors, target
        else:
            assert (THEORY.parent / target).exists(), target


def test_citations_lead_to_a_section(text):
    anchors = set(re.findall(r'<a id="([^"]+)"></a>', text))
    cited = 0
    files = [ROOT / "README.md"]
    files += [path for folder in CITING for path in (ROOT / folder).rglob("*")]
    for path in files:
        if path.suffix not in {".py", ".md", ".ipynb", ".html", ".toml"} or path == Path(__file__):
            continue
        content = path.read_text(encoding="utf-8")
        for found in re.findall(r"theory\.md((?:(?:, | and )?#[\w-]+)+)", content):
            for anchor in re.findall(r"#([\w-]+)", found):
                cited += 1
                assert anchor in anchors, (path, anchor)
    assert cited > 100


# ---------------------------------------------------------------------------- formulas


def test_displayed_formulas_are_fenced(text, prose):
    assert text.count("```math") == len(FENCE.findall(text)) > 70
    assert "$$" not in text
    assert len(re.findall(r"^```", prose, re.MULTILINE)) == 0


def test_delimiters_balance(prose, formulas):
    for paragraph in re.split(r"\n(?:\s*\n|(?=[|*#]))", prose):
        assert paragraph.count("$") % 2 == 0, paragraph
    for formula in formulas:
        bare = formula.replace(r"\{", "").replace(r"\}", "")
        assert bare.count("{") == bare.count("}"), formula
        for opening, closing in (("left", "right"), ("lvert", "rvert"), ("lVert", "rVert")):
            macros = re.findall(r"\\([a-zA-Z]+)", formula)
            assert macros.count(opening) == macros.count(closing), formula
        begun = re.findall(r"\\begin\{(\w+)\}", formula)
        assert sorted(begun) == sorted(re.findall(r"\\end\{(\w+)\}", formula)), formula


def test_formulas_have_no_macro_that_is_not_supported_everywhere(formulas):
    for formula in formulas:
        for macro in UNSUPPORTED:
            assert not re.search(rf"\\{re.escape(macro)}(?![a-zA-Z])", formula), formula


def test_inline_formulas_survive_markdown(prose):
    # Markdown reads the text between dollars first: it takes a backslash away before punctuation,
    # a star for emphasis, < for a tag, and | for the next cell of a table.
    for formula in re.findall(r"\$([^$]+)\$", prose):
        assert not re.search(r"\\[^a-zA-Z]|[*|<>\n]", formula), formula
        assert formula == formula.strip()
        assert not re.search(r"\]\(", formula), formula
    for before, after in re.findall(r"(.)\$[^$]+\$(.)", prose, re.DOTALL):
        assert before in " \n(", before
        assert after in " \n.,:;)?!", after


# ----------------------------------------------------------------------------- numbers


def numbers(text):
    """Return the numbers of formulas: those of displays, and those in the first cell of a row."""
    return re.findall(r"\\tag\{([^}]+)\}", text) + re.findall(
        r"^\| \(([A-E]\d?\.\d+)\) \|", text, re.MULTILINE
    )


def test_numbers_are_unique_and_those_of_the_glossary(text):
    here = numbers(text)
    assert len(here) == len(set(here))
    glossary = numbers(NOTATION.read_text(encoding="utf-8"))
    assert len(glossary) > 50
    assert set(glossary) <= set(here)


def test_references_to_formulas_exist(text):
    known = set(numbers(text))
    for path in (THEORY, *sorted((ROOT / "tutorials").glob("*.py"))):
        for number in re.findall(r"\(([UABCDE]\d?\.\d+)\)", path.read_text(encoding="utf-8")):
            assert number in known, (path, number)


# --------------------------------------------------------------------- claims and names


def test_named_claims_exist(named_claims):
    assert len(named_claims) > 80
    for name in named_claims:
        assert matched([name]), name


def test_every_claim_is_named(named_claims):
    assert set(IDS) - matched(named_claims) == set()


def test_named_functions_exist(text):
    names = {code for code in CODE.findall(text) if re.fullmatch(r"zeroone(\.\w+)+", code)}
    assert len(names) > 60
    for name in sorted(names):
        parts = name.split(".")
        depth = next(n for n in range(len(parts), 0, -1) if _is_module(parts[:n]))
        found = importlib.import_module(".".join(parts[:depth]))
        for part in parts[depth:]:
            assert hasattr(found, part), name
            found = getattr(found, part)


def _is_module(parts):
    path = ROOT.joinpath(*parts)
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def lemma_rows(text):
    """Return the label and the claims of each row of the table from lemmas to claims."""
    rows = re.findall(r"^\| `([a-z0-9.-]+)` \|.*\|.*\| ([^|]+) \|$", text, re.MULTILINE)
    return {label: CODE.findall(claims) for label, claims in rows}


def test_lemmas_are_in_the_table(text):
    rows = lemma_rows(text)
    expected = {"theorem-1", "corollary-1.1", "algorithm-1"}
    expected |= {f"lemma-{number}" for number in (1, *range(3, 10))}
    assert expected <= rows.keys()
    for label, patterns in rows.items():
        for pattern in patterns:
            assert matched([pattern]), (label, pattern)


def test_table_agrees_with_what_verify_finds(text):
    lemmas = pytest.importorskip("zeroone.claims.lemmas")
    rows = lemma_rows(text)
    assert rows.keys() == {result.label for result in lemmas.RESULTS}
    for result in lemmas.RESULTS:
        assert matched(rows[result.label]) == matched(result.claims), result.label

"""The table of all claims: what each says, where the theory has it, and what was last found."""

import functools
import re
from typing import Any

from docutils import nodes
from names import canonical, name_link
from results import LABELS, ROOT, claims_named, last_results, prepare
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from zeroone.claims.claim import Claim
from zeroone.claims.registry import CLAIMS

# The first part of an id, and what its claims are about, in the order of the theory.
AREAS = {
    "gaussian": "The no-overlap network: expectations, gradients, lemmas",
    "prox": "Proximal maps",
    "rvscgd": "RVSCGD",
    "admm": "ADMM",
    "bcd": "Block coordinate descent",
    "targetprop": "Targets, separability, certified optima",
    "network": "Networks and convolutions",
    "two-layer": "The two-layer network",
}
HEAD = ("claim", "says", "theory", "instances", "margin", "verdict")


def area_of(claim_id: str) -> str:
    """Return the first part of an id."""
    return claim_id.partition(".")[0]


def areas() -> list[str]:
    """Return the areas in their order; one that is not known yet comes last."""
    found = dict.fromkeys(area_of(claim.id) for claim in CLAIMS)
    return sorted(found, key=lambda area: list(AREAS).index(area) if area in AREAS else len(AREAS))


def sections_of(claim: Claim) -> list[str]:
    """Return the sections of the theory that a claim's source cites, or else those that name it."""
    found = re.search(r"theory\.md((?:(?:, | and )?#[\w-]+)+)", claim.source)
    if found:
        return re.findall(r"#([\w-]+)", found[1])
    return [name for name, text in sections().items() if claim.id in text]


@functools.cache
def sections() -> dict[str, set[str]]:
    """Return the ids of the claims that each section of the theory names, but for the overview."""
    text = (ROOT / "docs" / "theory.md").read_text(encoding="utf-8")
    parts = re.split(r'^<a id="([\w-]+)"></a>$', text, flags=re.MULTILINE)[1:]
    named = {}
    for name, content in zip(parts[::2], parts[1::2], strict=True):
        codes = re.findall(r"`([a-z][^`\s]*\.[^`\s]*)`", content) if name != "lemmas" else []
        named[name] = {one for code in codes for one in claims_named(code)}
    return named


def function_of(claim: Claim) -> str | None:
    """Return the name of the documented function that a claim is about, or None."""
    subject = claim.subject
    while isinstance(subject, functools.partial):
        subject = subject.func
    name = f"{getattr(subject, '__module__', '')}.{getattr(subject, '__qualname__', '')}"
    if "<" in name or not name.startswith("zeroone.") or name.startswith("zeroone.claims."):
        return None
    return canonical(name)


def module_of(claim: Claim) -> str | None:
    """Return the module in which a claim's instances are drawn, where its oracle stands too."""
    sample: Any = claim.sample
    while isinstance(sample, functools.partial):
        sample = sample.func
    name: str = getattr(sample, "__module__", "")
    return name if name.startswith("zeroone.claims.") else None


def verdict(result: dict[str, Any] | None) -> tuple[str, str]:
    """Return a verdict in words, and its class."""
    if result is None:
        return "not run", "unknown"
    if result["passed"]:
        return "holds", "holds"
    if result["undecided"]:
        return "too few instances", "unknown"
    return f"FAILS: {result['reason']}", "fails"


class ClaimsTable(SphinxDirective):
    """``{claims-table}``: a table for each area, and when the results were found."""

    def run(self) -> list[nodes.Node]:
        """Return the nodes."""
        found = last_results()
        self.env.note_dependency(__file__)
        by_id = {result["id"]: result for result in found["claims"]}
        held = sum(result["passed"] for result in found["claims"])
        cases = "" if found["cases"] is None else f", {found['cases']} instances of each"
        text = (
            f"{held} of {len(CLAIMS)} claims held on {found['date']}, with version "
            f"{found['version']}, seed {found['seed']}, profile {found['profile']}{cases}."
        )
        made: list[nodes.Node] = [nodes.paragraph("", text, classes=["claims-summary"])]
        for area in areas():
            claims = [claim for claim in CLAIMS if area_of(claim.id) == area]
            made.append(nodes.rubric("", AREAS.get(area, area)))
            made.append(self.table([self.row(claim, by_id.get(claim.id)) for claim in claims]))
        return made

    def table(self, rows: list[nodes.row]) -> nodes.table:
        """Return a table with the usual head."""
        group = nodes.tgroup("", cols=len(HEAD))
        group += [nodes.colspec(colwidth=1) for _ in HEAD]
        head = nodes.row("", *(cell(nodes.Text(words)) for words in HEAD))
        group += nodes.thead("", head)
        group += nodes.tbody("", *rows)
        return nodes.table("", group, classes=["claims"])

    def row(self, claim: Claim, result: dict[str, Any] | None) -> nodes.row:
        """Return a claim's row."""
        words, kind = verdict(result)
        margin = result["worst_margin"] if result else None
        labels = result["results"] if result else []
        return nodes.row(
            "",
            cell(nodes.literal(claim.id, claim.id), *self.about(claim, labels)),
            cell(nodes.Text(claim.statement), *self.hypotheses(claim)),
            cell(*self.theory(claim)),
            cell(nodes.Text(f"{result['instances']:,}" if result else "")),
            cell(nodes.Text("" if margin is None else f"{margin:.2g}")),
            cell(nodes.inline("", words, classes=[f"verdict-{kind}"])),
            ids=[claim.id],
            classes=[f"result-{label.replace('.', '-')}" for label in labels if label in LABELS],
        )

    def about(self, claim: Claim, labels: list[str]) -> list[nodes.Node]:
        """Return the second line of a claim's first cell: its kind, function, oracle, results."""
        pieces: list[nodes.Node] = [nodes.Text(str(claim.kind))]
        for words, name in (("about", function_of(claim)), ("oracle in", module_of(claim))):
            reference = name_link(self.env.docname, name) if name else None
            if reference is not None and name:
                short = name.rpartition(".")[2]
                reference.children = [nodes.literal(short, short)]
                pieces += [nodes.Text(f" · {words} "), reference]
        if labels:
            pieces.append(nodes.Text(f" · {', '.join(labels)}"))
        return [nodes.inline("", "", *pieces, classes=["small"])]

    def hypotheses(self, claim: Claim) -> list[nodes.Node]:
        """Return what the sampler sees to, as a second line."""
        if not claim.hypotheses:
            return []
        return [nodes.inline("", claim.hypotheses, classes=["small"])]

    def theory(self, claim: Claim) -> list[nodes.Node]:
        """Return links to the sections of the theory from which a claim comes."""
        page = self.env.app.builder.get_relative_uri(self.env.docname, "theory")
        pieces: list[nodes.Node] = []
        for section in sections_of(claim):
            pieces += [nodes.Text(" ")] if pieces else []
            words = section.upper() if len(section) < 4 else section
            pieces.append(nodes.reference("", words, refuri=f"{page}#{section}", internal=True))
        return pieces


def cell(*content: nodes.Node) -> nodes.entry:
    """Return a cell with one paragraph."""
    return nodes.entry("", nodes.paragraph("", "", *content))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive, and see that there are results."""
    app.connect("builder-inited", lambda app: prepare())
    app.add_directive("claims-table", ClaimsTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

r"""Formulas as MathML, made while the site is built: a page needs no script and no connection.

What a formula is written in is LaTeX; `math_core` makes MathML of it, which browsers
draw themselves. A number, ``\tag{A1.4}``, becomes a link to the formula, whose address is
``#eq-A1.4``.
"""

import re
from typing import Any

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.application import Sphinx
from sphinx.util import logging

TAG = re.compile(r"\\tag\{([^}]+)\}")
# Letters of LaTeX from which on a formula may be wider than a phone.
LONG = 70
CONVERTER = LatexToMathML(fancy_error=False)
logger = logging.getLogger(__name__)


def number_of(formula: str) -> str | None:
    """Return the number of a formula, such as A1.4, or None."""
    found = TAG.search(formula)
    return found.group(1) if found else None


def anchor(number: str) -> str:
    """Return the address of a numbered formula within its page."""
    return f"eq-{number}"


def mathml(formula: str, displayed: bool) -> str:
    """Return a formula as a ``<math>`` element, without its number.

    Raises
    ------
    ValueError
        If there is something in it that is not known.
    """
    latex = " ".join(TAG.sub("", formula).split())
    latex = re.sub(r"\\$", r"\\ ", latex)
    try:
        return CONVERTER.convert_with_local_state(latex, displaystyle=displayed)
    except LatexError as error:
        raise ValueError(f"formula must be LaTeX that math_core knows: {error}") from None


def written(node: nodes.Node, displayed: bool) -> str:
    """Return the MathML of a node; what cannot be read is a warning, and shown as text."""
    try:
        return mathml(node.astext(), displayed)
    except ValueError as error:
        logger.warning(str(error), location=node, type="math")
        return f"<code>{nodes.unescape(node.astext())}</code>"


def visit_inline(translator: Any, node: nodes.math) -> None:
    """Write a formula within a line; a long one scrolls where the screen is narrow."""
    made = written(node, displayed=False)
    long = len(node.astext()) > LONG
    translator.body.append(f'<span class="formula-long">{made}</span>' if long else made)
    raise nodes.SkipNode


def visit_displayed(translator: Any, node: nodes.math_block) -> None:
    """Write a formula on a line of its own, with its number at the right."""
    number = number_of(node.astext())
    name = f' id="{node["ids"][0]}"' if node["ids"] else ""
    label = ""
    if number:
        link = f' href="#{node["ids"][0]}"' if node["ids"] else ""
        label = f'<a class="formula-number"{link}>({number})</a>'
    math = written(node, displayed=True)
    translator.body.append(
        f'<div class="formula"{name}><div class="formula-scroll" tabindex="0">{math}</div>'
        f"{label}</div>\n"
    )
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer under the name ``mathml``."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_displayed, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}

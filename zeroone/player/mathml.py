"""Equations as MathML, which browsers show without any help: from a small part of LaTeX.

What is not in `IDENTIFIERS`, `OPERATORS` and `parse_one` is refused.
"""

import re
from collections.abc import Sequence
from html import escape

# A command, and the element that stands for it.
IDENTIFIERS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "eta": "η", "theta": "θ", "kappa": "κ",
    "lambda": "λ", "mu": "μ", "pi": "π", "tau": "τ", "ell": "ℓ", "infty": "∞",
}  # fmt: skip
OPERATORS = {
    "leftarrow": "←", "cdot": "·", "le": "≤", "ge": "≥", "ne": "≠", "in": "∈", "iff": "⟺",
    "sum": "∑", "min": "min", "nabla": "∇", "quad": " ", "top": "⊤", "times": "×",
    "{": "{", "}": "}", "|": "‖", "#": "#", "lVert": "‖", "rVert": "‖", "ast": "∗", "to": "→",
    "gt": ">", "lt": "<",
}  # fmt: skip
# What hangs below instead of beside: the index of a sum, the variable of a minimum.
LARGE = ("sum", "min")
TOKEN = re.compile(r"\\(?:text|mathrm)\{[^{}]*\}|\\(?:[a-zA-Z]+|.)|\d+(?:\.\d+)?|\s+|.", re.DOTALL)


def element(name: str, *children: str, **attributes: str) -> str:
    """Return an element with its children."""
    given = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<{name}{given}>{''.join(children)}</{name}>"


def mathml(equation: str, *, display: str = "block") -> str:
    r"""Return an equation, written in a small part of LaTeX, as a ``<math>`` element.

    Parameters
    ----------
    equation : str
        Letters, numbers, operators, ``_`` and ``^`` followed by one thing or by braces, the
        commands of `IDENTIFIERS` and `OPERATORS`, and ``\frac``, ``\sqrt``, ``\hat``, ``\text``
        and ``\mathrm`` with braces.
    display : {"block", "inline"}
        On a line of its own, or within one.

    Returns
    -------
    str
        With the equation itself as the text that is read where MathML is not known.

    Raises
    ------
    ValueError
        If there is a command that is not known, or a brace without its other one.

    Examples
    --------
    >>> mathml("x^2")[:69]
    '<math display="block" alttext="x^2"><msup><mi>x</mi><mn>2</mn></msup>'
    """
    tokens = [match.group() for match in TOKEN.finditer(equation) if match.group().strip()]
    content, rest = parse_until(tokens, None)
    if rest:
        raise ValueError(f"equation must have its braces in pairs, but is {equation!r}")
    return element("math", content, display=display, alttext=escape(equation, quote=True))


def parse_until(tokens: list[str], end: str | None) -> tuple[str, list[str]]:
    """Return a row of elements up to a token, and the tokens after it.

    Raises
    ------
    ValueError
        If the token does not come.
    """
    row: list[str] = []
    while tokens and tokens[0] != end:
        if tokens[0] == "}":
            return "".join(row), tokens
        one, tokens = parse_scripts(tokens)
        row.append(one)
    if end is not None:
        if not tokens:
            raise ValueError(f"equation must have a {end!r} where it ends")
        tokens = tokens[1:]
    return "".join(row), tokens


def parse_scripts(tokens: list[str]) -> tuple[str, list[str]]:
    """Return one element with what hangs at it below and above, and the tokens after it."""
    large = tokens[0][1:] in LARGE and tokens[0][0] == "\\"
    base, tokens = parse_one(tokens)
    scripts: dict[str, str] = {}
    while tokens and tokens[0] in "_^":
        place = tokens[0]
        scripts[place], tokens = parse_one(tokens[1:])
    if not scripts:
        return base, tokens
    if large:
        return element("munder", base, scripts["_"]), tokens
    names = {"_": "msub", "^": "msup", "_^": "msubsup"}
    both = "".join(sorted(scripts, key="_^".index))
    return element(names[both], base, *(scripts[place] for place in both)), tokens


def parse_one(tokens: list[str]) -> tuple[str, list[str]]:
    """Return one element, or a row in braces, and the tokens after it.

    Raises
    ------
    ValueError
        If it is a command that is not known, or there is nothing.
    """
    if not tokens:
        raise ValueError("equation must have something where it ends")
    token, *rest = tokens
    if token == "{":
        row, rest = parse_until(rest, "}")
        return element("mrow", row), rest
    if token[0] == "\\":
        name = token[1:]
        if name in IDENTIFIERS:
            return element("mi", IDENTIFIERS[name]), rest
        if name == "quad":
            return element("mspace", width="1em"), rest
        if name in OPERATORS:
            return element("mo", escape(OPERATORS[name]), stretchy="false"), rest
        if name == "frac":
            above, rest = parse_one(rest)
            below, rest = parse_one(rest)
            return element("mfrac", above, below), rest
        if name == "sqrt":
            inside, rest = parse_one(rest)
            return element("msqrt", inside), rest
        if name == "hat":
            inside, rest = parse_one(rest)
            return element("mover", inside, element("mo", "^"), accent="true"), rest
        kind, brace, words = name.rstrip("}").partition("{")
        if brace and kind == "mathrm":
            return element("mi", escape(words), mathvariant="normal"), rest
        if brace:
            return element("mtext", escape(words.replace(" ", "\xa0"))), rest
        raise ValueError(f"equation must have known commands, but has {token}")
    if token[0].isdigit():
        return element("mn", token), rest
    if token.isalpha():
        return element("mi", token), rest
    sign = {"-": "−", "*": "∗", "'": "′"}.get(token, escape(token))
    return element("mo", sign, stretchy="false"), rest


def all_of(equations: Sequence[str]) -> list[str]:
    """Return several equations as MathML."""
    return [mathml(equation) for equation in equations]

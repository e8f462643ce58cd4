"""Mutants: one small error each in a module of formulas.

Constants, signs, operators, comparisons, axes, minima for maxima, and dropped terms. What only
speaks to people (docstrings, messages, checks of arguments, annotations) is left alone.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parent.parent.parent / "zeroone"
# The modules that hold the theory's formulas.
MODULES = (
    "bcd/blocks.py",
    "bcd/neurons.py",
    "bcd/neurons_grouped.py",
    "bcd/objective.py",
    "bcd/pooled.py",
    "bcd/proximal.py",
    "bcd/regression.py",
    "exact/dichotomies.py",
    "exact/separability.py",
    "gaussian/filters.py",
    "gaussian/limits.py",
    "gaussian/population.py",
    "gaussian/rvscgd.py",
    "gaussian/sampling.py",
    "gaussian/theory.py",
    "losses.py",
    "nets/compress.py",
    "nets/normalisation.py",
    "nets/pooling.py",
    "nets/scaling.py",
    "penalties.py",
    "targetprop/splitting.py",
    "targetprop/targets.py",
)
OPERATORS: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
}
COMPARISONS: dict[type[ast.cmpop], tuple[str, tuple[str, ...]]] = {
    ast.Lt: ("<", ("<=", ">")),
    ast.LtE: ("<=", ("<", ">")),
    ast.Gt: (">", (">=", "<")),
    ast.GtE: (">=", (">", "<")),
    ast.Eq: ("==", ("!=",)),
    ast.NotEq: ("!=", ("==",)),
}
NAMES = {
    "maximum": "minimum",
    "minimum": "maximum",
    "max": "min",
    "min": "max",
    "argmin": "argmax",
    "argmax": "argmin",
    "sin": "cos",
    "cos": "sin",
    "sum": "mean",
    "mean": "sum",
    "any": "all",
    "all": "any",
}
# Functions that only check what they are given, or say what something is.
LEFT_ALONE = ("check_", "_check_", "__repr__", "__post_init__", "row_blocks")


@dataclass(frozen=True)
class Mutant:
    """One error: a piece of a module's text and what stands in its place.

    Parameters
    ----------
    module : str
        Path inside the package.
    function : str
        Where it is.
    line, column, end_line, end_column : int
        Of the piece; lines from 1, columns in bytes from 0.
    kind, before, after : str
    """

    module: str
    function: str
    line: int
    column: int
    end_line: int
    end_column: int
    kind: str
    before: str
    after: str

    @property
    def name(self) -> str:
        """What tells the mutant from all others while the module stays as it is."""
        return f"{self.module}:{self.line}:{self.column} {self.before} -> {self.after}"

    def applied(self, text: str) -> str:
        """Return the module's text with the error in it."""
        lines = text.encode().split(b"\n")
        first, last = lines[self.line - 1], lines[self.end_line - 1]
        joined = first[: self.column] + self.after.encode() + last[self.end_column :]
        lines[self.line - 1 : self.end_line] = [joined]
        return b"\n".join(lines).decode()


class Finder(ast.NodeVisitor):
    """Collect the mutants of a module."""

    def __init__(self, module: str, text: str) -> None:
        self.module, self.text, self.lines = module, text, text.encode().split(b"\n")
        self.functions: list[str] = []
        self.found: list[Mutant] = []

    def piece(self, node: ast.AST) -> str:
        """Return the text of a node."""
        return ast.get_source_segment(self.text, node) or ""

    def add(self, kind: str, span: tuple[int, int, int, int], before: str, after: str) -> None:
        """Add a mutant inside a function, if it changes something."""
        if self.functions and before != after:
            self.found.append(
                Mutant(self.module, ".".join(self.functions), *span, kind, before, after)
            )

    def replace(self, kind: str, node: ast.AST, after: str) -> None:
        """Add the mutant with a node's text replaced."""
        span = (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
        self.add(kind, span, self.piece(node), after)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Go into the body, past the docstring and the annotations."""
        if node.name.startswith(LEFT_ALONE):
            return
        self.functions.append(node.name)
        body = node.body
        if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            body = body[1:]
        for statement in body:
            self.visit(statement)
        self.functions.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Go into the methods."""
        self.functions.append(node.name)
        for statement in node.body:
            if isinstance(statement, ast.FunctionDef):
                self.visit(statement)
        self.functions.pop()

    def visit_Raise(self, node: ast.Raise) -> None:
        """Leave messages alone."""

    def visit_Assert(self, node: ast.Assert) -> None:
        """Leave assertions alone."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Leave messages alone."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """Leave the annotation alone."""
        if node.value is not None:
            self.visit(node.value)

    def visit_If(self, node: ast.If) -> None:
        """Leave alone what only guards an error."""
        if len(node.body) == 1 and isinstance(node.body[0], ast.Raise):
            return
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """Exchange functions for their opposites, and change axes."""
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name.startswith(("check_", "_check_")):
            return
        if name in NAMES and isinstance(node.func, ast.Attribute):
            end = node.func.end_lineno, node.func.end_col_offset
            assert end[0] is not None
            assert end[1] is not None
            span = (end[0], end[1] - len(name), end[0], end[1])
            self.add("function", span, name, NAMES[name])
        for keyword in node.keywords:
            if keyword.arg == "axis" and self.piece(keyword.value) in ("0", "1", "-1", "-2"):
                other = {"0": "1", "1": "0", "-1": "-2", "-2": "-1"}[self.piece(keyword.value)]
                self.replace("axis", keyword.value, other)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        """Exchange operators, and drop the second term."""
        if type(node.op) in OPERATORS:
            before, after = OPERATORS[type(node.op)]
            left, right = node.left, node.right
            assert left.end_lineno is not None
            assert left.end_col_offset is not None
            if left.end_lineno == right.lineno:
                between = self.lines[right.lineno - 1][left.end_col_offset : right.col_offset]
                place = between.decode().find(before)
                if place >= 0:
                    column = left.end_col_offset + place
                    span = (right.lineno, column, right.lineno, column + len(before))
                    self.add("operator", span, before, after)
            if isinstance(node.op, ast.Add | ast.Sub):
                self.replace("dropped term", node, self.piece(node.left))
            if isinstance(node.op, ast.Mult | ast.Div):
                self.replace("dropped factor", node, self.piece(node.left))
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        """Drop a sign or a negation."""
        if isinstance(node.op, ast.USub | ast.Invert | ast.Not):
            self.replace("sign", node, self.piece(node.operand))
        if not isinstance(node.operand, ast.Constant):
            self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        """Exchange comparisons."""
        if len(node.ops) == 1 and type(node.ops[0]) in COMPARISONS:
            before, others = COMPARISONS[type(node.ops[0])]
            left, right = node.left, node.comparators[0]
            assert left.end_col_offset is not None
            if left.end_lineno == right.lineno:
                between = self.lines[right.lineno - 1][left.end_col_offset : right.col_offset]
                place = between.decode().find(before)
                if place >= 0:
                    column = left.end_col_offset + place
                    span = (right.lineno, column, right.lineno, column + len(before))
                    for after in others:
                        self.add("comparison", span, before, after)
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """Leave indices alone: a wrong one is another shape, which breaks at once."""
        self.visit(node.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        """Change a number."""
        if isinstance(node.value, bool):
            self.replace("constant", node, str(not node.value))
        elif isinstance(node.value, int):
            self.replace("constant", node, str(node.value + 1))
        elif isinstance(node.value, float) and node.value not in (0.0, float("inf")):
            self.replace("constant", node, repr(node.value * 1.5))


def of_module(module: str, package: Path = PACKAGE) -> list[Mutant]:
    """Return the mutants of one module, in the order of its text."""
    text = (package / module).read_text(encoding="utf-8")
    finder = Finder(module, text)
    finder.visit(ast.parse(text))
    unique = {mutant.name: mutant for mutant in finder.found}
    return sorted(unique.values(), key=lambda each: (each.line, each.column, each.after))


def all_mutants(package: Path = PACKAGE) -> Iterator[Mutant]:
    """Yield the mutants of all modules."""
    for module in MODULES:
        yield from of_module(module, package)

"""The house: which floor imports from which, what `import zeroone` costs, words not used."""

import ast
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import zeroone

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "zeroone"

# From the ground up. A room imports from its own floor or from one below; the rooms of a floor that
# are marked "apart" do not import each other.
FLOORS = (
    (("support",), ""),
    (("activations", "penalties", "losses"), ""),
    (("nets", "steps", "datasets"), ""),
    (("bcd", "targetprop", "gaussian", "exact"), "apart"),
    (("claims", "estimators"), ""),
    (("player", "plots"), ""),
    (("cli", "commands", "__main__"), ""),
)
ROOMS = {room: number for number, (rooms, _) in enumerate(FLOORS) for room in rooms}
# Beside the house: grading may use its floor, which is the ground.
BESIDE = {"grading": {"support"}}
# The whole package imports its version from the package itself.
EVERYWHERE = {"zeroone"}

MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}


def room_of(module):
    """Return the part of the package to which a module belongs; the package itself is its own."""
    return module.split(".")[1] if "." in module else module


@cache
def imports_of(module, inside_functions=True):
    """Return the modules of the package that a module imports, inside functions too."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    found = set()
    nodes = ast.walk(tree) if inside_functions else top_level(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.split(".")[0] == "zeroone"}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "zeroone":
            assert not node.level
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in MODULES else node.module)
    return frozenset(found - {module})


def top_level(tree):
    """Yield what runs when a module is imported: not what is in functions or for type checkers."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def may_import(room, other):
    """Return whether the floors allow it."""
    if other in EVERYWHERE or room == other:
        return True
    if room in BESIDE or other in BESIDE:
        return other in BESIDE.get(room, ()) or (other in BESIDE and room in FLOORS[-1][0])
    if ROOMS[room] == ROOMS[other]:
        return FLOORS[ROOMS[room]][1] != "apart"
    return ROOMS[room] > ROOMS[other]


def test_every_room_has_a_floor():
    rooms = {room_of(module) for module in MODULES} - EVERYWHERE
    assert rooms <= {*ROOMS, *BESIDE}


def test_imports_lead_down():
    wrong = [
        f"{module} imports {other}"
        for module in MODULES
        if module not in EVERYWHERE
        for other in sorted(imports_of(module))
        if not may_import(room_of(module), room_of(other))
    ]
    assert not wrong, "\n".join(wrong)


def test_the_rules_of_the_floors():
    assert may_import("cli", "bcd")
    assert may_import("commands", "grading")
    assert may_import("claims", "estimators")
    assert not may_import("bcd", "targetprop")
    assert not may_import("gaussian", "exact")
    assert not may_import("penalties", "gaussian")
    assert not may_import("claims", "grading")
    assert not may_import("grading", "claims")


def test_no_module_imports_itself_in_a_circle():
    """When modules are imported; a function may import what is above it in its own room."""
    state = {}

    def visit(module, path):
        if state.get(module) == "done":
            return
        assert state.get(module) != "open", " > ".join([*path, module])
        state[module] = "open"
        for other in sorted(imports_of(module, inside_functions=False)):
            visit(other, [*path, module])
        state[module] = "done"

    for module in MODULES:
        visit(module, [])


def reached(module):
    """Return the modules that importing one brings in, packages that only hold others left out."""
    found, waiting = set(), [module]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += imports_of(one, inside_functions=False)
    return {one for one in found if MODULES[one].name != "__init__.py"}


@pytest.mark.parametrize(
    ("module", "most"), [("zeroone.gaussian.rvscgd", 8), ("zeroone.bcd.full_batch", 12)]
)
def test_an_algorithm_is_read_in_few_modules(module, most):
    assert len(reached(module)) <= most, sorted(reached(module))


# Built from pieces, so that this file does not hold them itself.
NOT_OURS = ("../" + "shared", "issue" + " #", "/wo" + "rk/")


@pytest.mark.parametrize("folder", ["zeroone", "tutorials", "figures", "tests"])
def test_the_project_speaks_of_itself_alone(folder):
    for path in sorted((ROOT / folder).rglob("*")):
        if path.suffix in (".py", ".md", ".toml", ".ipynb"):
            text = path.read_text(encoding="utf-8")
            for words in NOT_OURS:
                assert words not in text, (path, words)


@pytest.mark.parametrize("folder", ["zeroone", "tutorials", "figures", "tests/benchmarks"])
def test_messages_name_the_distribution(folder):
    """What ``pip install`` finds under the name of the package is another project's."""
    for path in sorted((ROOT / folder).rglob("*")):
        if path.suffix in (".py", ".md", ".sh", ".ipynb"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"\bzeroone\[|pip install [\"']?zeroone\b(?!-nets)", text), path


# ------------------------------------------------------------------------------- the public names

LIGHT = """
import sys
import zeroone
assert "numpy" not in sys.modules
listed = dir(zeroone)
assert not {name for name in sys.modules if name.startswith("zeroone.")}
for name in listed:
    getattr(zeroone, name)
heavy = {"matplotlib", "sklearn", "torch", "hypothesis", "distributed"} & set(sys.modules)
assert not heavy, heavy
assert zeroone.verify.__module__ == "zeroone.claims.runner"
assert zeroone.rvscgd.__name__ == "zeroone.gaussian.rvscgd"
assert zeroone.load.__module__ == "zeroone.nets.network"
print(*listed)
"""


def test_public_names_come_on_demand():
    done = subprocess.run(
        [sys.executable, "-c", LIGHT], capture_output=True, text=True, env={**os.environ}
    )
    assert done.returncode == 0, done.stderr
    listed = set(done.stdout.split())
    assert {
        "BCDClassifier", "FullBatchBCDClassifier", "FTPropClassifier", "ZeroOneMLP", "load",
        "load_digits", "rvscgd", "verify", "L0", "L1", "MCP", "SCAD", "penalties", "Step",
        "__version__",
    } <= listed  # fmt: skip


def test_public_names_are_those_that_type_checkers_see():
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname: f"{node.module}.{alias.name}" for node in block.body for alias in node.names
    }
    offered = {name: f"zeroone.{path}" for name, path in zeroone._path_of.items()}
    offered |= {name: f"zeroone.{home}.{name}" for name, home in zeroone._module_of.items()}
    assert seen == offered


def test_a_name_that_is_not_public():
    with pytest.raises(AttributeError, match="module 'zeroone' has no attribute 'nothing'"):
        _ = zeroone.nothing
    with pytest.raises(ImportError):
        from zeroone import nothing  # noqa: F401

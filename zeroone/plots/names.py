"""What terms, losses, slopes and penalties are called in pictures and in tables for people.

Files (CSV, JSON) and options keep the names of the code, such as ``coupling_1``.
"""

import re

# A term of the objective, by its name without the number of its layer (docs/theory.md#b).
TERMS = {
    "objective": "objective",
    "fit": "fit",
    "coupling": "coupling of",
    "activation": "activations of",
    "ridge": "ridge",
    "sparsity": "sparsity",
    "loss": "loss of",
}
WORDS = {
    "relu": "ReLU",
    "clipped_relu": "clipped ReLU",
    "l0": "\u2113\u2080",
    "l1": "\u2113\u2081",
    "tl1": "transformed \u2113\u2081",
    "mcp": "MCP",
    "scad": "SCAD",
    "admm": "ADMM",
    "rvscgd": "RVSCGD",
}


def term_name(name: str) -> str:
    """Return what a term of an objective is called: "coupling of layer 1" for ``coupling_1``.

    A name that is none of a known term comes back with blanks for its underscores.
    """
    found = re.fullmatch(r"([a-z]+)_(\d+)", name)
    if found and found[1] in TERMS:
        return f"{TERMS[found[1]]} layer {found[2]}"
    return TERMS.get(name, name.replace("_", " "))


def plain_name(name: str) -> str:
    """Return what a loss, a slope or a penalty is called: "saturated hinge", "clipped ReLU"."""
    return WORDS.get(name, name.replace("_", " "))

"""Names of variables for parameters of modules: valid ones, and no two parameters share one."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence

#: What a gateway takes, and what it refuses as the form of an id.
_MOST = 128
_LIKE_AN_ID = re.compile(r"var_.*_\d+\Z", re.DOTALL)


def variable_names(prefix: str, parameters: Sequence[tuple[str, str]], alone: bool) -> list[str]:
    """A name for each parameter, the same ones every time.

    What a name cannot have (the dots and brackets of a path) becomes `_`. Where two parameters would get the same name
    by that, those whose path was changed are told apart by a hash of the path.

    Args:
        prefix: What all of them begin with, as it is.
        parameters: Path and key of each, every pair once.
        alone: Whether there is one predictor only, whose path need not be said.
    """
    plain = [prefix + (key if alone else f"{path}_{key}") for path, key in parameters]
    names = [_fitting(prefix, name) for name in plain]
    taken: dict[str, int] = {}
    for index, name in enumerate(names):
        first = taken.setdefault(name, index)
        if name == plain[index] and names[first] != plain[first]:
            taken[name] = index  # who has the name by right goes first
    return [name if taken[name] == index else _told_apart(name, parameters[index]) for index, name in enumerate(names)]


def _fitting(prefix: str, name: str) -> str:
    rest = "".join(letter if _is_welcome(letter) else "_" for letter in name[len(prefix) :])
    rest = re.sub("_{2,}", "_", rest.replace("]_", "_")) if rest != name[len(prefix) :] else rest
    fitting = prefix + rest
    if not prefix and fitting[:1] != "_" and unicodedata.category(fitting[:1] or "_")[0] != "L":
        fitting = f"_{fitting}"
    if _LIKE_AN_ID.match(fitting):
        fitting += "_"
    if len(fitting) > _MOST:
        fitting = f"{fitting[: _MOST - 18]}_{_hash(name)}"
    return fitting


def _is_welcome(letter: str) -> bool:
    return letter == "_" or unicodedata.category(letter)[0] in "LN"


def _told_apart(name: str, parameter: tuple[str, str]) -> str:
    path, key = parameter
    return f"{name[: _MOST - 18]}_{_hash(f'{path}.{key}')}"


def _hash(text: str) -> str:
    return f"x{hashlib.sha256(text.encode()).hexdigest()[:8]}"

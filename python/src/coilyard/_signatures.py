"""What a declared function takes and how it answers, read once from its signature and docstring."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

_SECTION = re.compile(r"^(Args|Arguments|Parameters|Returns|Return|Raises|Yields|Examples?|Note|Notes):\s*$")
_PARAMETER = re.compile(r"^\*{0,2}(\w+)\s*(?:\([^)]*\))?:\s*(.*)$")


@dataclass(frozen=True)
class Parameters:
    """The parameters of a function.

    Attributes:
        named: Those that callers give by name, with their annotation and default (`inspect.Parameter.empty`: none).
        session: The name of the parameter that takes the `SessionContext`, if there is one.
        open_ended: Whether it takes any further name (`**kwargs`).
    """

    named: dict[str, tuple[Any, Any]]
    session: str | None
    open_ended: bool

    def accepts(self, name: str) -> bool:
        """Whether a caller may give this name."""
        return self.open_ended or name in self.named

    def without(self, names: Collection[str]) -> Parameters:
        """The same without these names."""
        left = {name: parameter for name, parameter in self.named.items() if name not in names}
        return Parameters(left, self.session, self.open_ended)

    def required(self) -> list[str]:
        """The names that callers must give."""
        return [name for name, (_, default) in self.named.items() if default is inspect.Parameter.empty]


def read_parameters(function: Callable[..., Any]) -> Parameters:
    """Reads a signature.

    Raises:
        TypeError: It has parameters that cannot be given by name.
    """
    hints = _hints(function)
    named: dict[str, tuple[Any, Any]] = {}
    session, open_ended = None, False
    for name, parameter in inspect.signature(function).parameters.items():
        annotation = hints.get(name, Any)
        if parameter.kind in {parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL}:
            raise TypeError(f"{function.__qualname__}: parameter {name!r} cannot be given by name")
        if parameter.kind is parameter.VAR_KEYWORD:
            open_ended = True
        elif _is_session(annotation):
            session = name
        else:
            named[name] = (annotation, parameter.default)
    return Parameters(named, session, open_ended)


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function, include_extras=True)
    except (NameError, TypeError):  # names that only type checkers see
        return dict(getattr(function, "__annotations__", {}))


def _is_session(annotation: Any) -> bool:
    if isinstance(annotation, str):
        return annotation.rpartition(".")[2].strip("'\" ") == "SessionContext"
    united = typing.get_origin(annotation) in {typing.Union, types.UnionType}
    options = typing.get_args(annotation) if united else (annotation,)
    return any(getattr(option, "__name__", "") == "SessionContext" for option in options)


def is_streaming(function: Callable[..., Any]) -> bool:
    """Whether calling it gives a generator, of either kind."""
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


def describe(function: Callable[..., Any]) -> str:
    """The docstring up to its first section."""
    lines: list[str] = []
    for line in (inspect.getdoc(function) or "").splitlines():
        if _SECTION.match(line):
            break
        lines.append(line)
    return "\n".join(lines).strip()


def describe_parameters(function: Callable[..., Any]) -> dict[str, str]:
    """What the `Args:` section of the docstring (Google style) says of each parameter."""
    described: dict[str, str] = {}
    inside, name, base = False, "", 0
    for line in (inspect.getdoc(function) or "").splitlines():
        section = _SECTION.match(line)
        if section:
            inside = section[1] in {"Args", "Arguments", "Parameters"}
            continue
        text = line.strip()
        if not inside or not text:
            continue
        indent = len(line) - len(line.lstrip())
        found = _PARAMETER.match(text)
        if found and (not described or indent <= base):
            name, base = found[1], indent
            described[name] = found[2]
        elif name:
            described[name] = f"{described[name]} {text}".strip()
    return described

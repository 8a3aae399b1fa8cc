"""Whatever is handed to a method: what cannot be is refused by name before anything is asked, in both facades alike."""

from __future__ import annotations

import enum
import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

import coilyard
from coilyard import InvalidArgument, SessionContext, ValidationFailed
from support.everything import KIND, LISTS, WRONG_VALUES, anything

METHODS: dict[str, dict[str, str]] = {
    "get_variable": {"name": "text", "bypass_cache": "flag"},
    "get_variables": {
        "names": "list", "defaults": "optional mapping", "include_metadata": "flag", "include_stats": "flag",
        "bypass_cache": "flag",
    },
    "cached": {"name": "text"},
    "list_variables": {
        "type": "optional text", "source": "optional text", "pattern": "optional text", "include_metadata": "flag",
    },
    "register_variable": {
        "name": "text", "type": "text", "constraints": "optional mapping", "metadata": "optional mapping",
        "dependencies": "optional list", "access_rules": "optional list", "description": "optional text",
        "read_only": "flag",
    },
    "register_variables": {"variables": "list"},
    "set_variable": {
        "name": "text", "metadata": "optional mapping", "create_if_missing": "flag", "type_hint": "optional text",
        "expected_version": "optional whole",
    },
    "update_variables": {
        "updates": "mapping", "metadata": "optional mapping", "atomic": "flag",
        "expected_versions": "optional mapping",
    },
    "delete_variable": {"name": "text", "cascade": "flag"},
    "add_dependency": {
        "from_variable": "text", "to_variable": "text", "dependency_type": "text", "metadata": "optional mapping",
    },
    "remove_dependency": {"from_variable": "text", "to_variable": "text"},
    "get_dependencies": {"variable": "text", "include_transitive": "flag"},
    "get_dependents": {"variable": "text", "include_transitive": "flag"},
    "set_variable_permissions": {"variable": "text", "rules": "list"},
    "check_variable_access": {"variable": "text", "permission": "text"},
    "get_variable_history": {"variable": "text", "limit": "whole", "offset": "whole", "include_metadata": "flag"},
    "rollback_variable": {"variable": "text", "version": "whole", "reason": "optional text"},
    "export_variables": {
        "format": "text", "include_history": "flag", "include_dependencies": "flag",
        "filter_pattern": "optional text",
    },
    "import_variables": {"data": "bytes", "format": "text", "merge_strategy": "text", "dry_run": "flag"},
    "get_variable_stats": {"variable": "optional text"},
    "watch_variable": {
        "name": "text", "include_initial": "flag", "filter_fn": "function", "throttle_ms": "amount",
        "debounce_ms": "amount",
    },
    "watch_variables": {
        "names": "list", "include_initial": "flag", "filter_fn": "function", "throttle_ms": "amount",
        "debounce_ms": "amount", "debounce_scope": "text", "pattern": "text",
    },
    "cancel_watch": {"watch_task": "watch"},
    "set_cache_config": {
        "ttl": "optional amount", "max_size": "optional whole", "eviction_policy": "optional text",
        "enabled": "optional flag", "push": "optional flag",
    },
    "invalidate_cache": {"name": "optional text"},
    "call_tool": {
        "name": "text", "arguments": "optional mapping", "timeout": "optional amount", "pool": "optional text",
        "idempotent": "flag",
    },
    "list_tools": {"pool": "optional text"},
    "start_optimization": {
        "variable": "text or list", "optimizer_type": "text", "optimizer_config": "optional mapping",
        "max_iterations": "whole", "convergence_threshold": "amount", "callback": "function",
        "objective": "objective", "direction": "text",
    },
    "stop_optimization": {"variable": "text"},
    "get_optimization_status": {"variable": "text"},
    "get_optimization_history": {
        "variable": "text", "limit": "whole", "since": "instant", "optimizer_id": "optional text",
    },
    "register_python_optimizer": {"name": "text", "optimizer_class": "class"},
    "ask_trial": {"optimization_id": "text"},
    "tell_trial": {"optimization_id": "text", "trial": "trial"},
    "fail_trial": {"optimization_id": "text", "trial": "trial", "error": "text"},
    "stop": {"keep": "flag"},
}  # fmt: skip

RIGHT: dict[str, Any] = {
    "name": "x", "names": ["x"], "type": "float", "initial_value": 0.5, "variables": [], "value": 0.5,
    "updates": {"x": 0.5}, "from_variable": "x", "to_variable": "y", "variable": "x", "rules": [],
    "permission": "read", "version": 0, "data": b"{}", "watch_task": None, "optimizer_type": "bayesian",
    "optimizer_class": coilyard.BaseOptimizer, "optimization_id": "opt_1", "trial": coilyard.Trial(1, {"x": 0.5}),
    "metrics_or_score": 0.5, "error": "failed",
}  # fmt: skip
#: May be empty, or wrong in a way that only the gateway knows.
MAY_BE_EMPTY = {("watch_variables", "pattern")}
PARAMETERS = [(method, parameter, kind) for method, kinds in METHODS.items() for parameter, kind in kinds.items()]


def required(function: Callable[..., Any]) -> dict[str, Any]:
    return {
        name: RIGHT[name]
        for name, parameter in inspect.signature(function).parameters.items()
        if name != "self" and parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
    }


@pytest_asyncio.fixture
async def session() -> AsyncIterator[SessionContext]:
    async with coilyard.connect("127.0.0.1:1", timeout=0.2) as client:
        yield SessionContext("s", client.channel, {"timeout": 0.2})


async def refusal(session: Any, method: str, **arguments: Any) -> coilyard.CoilyardError:
    function = getattr(session, method)

    async def ask() -> Any:
        result = function(**{**required(function), **arguments})
        return await result if inspect.isawaitable(result) else result

    with pytest.raises(coilyard.CoilyardError) as refused:
        await ask()
    return refused.value


def test_every_method_of_document_5_and_every_parameter_is_asked_about() -> None:
    untested = {
        (name, parameter)
        for name, function in inspect.getmembers(SessionContext, inspect.isfunction)
        if not name.startswith("_") and name not in {"initialize", "info", "touch", "cleanup", "call"}
        for parameter in inspect.signature(function).parameters
        if parameter not in {"self", *METHODS.get(name, {})}
    }
    assert untested == {
        ("get_variable", "default"), ("cached", "default"),  # any value will do
        ("register_variable", "initial_value"), ("set_variable", "value"),  # see the tests of values
        ("tell_trial", "metrics_or_score"),  # what it is about is known once a trial was asked for
    }  # fmt: skip


@pytest.mark.asyncio
@pytest.mark.parametrize(("method", "parameter", "kind"), PARAMETERS, ids=lambda part: str(part))
async def test_a_wrong_kind_of_argument_is_a_type_error_that_names_it(
    session: SessionContext, method: str, parameter: str, kind: str
) -> None:
    fine = KIND[kind] | (LISTS if "list" in kind else set())
    for label, value in anything().items():
        if label in fine:
            continue
        error = await refusal(session, method, **{parameter: value})
        assert isinstance(error, ValidationFailed), (label, error)
        assert isinstance(error, TypeError)
        assert str(error).startswith(parameter), (label, error)
        assert "expected" in str(error)
        assert (error.code, error.execution) == ("validation_failed", "not_started")
        assert len(str(error)) < 400, "a large argument makes no large message"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("method", "parameter", "value"),
    [(m, p, value) for m, p, kind in PARAMETERS for value in WRONG_VALUES.get(kind, [])],
    ids=lambda part: f"{part!r:.12}" if not isinstance(part, int) else f"{part.bit_length()} bits",
)
async def test_a_value_that_cannot_be_is_a_value_error_that_names_it(
    session: SessionContext, method: str, parameter: str, value: Any
) -> None:
    if value == "" and (method, parameter) in MAY_BE_EMPTY:
        return
    error = await refusal(session, method, **{parameter: value})
    assert isinstance(error, ValueError)
    assert str(error).startswith(parameter), error
    assert isinstance(error, InvalidArgument)


@pytest.mark.asyncio
@pytest.mark.parametrize("label", [label for label in anything() if label not in {"function", "class"}])
async def test_a_value_without_a_form_is_a_type_error_that_shows_where_it_is(
    session: SessionContext, label: str
) -> None:
    fine = (KIND["amount"] | {"none", "bool", "tuple", "list", "dict", "array", "no axes"}) - {
        "more digits than Python prints"
    }
    if label in fine:
        return
    for wrap, place in (
        (lambda value: value, ""),
        (lambda value: [0, value], "[1]"),
        (lambda value: {"a": (value,)}, "['a'][0]"),
    ):
        for method, arguments, field in (
            ("register_variable", {"initial_value": wrap(anything()[label])}, "initial_value"),
            ("set_variable", {"value": wrap(anything()[label])}, "value"),
            ("register_variables", {"variables": [{"name": "x", "initial_value": wrap(anything()[label])}]},
             "variables[0].initial_value"),
            ("set_variable", {"metadata": {"k": wrap(anything()[label])}}, "metadata['k']"),
        ):  # fmt: skip
            if label == "instant" and "metadata" in field:
                continue
            error = await refusal(session, method, **arguments)
            assert isinstance(error, ValidationFailed)
            # Metadata are read for instants first, and Python's limit of digits knows no place.
            if field.startswith("metadata") or label == "more digits than Python prints":
                field, place = field.partition("[")[0] if "metadata" in field else field, ""
            assert str(error).startswith(f"{field}{place}"), error
    results = await session.update_variables({"x": anything()[label], "y": 1})
    assert str(results["x"]).startswith("updates['x']:")
    assert str(results["y"]).startswith("not written")


class Text(str):
    """A text whose own comparisons fail."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("evil")

    __hash__ = str.__hash__

    def __str__(self) -> str:
        raise RuntimeError("evil")


class Name(str, enum.Enum):
    X = "x"


@pytest.mark.asyncio
@pytest.mark.parametrize("name", [np.str_("x"), Name.X, Text("x")], ids=["numpy", "enum", "evil"])
async def test_a_text_of_a_class_of_its_own_is_a_text(session: SessionContext, name: Any) -> None:
    session.cache.set("x", 5)
    assert session.cached(name) == 5
    session.cache.go_live(None)
    assert await session.get_variable(name) == 5
    assert await session.get_variables([name]) == {"x": 5}
    session.invalidate_cache(name)
    assert session.cached("x", None) is None


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("rules", "place"),
    [
        ([5], "rules[0]:"),
        ([{}], "rules[0].session_pattern:"),
        ([{"session_pattern": 5}], "rules[0].session_pattern:"),
        ([{"session_pattern": "any"}], "rules[0].permissions:"),
        ([{"session_pattern": "any", "permissions": "read"}], "rules[0].permissions:"),
        ([{"session_pattern": "any", "permissions": ["read", 5]}], "rules[0].permissions[1]:"),
        ([{"session_pattern": "any", "permissions": [], "conditions": [1]}], "rules[0].conditions:"),
        ([{"session_pattern": "any", "permissions": [], "wish": 1}], "rules[0]: unknown key 'wish'"),
    ],
    ids=str,
)
async def test_a_rule_that_is_none_is_refused_where_it_is_wrong(
    session: SessionContext, rules: Any, place: str
) -> None:
    assert str(await refusal(session, "set_variable_permissions", rules=rules)).startswith(place)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        ({"variables": [{"name": "a", "initial_value": 1}, {"name": 5, "initial_value": 1}]}, "variables[1].name:"),
        ({"variables": [{"name": "a"}]}, "variables[0].initial_value: missing"),
        ({"variables": [{"initial_value": 1}]}, "variables[0].name:"),
        ({"variables": [{"name": "a", "initial_value": 1, "type": 5}]}, "variables[0].type:"),
        ({"variables": [{"name": "a", "initial_value": 1, "typ": "float"}]}, "variables[0]: unknown key 'typ'"),
        ({"variables": [{"name": "a", "initial_value": 1, "read_only": 1}]}, "variables[0].read_only:"),
        ({"variables": [5]}, "variables[0]:"),
    ],
    ids=str,
)
async def test_a_specification_that_is_none_is_refused_where_it_is_wrong(
    session: SessionContext, arguments: Any, place: str
) -> None:
    assert str(await refusal(session, "register_variables", **arguments)).startswith(place)


@pytest.mark.asyncio
async def test_a_filter_that_would_have_to_be_awaited_is_refused(session: SessionContext) -> None:
    async def later(*_: Any) -> bool:
        return False

    for method in ("watch_variable", "watch_variables"):
        error = await refusal(session, method, filter_fn=later)
        assert str(error).startswith("filter_fn: expected a function that answers without being awaited")


@pytest.mark.asyncio
async def test_versions_are_expected_of_variables_that_are_updated(session: SessionContext) -> None:
    for versions in ({"y": 1}, {"x": -1}, {"x": 1.0}, {"x": True}):
        error = await refusal(session, "update_variables", expected_versions=versions)
        assert str(error).startswith("expected_versions")


def test_the_synchronous_facade_refuses_the_same() -> None:
    with coilyard.sync.connect("127.0.0.1:1", timeout=0.2) as client:
        inner = client._loop.call(lambda: SessionContext("s", client._inner.channel, {"timeout": 0.2}))
        session = coilyard.sync.SessionContext(inner, client._loop)
        for method, parameter, kind in PARAMETERS:
            fine = KIND[kind] | (LISTS if "list" in kind else set())
            function = getattr(session, method)
            for label in ("none", "integer", "array", "evil", "dict"):
                if label in fine:
                    continue
                with pytest.raises(ValidationFailed) as refused:
                    function(**{**required(getattr(inner, method)), parameter: anything()[label]})
                assert str(refused.value).startswith(parameter), (method, label)

"""Dependencies between variables, against the real gateway."""

from __future__ import annotations

from typing import Any

import pytest

import coilyard
from coilyard import SessionContext

pytestmark = [pytest.mark.asyncio, pytest.mark.gateway, pytest.mark.usefixtures("either_way")]


def names(edges: list[dict[str, Any]]) -> list[str]:
    return [edge["name"] for edge in edges]


async def some_variables(session: SessionContext, *listed: str) -> dict[str, str]:
    return await session.register_variables([{"name": name, "initial_value": 1} for name in listed])


async def test_a_dependency_says_on_what_of_which_kind_and_why(session: SessionContext) -> None:
    ids = await some_variables(session, "effective", "base", "style")
    await session.add_dependency("effective", "base")
    await session.add_dependency(ids["effective"], ids["style"], "constraint", {"weight": 2, "why": ["a", {"b": None}]})
    assert await session.get_dependencies("effective") == [
        {"variable_id": ids["base"], "name": "base", "type": "data", "metadata": {}},
        {
            "variable_id": ids["style"],
            "name": "style",
            "type": "constraint",
            "metadata": {"weight": 2, "why": ["a", {"b": None}]},
        },
    ]
    (dependent,) = await session.get_dependents(ids["base"])
    assert (dependent["variable_id"], dependent["type"]) == (ids["effective"], "data")
    assert await session.get_dependents("effective") == []


async def test_indirect_dependencies_are_told_when_they_are_asked_for(session: SessionContext) -> None:
    await some_variables(session, "a", "b", "c")
    await session.add_dependency("a", "b")
    await session.add_dependency("b", "c")
    assert names(await session.get_dependencies("a")) == ["b"]
    assert names(await session.get_dependencies("a", include_transitive=True)) == ["b", "c"]
    assert names(await session.get_dependents("c", include_transitive=True)) == ["b", "a"]


async def test_a_circle_is_a_value_error_and_is_not_closed(session: SessionContext) -> None:
    await some_variables(session, "a", "b", "c")
    await session.add_dependency("a", "b")
    await session.add_dependency("b", "c")
    for end in ("a", "b", "c"):
        with pytest.raises(coilyard.CircularDependency) as refused:
            await session.add_dependency("c", end)
        assert isinstance(refused.value, ValueError)
        assert refused.value.details["cycle"][0] == "c"
    assert await session.get_dependencies("c") == []


async def test_a_dependency_of_or_on_nothing_is_a_key_error(session: SessionContext) -> None:
    await some_variables(session, "a")
    for ends in (("a", "nothing"), ("nothing", "a")):
        with pytest.raises(KeyError):
            await session.add_dependency(*ends)
        with pytest.raises(KeyError):
            await session.remove_dependency(*ends)
    for asking in (session.get_dependencies, session.get_dependents):
        with pytest.raises(KeyError):
            await asking("nothing")
    with pytest.raises(ValueError, match="from_variable"):
        await session.add_dependency("", "a")


async def test_an_unknown_kind_of_dependency_is_a_value_error(session: SessionContext) -> None:
    await some_variables(session, "a", "b")
    with pytest.raises(ValueError, match="data, constraint, optimization"):
        await session.add_dependency("a", "b", "friendship")


async def test_taking_back_what_is_not_there_changes_nothing(session: SessionContext) -> None:
    await some_variables(session, "a", "b")
    await session.add_dependency("a", "b")
    await session.remove_dependency("b", "a")
    assert names(await session.get_dependencies("a")) == ["b"]
    await session.remove_dependency("a", "b")
    await session.remove_dependency("a", "b")
    assert await session.get_dependencies("a") == []


async def test_a_variable_can_be_registered_with_what_it_depends_on(session: SessionContext) -> None:
    base = await session.register_variable("base", "float", 0.5)
    effective = await session.register_variable(
        "effective", "float", 0.7, dependencies=[base, {"variable": "base", "type": "optimization"}]
    )
    (edge,) = await session.get_dependencies("effective")
    assert (edge["variable_id"], edge["type"]) == (base, "optimization")
    ids = await session.register_variables(
        [{"name": "x", "initial_value": 1}, {"name": "y", "initial_value": 1, "dependencies": ["x", effective]}]
    )
    assert names(await session.get_dependencies(ids["y"])) == ["x", "effective"]
    with pytest.raises(KeyError):
        await session.register_variable("z", "integer", 1, dependencies=["nothing"])
    assert "z" not in [variable["name"] for variable in await session.list_variables()]


async def test_what_others_depend_on_is_deleted_only_together_with_them(session: SessionContext) -> None:
    await some_variables(session, "a", "b")
    await session.add_dependency("a", "b")
    with pytest.raises(coilyard.HasDependents):
        await session.delete_variable("b")
    await session.delete_variable("b", cascade=True)
    assert await session.list_variables() == []


async def test_dependencies_recalculate_nothing(session: SessionContext) -> None:
    await some_variables(session, "a", "b")
    await session.add_dependency("a", "b")
    await session.set_variable("b", 9)
    variables = {variable["name"]: variable for variable in await session.list_variables()}
    assert (variables["a"]["value"], variables["a"]["version"], variables["a"]["computed"]) == (1, 0, False)

"""Document 5, method by method, against the real gateway."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import coilyard
from coilyard import SessionContext

pytestmark = [pytest.mark.asyncio, pytest.mark.gateway, pytest.mark.usefixtures("either_way")]


async def versions(session: SessionContext) -> dict[str, int]:
    return {variable["name"]: variable["version"] for variable in await session.list_variables()}


@pytest.mark.parametrize(
    ("type", "value"),
    [
        ("float", 0.5),
        ("float", 1e308),
        ("integer", 0),
        ("integer", -(2**63)),
        ("integer", 2**53 + 1),
        ("integer", 2**200),
        ("string", ""),
        ("string", "grüße 🐍 \x00 __proto__"),
        ("boolean", False),
        ("choice", "b"),
        ("module", "Predict"),
    ],
)
async def test_a_value_comes_back_as_it_was_and_of_its_type(session: SessionContext, type: str, value: Any) -> None:
    constraints = {"choices": ["a", "b"]} if type == "choice" else None
    await session.register_variable("x", type, value, constraints=constraints)
    for read in (session.get_variable("x"), session.get_variable("x", bypass_cache=True)):
        back = await read
        assert back == value
        assert back.__class__ is value.__class__


@pytest.mark.parametrize(
    ("type", "value", "error"),
    [
        ("integer", 1.0, TypeError),
        ("integer", True, TypeError),
        ("float", True, TypeError),
        ("boolean", 1, TypeError),
        ("string", 1, TypeError),
        ("float", float("nan"), ValueError),
        ("float", float("inf"), ValueError),
        ("no_such_type", 1, ValueError),
        ("float", object(), TypeError),
    ],
)
async def test_a_value_of_the_wrong_kind_registers_nothing(
    session: SessionContext, type: str, value: Any, error: Any
) -> None:
    with pytest.raises(error):
        await session.register_variable("x", type, value)
    assert await session.list_variables() == []


async def test_a_whole_number_becomes_a_float_where_a_float_is_stored(session: SessionContext) -> None:
    await session.register_variable("x", "float", 1)
    await session.set_variable("x", 2)
    value = await session.get_variable("x")
    assert (value, type(value)) == (2.0, float)


async def test_registering_a_name_twice_keeps_the_first(session: SessionContext) -> None:
    first = await session.register_variable("x", "integer", 1)
    with pytest.raises(coilyard.VariableExists):
        await session.register_variable("x", "integer", 2)
    (variable,) = await session.list_variables()
    assert (variable["id"], variable["value"]) == (first, 1)


async def test_many_variables_are_registered_all_or_none(session: SessionContext) -> None:
    with pytest.raises(coilyard.ConstraintViolation):
        await session.register_variables(
            [
                {"name": "a", "type": "integer", "initial_value": 1},
                {"name": "b", "type": "integer", "initial_value": 9, "constraints": {"max": 5}},
            ]
        )
    assert await session.list_variables() == []
    ids = await session.register_variables(
        [{"name": "a", "type": "integer", "initial_value": 1}, {"name": "b", "initial_value": "text"}]
    )
    assert ids.keys() == {"a", "b"}
    assert [variable["type"] for variable in await session.list_variables()] == ["integer", "string"]


@pytest.mark.parametrize(
    "spec",
    [
        {"name": "x", "initial_value": 1, "colour": "red"},
        {"name": "x"},
        {"name": "", "initial_value": 1},
        {"name": "x", "initial_value": 1, "dependencies": "y"},
        {"name": "x", "initial_value": 1, "dependencies": [1]},
        {"name": "x", "initial_value": 1, "dependencies": [{"variable": "y", "kind": "data"}]},
        {"name": "x", "initial_value": 1, "access_rules": [{}]},
        {"name": "x", "initial_value": 1, "access_rules": [{"session_pattern": "any", "permissions": "read"}]},
        {"name": "x", "initial_value": 1, "access_rules": [{"session_pattern": "any", "permissions": ["fly"]}]},
        {
            "name": "x",
            "initial_value": 1,
            "access_rules": [{"session_pattern": "any", "permissions": [], "conditions": {"hour": "9"}}],
        },
    ],
    ids=str,
)
async def test_a_specification_that_cannot_be_kept_is_refused(session: SessionContext, spec: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        await session.register_variables([spec])


async def test_a_bound_is_told_in_the_text_and_moves_no_version(session: SessionContext) -> None:
    await session.register_variable("temperature", "float", 0.7, constraints={"min": 0.0, "max": 2.0})
    with pytest.raises(ValueError, match="above maximum 2") as refused:
        await session.set_variable("temperature", 2.5)
    assert isinstance(refused.value, coilyard.CoilyardError)
    assert refused.value.details["constraint"] == "max"
    with pytest.raises(ValueError, match="below minimum 0"):
        await session.set_variable("temperature", -1)
    assert await versions(session) == {"temperature": 0}


async def test_setting_what_does_not_exist_is_a_key_error_unless_it_is_to_be_created(session: SessionContext) -> None:
    with pytest.raises(KeyError):
        await session.set_variable("x", 1)
    await session.set_variable("x", 1, create_if_missing=True)
    await session.set_variable("x", 2, create_if_missing=True)
    await session.set_variable(
        "choice", "Predict", create_if_missing=True, type_hint="module", metadata={"why": "test"}
    )
    variables = {variable["name"]: variable for variable in await session.list_variables()}
    assert (variables["x"]["value"], variables["x"]["type"], variables["choice"]["type"]) == (2, "integer", "module")
    assert variables["choice"]["metadata"] == {"why": "test"}
    with pytest.raises(TypeError):
        await session.set_variable("y", None, create_if_missing=True)


async def test_many_creators_of_one_variable_agree(session: SessionContext, other: SessionContext) -> None:
    writers = [session, other] * 5
    await asyncio.gather(*(s.set_variable("x", n, create_if_missing=True) for n, s in enumerate(writers)))
    assert (await versions(session))["x"] == 9


async def test_a_read_only_variable_refuses_every_set(session: SessionContext) -> None:
    await session.register_variable("x", "integer", 1, read_only=True)
    with pytest.raises(PermissionError):
        await session.set_variable("x", 2)
    assert await session.get_variable("x") == 1


async def test_an_expected_version_that_is_not_the_present_one_refuses(session: SessionContext) -> None:
    await session.register_variable("x", "integer", 1)
    await session.set_variable("x", 2, expected_version=0)
    with pytest.raises(coilyard.OptimisticLockFailure) as lost:
        await session.set_variable("x", 3, expected_version=0)
    assert (lost.value.details["expected"], lost.value.details["actual"]) == (0, 1)
    results = await session.update_variables({"x": 4}, expected_versions={"x": 0})
    assert results["x"] is not True
    assert await session.get_variable("x", bypass_cache=True) == 2


async def test_an_atomic_update_writes_all_or_none_and_caches_nothing_of_a_failure(session: SessionContext) -> None:
    await session.register_variables(
        [{"name": "a", "initial_value": 1}, {"name": "b", "initial_value": 1, "constraints": {"max": 5}}]
    )
    for bad in (9, object()):
        results = await session.update_variables({"a": 2, "b": bad})
        assert all(isinstance(result, str) for result in results.values())
        assert await session.get_variables(["a", "b"]) == {"a": 1, "b": 1}
        results = await session.update_variables({"a": 1, "b": bad}, atomic=False)
        assert results["a"] is True
        assert isinstance(results["b"], str)
    assert await session.update_variables({"a": 3, "b": 3}, metadata={"batch": 1}) == {"a": True, "b": True}
    (newest,) = await session.get_variable_history("b", limit=1)
    assert newest["metadata"] == {"batch": 1}


async def test_the_history_is_newest_first_and_pages_from_there(session: SessionContext) -> None:
    await session.register_variable("x", "integer", 0)
    for number in range(1, 6):
        await session.set_variable("x", number, metadata={"iteration": number})
    history = await session.get_variable_history("x")
    assert [(entry["version"], entry["value"]) for entry in history] == [(n, n) for n in range(5, -1, -1)]
    assert history[0]["metadata"] == {"iteration": 5}
    assert history[0]["updated_by"] == "python"
    assert datetime.now(timezone.utc) - history[0]["updated_at"] < timedelta(minutes=1)
    page = await session.get_variable_history("x", limit=2, offset=1, include_metadata=False)
    assert [entry["version"] for entry in page] == [4, 3]
    assert "metadata" not in page[0]
    with pytest.raises(KeyError):
        await session.get_variable_history("nothing")
    with pytest.raises(ValueError):
        await session.get_variable_history("x", limit=0)


async def test_variables_are_listed_by_type_source_and_pattern(session: SessionContext) -> None:
    await session.register_variables(
        [
            {"name": "temp_a", "initial_value": 0.1},
            {"name": "temp_b", "initial_value": 1},
            {"name": "model", "initial_value": "m"},
        ]
    )
    listed = await session.list_variables(pattern="temp_*")
    assert [variable["name"] for variable in listed] == ["temp_a", "temp_b"]
    assert [variable["name"] for variable in await session.list_variables("string")] == ["model"]
    assert await session.list_variables(source="someone else") == []
    assert "metadata" not in (await session.list_variables(include_metadata=False))[0]


async def test_a_deleted_variable_is_gone_for_everybody(session: SessionContext, other: SessionContext) -> None:
    await session.register_variable("x", "integer", 1)
    assert await other.get_variable("x") == 1
    await session.delete_variable("x")
    with pytest.raises(KeyError):
        await session.get_variable("x")
    while other.cached("x", None) is not None:
        await asyncio.sleep(0.001)
    with pytest.raises(KeyError):
        await session.delete_variable("x")


async def test_reading_many_with_everything_that_is_known(session: SessionContext) -> None:
    await session.register_variable("x", "integer", 1, metadata={"unit": "s"})
    await session.get_variable("x")
    await session.get_variable("x")
    found = await session.get_variables(["x", "y"], defaults={"y": None}, include_metadata=True, include_stats=True)
    assert found["x"]["value"] == 1
    assert found["x"]["metadata"] == {"unit": "s"}
    stats = found["x"]["stats"]
    assert (stats["read_count"], stats["cache_hits"], stats["cache_misses"]) == (3, 1, 2)
    assert stats["cache_hit_rate"] == 1 / 3
    assert stats["avg_read_latency_ms"] > 0
    assert found["y"]["value"] is None
    with pytest.raises(ValueError, match="list of names"):
        await session.get_variables("x")


async def test_nothing_of_many_is_nothing_and_a_refusal_names_the_parameter_of_python(session: SessionContext) -> None:
    assert await session.register_variables([]) == {}
    assert await session.update_variables({}) == {}
    assert await session.get_variables([]) == {}
    for refused, parameter in (
        (session.add_dependency("x", "y", "friendship"), "dependency_type:"),
        (session.export_variables(filter_pattern="("), "filter_pattern:"),
        (session.import_variables(b"{"), "data:"),
        (session.import_variables(b"\x80", "yaml"), "data:"),
        (session.import_variables(b"{}", merge_strategy="mix"), "merge_strategy:"),
        (session.get_variables([f"v{number}" for number in range(10_001)]), "names:"),
        (session.update_variables({f"v{number}": 1 for number in range(10_001)}), "updates:"),
    ):
        with pytest.raises(ValueError) as error:
            await refused
        assert str(error.value).startswith(parameter)
        assert "expected" in str(error.value)


@pytest.mark.parametrize("default", [0, "", False, None])
async def test_a_falsy_default_is_a_default_and_hides_no_missing_session(
    client: coilyard.Client, session: SessionContext, default: Any
) -> None:
    assert await session.get_variable("nothing", default) is default
    assert await session.get_variables(["nothing"], defaults={"nothing": default}) == {"nothing": default}
    lost = await client.session(f"{session.session_id}-gone")
    await client.stop_session(lost.session_id)
    with pytest.raises(coilyard.SessionNotFound):
        await lost.get_variable("nothing", default)


async def test_cache_settings_and_figures(session: SessionContext) -> None:
    await session.register_variable("x", "integer", 1)
    session.set_cache_config(ttl=5.0, max_size=10_000, eviction_policy="lfu")
    await session.get_variable("x")
    await session.get_variable("x")
    assert session.get_cache_info() == {"size": 1, "ttl": 5.0, "hit_rate": 0.5, "eviction_count": 0}
    session.set_cache_config(ttl=0)
    await session.get_variable("x")
    assert session.get_cache_stats()["enabled"] is False
    with pytest.raises(ValueError):
        session.set_cache_config(eviction_policy="random")


async def test_sessions_are_created_found_listed_and_stopped(client: coilyard.Client, session_id: str) -> None:
    session = await client.create_session(session_id, ttl_ms=60_000, metadata={"owner": "tests", "n": 1})
    with pytest.raises(coilyard.SessionExists):
        await client.create_session(session_id)
    info = await session.info()
    assert (info.id, info.metadata, info.ttl_ms) == (session_id, {"owner": "tests", "n": 1}, 60_000)
    assert info.expires_at is not None
    touched = await session.touch()
    assert touched.expires_at is not None
    assert touched.expires_at >= info.expires_at
    made = await client.create_session()
    assert made.session_id
    listed = [found.id async for found in client.list_sessions(page_size=1)]
    assert {session_id, made.session_id} <= set(listed)
    assert listed == sorted(listed)
    await session.stop()
    await made.stop()
    with pytest.raises(coilyard.SessionNotFound):
        await client.session(session_id, create=False)
    with pytest.raises(KeyError):
        await client.session_info(session_id)

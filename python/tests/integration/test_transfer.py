"""Documents against the real gateway, in every form."""

from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np
import pytest

import coilyard
from coilyard import SessionContext

pytestmark = [pytest.mark.asyncio, pytest.mark.gateway, pytest.mark.usefixtures("either_way")]

FORMATS = ["json", "yaml", "pickle", "parquet"]


async def a_full_session(session: SessionContext) -> None:
    vector = np.array([0.25, -1.5, 3.0], dtype=np.float32)
    await session.register_variables(
        [
            {"name": "temperature", "initial_value": 0.7, "constraints": {"min": 0.0, "max": 2.0}},
            {"name": "big", "initial_value": 2**200, "metadata": {"unit": "s", "deep": [1, {"a": 1.5}]}},
            {"name": "settings", "initial_value": {"a": {"b": [1, 2.5, None, True, "ü"]}}},
            {"name": "vector", "type": "embedding", "initial_value": vector},
            {"name": "matrix", "initial_value": np.arange(6, dtype=np.int16).reshape(2, 3)},
            {"name": "fixed", "initial_value": "x", "read_only": True, "description": "for people"},
        ]
    )
    await session.add_dependency("temperature", "big", "constraint", {"why": "test"})
    await session.set_variable("temperature", 0.9, metadata={"reason": "tuned"})


async def described(session: SessionContext) -> list[Any]:
    """All that is the same in a copy."""
    listed = await session.list_variables()
    for variable in listed:
        for key in ("id", "revision"):
            del variable[key]
        if isinstance(variable["value"], np.ndarray):
            value = variable["value"]
            variable["value"] = (str(value.dtype), value.shape, value.tobytes())
    edges = [(edge["name"], edge["type"], edge["metadata"]) for edge in await session.get_dependencies("temperature")]
    return [*listed, edges]


@pytest.mark.parametrize("format", FORMATS)
async def test_what_was_exported_is_what_another_session_imports(
    client: coilyard.Client, session: SessionContext, format: str
) -> None:
    await a_full_session(session)
    data = await session.export_variables(format, include_history=True)
    assert isinstance(data, bytes)
    copy = await client.create_session()
    summary = await copy.import_variables(data, format)
    assert (summary["imported"], summary["skipped"], summary["errors"]) == (6, 0, 0)
    assert {detail["action"] for detail in summary["details"]} == {"registered"}
    assert await described(copy) == await described(session)
    history = await copy.get_variable_history("temperature")
    assert [(entry["version"], entry["value"]) for entry in history] == [(1, 0.9), (0, 0.7)]
    await copy.rollback_variable("temperature", 0)
    assert await copy.get_variable("temperature") == 0.7
    await copy.stop()


async def test_a_pattern_and_flags_choose_what_is_exported(session: SessionContext) -> None:
    await a_full_session(session)
    document = json.loads(await session.export_variables(filter_pattern="temp|^bi"))
    assert [variable["name"] for variable in document["variables"]] == ["temperature", "big"]
    assert len(document["dependencies"]) == 1
    assert "history" not in document["variables"][0]
    document = json.loads(await session.export_variables(include_dependencies=False))
    assert "dependencies" not in document
    with pytest.raises(ValueError):
        await session.export_variables(filter_pattern="(")


async def test_a_dry_run_says_what_would_happen_and_changes_nothing(session: SessionContext) -> None:
    await a_full_session(session)
    document = json.loads(await session.export_variables(filter_pattern="^(temperature|big)$"))
    document["variables"][0]["value"] = 9.0
    document["variables"].append({"name": "new", "type": "integer", "value": 1})
    data = json.dumps(document).encode()
    before = await described(session)
    summary = await session.import_variables(data, dry_run=True)
    assert (summary["errors"], summary["imported"]) == (1, 0)
    refused = [detail for detail in summary["details"] if detail["action"] == "refused"]
    assert (refused[0]["name"], refused[0]["code"]) == ("temperature", "constraint_violation")
    assert "above maximum 2" in refused[0]["message"]
    with pytest.raises(ValueError, match="above maximum 2"):
        await session.import_variables(data)
    assert await described(session) == before


@pytest.mark.parametrize(
    ("strategy", "action", "value"),
    [
        ("replace", "replaced", {"b": {"y": 2}}),
        ("keep", "kept", {"a": 1, "b": {"x": 1}}),
        ("merge", "merged", {"a": 1, "b": {"x": 1, "y": 2}}),
    ],
)
async def test_a_strategy_says_who_wins_over_what_is_there(
    client: coilyard.Client, session: SessionContext, strategy: str, action: str, value: Any
) -> None:
    other = await client.create_session()
    await other.register_variable("m", "dict", {"b": {"y": 2}})
    data = await other.export_variables()
    await other.stop()
    await session.register_variable("m", "map", {"a": 1, "b": {"x": 1}})
    assert await session.get_variable("m") == {"a": 1, "b": {"x": 1}}
    summary = await session.import_variables(data, merge_strategy=strategy)
    assert summary["details"] == [{"name": "m", "action": action}]
    assert summary["skipped"] == (1 if strategy == "keep" else 0)
    assert await session.get_variable("m") == value


async def test_an_import_is_read_by_this_client_at_once(session: SessionContext) -> None:
    await session.register_variable("x", "integer", 1)
    document = await session.export_variables()
    await session.set_variable("x", 2)
    assert await session.get_variable("x") == 2
    await session.import_variables(document)
    assert await session.get_variable("x") == 1


@pytest.mark.parametrize("format", [*FORMATS, "xml"])
@pytest.mark.parametrize("data", [b"", b"\x00\xff garbage", b"[]", b"{}", pickle.dumps({"variables": []}), "text"])
async def test_garbage_and_unknown_words_are_a_value_error(session: SessionContext, format: str, data: Any) -> None:
    with pytest.raises(ValueError):
        await session.import_variables(data, format)
    assert await session.list_variables() == []


async def test_words_that_mean_nothing_are_a_value_error(session: SessionContext) -> None:
    with pytest.raises(ValueError, match="json, yaml, pickle, parquet"):
        await session.export_variables("xml")
    data = await session.export_variables()
    with pytest.raises(ValueError, match="merge_strategy"):
        await session.import_variables(data, merge_strategy="hope")


async def test_what_may_not_be_read_is_not_exported(client: coilyard.Client, session: SessionContext) -> None:
    await session.register_variable("open", "integer", 1)
    await session.register_variable(
        "secret", "integer", 1, access_rules=[{"session_pattern": session.session_id, "permissions": ["read"]}]
    )
    guest = await client.session(session.session_id, as_session="guest")
    document = json.loads(await guest.export_variables())
    assert [variable["name"] for variable in document["variables"]] == ["open"]

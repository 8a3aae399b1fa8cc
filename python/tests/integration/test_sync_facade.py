"""The facade without `await`: the rest of document 5's methods are there, too."""

from __future__ import annotations

import inspect

import pytest

import coilyard

pytestmark = [pytest.mark.gateway, pytest.mark.usefixtures("either_way")]

ADMIN = {"session_pattern": "admin_*", "permissions": ["read", "write", "observe"]}


def test_every_method_of_a_session_is_there_under_the_same_name() -> None:
    methods = {
        name for name, _ in inspect.getmembers(coilyard.SessionContext, inspect.isfunction) if not name.startswith("_")
    }
    assert methods - set(dir(coilyard.sync.SessionContext)) == set()


@pytest.mark.parametrize("kind", ["SessionContext", "Client"])
def test_every_method_has_the_same_parameters(kind: str) -> None:
    awaited, plain = getattr(coilyard, kind), getattr(coilyard.sync, kind)
    for name, method in inspect.getmembers(awaited, inspect.isfunction):
        if name.startswith("_") or not hasattr(plain, name):
            continue
        expected, found = (inspect.signature(each).parameters.values() for each in (method, getattr(plain, name)))
        assert [(p.name, p.kind, p.default) for p in found] == [(p.name, p.kind, p.default) for p in expected], name


def test_a_client_that_was_closed_says_so_and_has_done_nothing(address: str, session_id: str) -> None:
    client = coilyard.sync.connect(address)
    session = client.session(session_id)
    client.close()
    client.close()
    for ask in (session.get_variable, session.watch_variable, client.session):
        with pytest.raises(coilyard.ClientClosed) as closed:
            ask("x")
        assert closed.value.execution == "not_started"


def test_dependencies_versions_documents_and_figures_work_without_await(address: str, session_id: str) -> None:
    with coilyard.sync.connect(address) as client:
        session = client.session(session_id)
        session.register_variables([{"name": "a", "initial_value": 1}, {"name": "b", "initial_value": 2}])
        session.add_dependency("a", "b")
        assert [edge["name"] for edge in session.get_dependencies("a")] == ["b"]
        assert [edge["name"] for edge in session.get_dependents("b")] == ["a"]
        with pytest.raises(ValueError, match="depend on itself"):
            session.add_dependency("b", "a")
        session.set_variable("a", 5)
        document = session.export_variables()
        session.rollback_variable("a", 0)
        assert session.get_variable("a") == 1
        assert session.import_variables(document)["imported"] == 2
        assert session.get_variable("a") == 5
        session.remove_dependency("a", "b")
        assert session.get_variable_stats("a")["write_count"] == 3
        session.stop()


def test_a_call_on_behalf_of_another_session_has_the_rights_of_that_one(address: str, session_id: str) -> None:
    with coilyard.sync.connect(address) as client:
        owner = client.session(session_id)
        owner.register_variable("x", "integer", 1)
        guest = client.session(session_id, as_session="guest_1")
        assert guest.get_variable("x") == 1
        owner.set_variable_permissions("x", [ADMIN])
        assert not guest.check_variable_access("x", "read")
        with pytest.raises(PermissionError):
            owner.get_variable("x")
        assert client.session(session_id, as_session="admin_1").get_variable("x") == 1
        owner.stop()

"""Values of every kind, there and back through the real gateway."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import coilyard

pytestmark = pytest.mark.gateway


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(integer=st.integers(), number=st.floats(allow_nan=False, allow_infinity=False), text=st.text(max_size=200))
def test_any_number_and_text_survives_the_way_there_and_back(
    address: str, integer: int, number: float, text: str
) -> None:
    with coilyard.sync.connect(address) as client, client.create_session() as session:
        session.register_variables(
            [
                {"name": "integer", "initial_value": integer},
                {"name": "number", "initial_value": number},
                {"name": "text", "initial_value": text, "metadata": {"number": number, "deep": [integer, {"t": text}]}},
            ]
        )
        found = session.get_variables(["integer", "number", "text"], include_metadata=True)
        assert [found[name]["value"] for name in ("integer", "number", "text")] == [integer, number, text]
        assert found["text"]["metadata"] == {"number": number, "deep": [integer, {"t": text}]}
        session.stop()

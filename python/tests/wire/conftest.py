"""What every test of this folder is asked twice."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["frames", "calls"])
def carrier(request: pytest.FixtureRequest) -> str:
    """Whether the gateway carries calls as frames on one stream, or knows nothing of that."""
    kind: str = request.param
    return kind

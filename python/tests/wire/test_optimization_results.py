"""What an objective returned or raised, as the gateway is told."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import numpy as np
import pytest

import coilyard
from coilyard import SessionContext
from support.manual_clock import until
from support.scripted_gateway import ScriptedGateway
from support.scripted_study import ScriptedStudy

pytestmark = pytest.mark.asyncio


def a_session(channel: grpc.aio.Channel) -> SessionContext:
    return SessionContext("s", channel, {"push": False, "timeout": 60.0})


@pytest.mark.parametrize(
    ("returned", "metrics", "score"),
    [
        (True, {"score": 1.0}, 1.0),
        (3, {"score": 3.0}, 3.0),
        (np.float32(0.5), {"score": 0.5}, 0.5),
        (np.array(0.5), {"score": 0.5}, 0.5),
        ({"accuracy": 0.9}, {"accuracy": 0.9}, 0.9),
        ({"score": 0.9, "cost": 3}, {"score": 0.9, "cost": 3.0}, 0.9),
    ],
    ids=repr,
)
async def test_what_an_objective_returns_is_a_score_or_metrics(
    gateway: ScriptedGateway, channel: grpc.aio.Channel, returned: Any, metrics: dict[str, float], score: float
) -> None:
    study, session = ScriptedStudy(gateway, [0.1]), a_session(channel)
    await session.start_optimization("x", "grid_search", objective=lambda _: returned)
    await until(lambda: not study.is_on)
    assert (dict(study.told[1].metrics), study.told[1].score) == (metrics, score)


@pytest.mark.parametrize(
    ("returned", "error"),
    [
        (float("nan"), "expected a finite number, got nan"),
        ({"score": float("inf")}, "metric 'score': expected a finite number, got inf"),
        (None, "expected a number, or a dict of numbers by metric, got None"),
        ("good", "expected a number, or a dict of numbers by metric, got 'good'"),
        ({"a": 1, "b": 2}, "which of 'a', 'b' is optimized?"),
        ({}, "which of none at all is optimized?"),
        ({"a": "good"}, "metric 'a': expected a number, got 'good'"),
        ({"score": 1, "\ud800": 1}, "expected a metric whose name is valid Unicode, got '\\ud800'"),
    ],
    ids=repr,
)
async def test_a_result_that_says_nothing_is_a_failed_trial_and_the_next_one_is_tried(
    gateway: ScriptedGateway, channel: grpc.aio.Channel, returned: Any, error: str
) -> None:
    study, session = ScriptedStudy(gateway, [0.1, 0.2]), a_session(channel)
    await session.start_optimization("x", "grid_search", objective=lambda value: returned if value == 0.1 else 1.0)
    await until(lambda: not study.is_on)
    failed, fine = await session.get_optimization_history("x")
    assert (failed["state"], failed["score"], failed["metrics"]) == ("failed", None, {})
    assert error in failed["error"]
    assert (fine["state"], fine["score"], fine["error"]) == ("complete", 1.0, None)


async def test_the_metric_that_was_named_is_the_score(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    study, session = ScriptedStudy(gateway, [0.1, 0.2]), a_session(channel)

    def objective(value: float) -> dict[str, float]:
        return {"score": 5, "accuracy": value} if value < 0.15 else {"score": 5}

    await session.start_optimization("x", "grid_search", {"metric": "accuracy"}, objective=objective)
    await until(lambda: not study.is_on)
    assert study.told[1].score == 0.1
    assert "no metric 'accuracy' among 'score'" in study.told[2].error


class Grave(BaseException):
    """As those of trio and pytest are."""


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("evil")


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (RuntimeError("out of memory"), "RuntimeError: out of memory"),
        (StopIteration(), "StopIteration"),
        (asyncio.CancelledError("by the model"), "CancelledError"),
        (coilyard.OperationCancelled("by the tool"), "OperationCancelled: by the tool"),
        (Unspeakable(), "Unspeakable"),
        (Grave("no exception"), "Grave: no exception"),
        (ValueError("half a pair: \ud83d"), "ValueError: half a pair: \\ud83d"),
        (ValueError("x" * 5_000_000), "ValueError: xxx"),
    ],
    ids=lambda part: type(part).__name__,
)
@pytest.mark.parametrize("is_plain", [True, False], ids=["plain", "coroutine"])
async def test_an_exception_is_a_failed_trial_with_its_type_and_message(
    gateway: ScriptedGateway, channel: grpc.aio.Channel, raised: BaseException, told: str, is_plain: bool
) -> None:
    study, session = ScriptedStudy(gateway, [0.1, 0.2]), a_session(channel)

    def plain(value: float) -> float:
        if value == 0.1:
            raise raised
        return value

    async def waiting(value: float) -> float:
        return plain(value)

    if isinstance(raised, StopIteration) and not is_plain:
        told = "RuntimeError: coroutine raised StopIteration"
    await session.start_optimization("x", "grid_search", objective=plain if is_plain else waiting)
    await until(lambda: not study.is_on)
    assert study.told[1].error.startswith(told)
    assert study.told[2].score == 0.2

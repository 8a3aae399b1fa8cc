"""What an objective returned, as metrics and a score."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from numbers import Real
from typing import Any

from coilyard._arguments import shown
from coilyard._arrays import as_scalar

#: The metric that is optimized unless the run is about another.
SCORE = "score"

_EXPECTED = "a number, or a dict of numbers by metric"


class BadResult(ValueError):
    """What was returned says nothing about how good a value was."""


def read_result(returned: Any, metric: str = "") -> tuple[dict[str, float], float]:
    """The metrics and the score.

    Args:
        returned: By an objective.
        metric: Which of the metrics is the score; empty: `score`, or the only one.

    Raises:
        BadResult: It is nothing of that kind, or the score is not finite.
    """
    metrics = read_metrics(returned)
    if not isinstance(returned, Mapping):
        return metrics, metrics[SCORE]
    return metrics, _score(metrics, metric)


def read_metrics(returned: Any) -> dict[str, float]:
    """The metrics alone; a number is the metric `score`.

    Raises:
        BadResult: It is neither a number nor a mapping of numbers by text, or one of them is not finite.
    """
    if not isinstance(returned, Mapping):
        return {SCORE: _number(returned, "")}
    metrics: dict[str, float] = {}
    for name, value in dict(returned).items():
        if not isinstance(name, str):
            raise BadResult(f"expected {_EXPECTED}, got the key {shown(name)}")
        if not _is_unicode(name):
            raise BadResult(f"expected a metric whose name is valid Unicode, got {shown(name)}")
        metrics[str.__str__(name)] = _number(value, f"metric {name!r:.60}: ")
    return metrics


def _is_unicode(text: str) -> bool:
    try:
        str.encode(text)
    except UnicodeEncodeError:
        return False
    return True


def _number(value: Any, where: str) -> float:
    scalar: Any = as_scalar(value)
    if getattr(scalar, "shape", None) == () and callable(getattr(scalar, "item", None)):
        scalar = scalar.item()  # of numpy or torch, without axes
    if not isinstance(scalar, (Real, Decimal)):
        raise BadResult(f"{where}expected {'a number' if where else _EXPECTED}, got {shown(value)}")
    try:
        number = float(scalar)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise BadResult(f"{where}expected a finite number, got {shown(value)}")
    return number


def _score(metrics: Mapping[str, float], metric: str) -> float:
    if metric:
        if metric not in metrics:
            raise BadResult(f"there is no metric {metric!r} among {_names(metrics)}")
        return metrics[metric]
    if SCORE in metrics:
        return metrics[SCORE]
    if len(metrics) == 1:
        return next(iter(metrics.values()))
    raise BadResult(f"which of {_names(metrics)} is optimized? Name it with `metric`, or call it {SCORE!r}")


def _names(metrics: Mapping[str, float]) -> str:
    return ", ".join(repr(name) for name in sorted(metrics)) or "none at all"

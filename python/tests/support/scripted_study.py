"""A run on the scripted gateway: tries the values of a list, whose every turn a test can see and hold back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import grpc

from coilyard import AlreadyOptimizing, CoilyardError, InvalidArgument, NotOptimizing, OptimisticLockFailure
from coilyard._proto import optimizations_pb2 as messages
from coilyard._proto import variables_pb2
from coilyard._values import encode_value
from support.scripted_gateway import ScriptedGateway, a_variable, refuse


class ScriptedStudy:
    """One run at a time, over variables that need not exist.

    Attributes:
        id: Of the present run, or the last.
        values: What is tried, in order: by name, or the value of the only variable.
        told: The requests that told the results, by the number of the trial.
        gate: Cleared to hold back requests for trials.
    """

    def __init__(self, gateway: ScriptedGateway, values: Sequence[Any] = (), *, lease_ms: int = 15_000) -> None:
        self.gateway = gateway
        self.values = list(values)
        self.lease_ms = lease_ms
        self.id = ""
        self.start: messages.StartOptimizationRequest | None = None
        self.reason = ""
        self.error = ""
        self.told: dict[int, messages.TellTrialRequest] = {}
        self.trials: list[messages.OptimizationTrial] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.streams = 0
        self._numbers: dict[str, int] = {}
        self._tried: dict[int, dict[str, Any]] = {}
        self._changed = asyncio.Event()
        for method in (
            "StartOptimization", "AskTrial", "TellTrial", "RenewOptimization", "StopOptimization",
            "GetOptimizationStatus", "GetOptimizationHistory",
        ):  # fmt: skip
            gateway.handlers[method] = self._serving(getattr(self, f"_{method}"))
        gateway.handlers["GetVariable"] = self._variable
        gateway.follow = self._follow

    @property
    def is_on(self) -> bool:
        return self.start is not None and not self.reason

    def status(self) -> messages.OptimizationStatus:
        if self.start is None:
            return messages.OptimizationStatus()
        status = messages.OptimizationStatus(
            is_optimizing=self.is_on,
            optimization_id=self.id,
            optimizer=self.start.optimizer,
            variables=self.start.variables,
            iteration=len(self.trials),
            max_iterations=self.start.max_iterations,
            direction=self.start.direction,
            started_at_ms=1_000,
            last_update_ms=2_000,
            reason=self.reason,
            error=self.error,
            lease_ms=0 if self.start.objective else self.lease_ms,
        )
        scored = [trial for trial in self.trials if trial.HasField("score")]
        if scored:
            worst_first = sorted(scored, key=lambda trial: trial.score, reverse=self.start.direction == "minimize")
            best = worst_first[-1]
            status.best_score = best.score
            for name, value in best.values.items():
                status.best_values[name].CopyFrom(value)
            status.best_metrics.update(best.metrics)
            if self.reason and self.reason != "failed":
                status.committed.update(dict.fromkeys(self.start.variables, 7))
        return status

    def end(self, reason: str, error: str = "") -> None:
        self.reason, self.error = reason, error
        self._turn()

    def ended_trial(self, number: int, values: Mapping[str, Any], **fields: Any) -> messages.OptimizationTrial:
        trial = messages.OptimizationTrial(
            optimization_id=self.id, iteration=number, started_at_ms=1_500, ended_at_ms=1_500 + number, **fields
        )
        for name, value in values.items():
            trial.values[name].CopyFrom(encode_value(value))
        return trial

    def _turn(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _serving(self, answer: Any) -> Any:
        async def serve(request: Any, context: Any) -> Any:
            try:
                return await answer(request)
            except CoilyardError as error:
                await refuse(context, error, grpc.StatusCode.FAILED_PRECONDITION)

        return serve

    async def _variable(self, request: Any, context: Any) -> Any:
        variable = a_variable(request.variable, 0.5, type="float")
        variable.constraints["min"].CopyFrom(encode_value(0.0))
        return variables_pb2.GetVariableResponse(variable=variable)

    async def _StartOptimization(self, request: Any) -> Any:
        if self.is_on:
            raise AlreadyOptimizing(f"x is already being optimized by {self.id}")
        self.id = f"opt_{int(self.id.rpartition('_')[2] or 0) + 1}"
        self.start, self.reason, self.error = request, "", ""
        self.told, self.trials, self._numbers, self._tried = {}, [], {}, {}
        return messages.StartOptimizationResponse(status=self.status())

    def _check(self, request: Any) -> None:
        if request.optimization_id != self.id:
            raise OptimisticLockFailure(f"{request.optimization_id} does not hold it")

    async def _AskTrial(self, request: Any) -> Any:
        self._check(request)
        await self.gate.wait()
        assert self.start is not None
        while self.is_on:
            number = self._numbers.get(request.client_id)
            if number is None and (request.values or len(self._tried) < len(self.values)):
                number = len(self._tried) + 1
                self._numbers[request.client_id] = number
                self._tried[number] = dict(request.values) or self._by_name(self.values[number - 1])
            if number is not None:
                reply = messages.AskTrialResponse(trial=messages.Trial(number=number))
                for name, value in self._tried[number].items():
                    reply.trial.values[name].CopyFrom(value if request.values else encode_value(value))
                return reply
            changed = self._changed
            if len(self.trials) == len(self._tried):
                self.end("exhausted")
            else:
                await changed.wait()
                return messages.AskTrialResponse()
        return messages.AskTrialResponse(ended=self.status())

    def _by_name(self, value: Any) -> dict[str, Any]:
        assert self.start is not None
        return value if isinstance(value, dict) else {self.start.variables[0]: value}

    async def _TellTrial(self, request: Any) -> Any:
        self._check(request)
        if not self.is_on:
            raise NotOptimizing("the run is over")
        assert self.start is not None
        if request.number not in self.told:
            if not request.error and not request.HasField("score") and "score" not in request.metrics:
                raise InvalidArgument("score: expected it among the metrics")
            self.told[request.number] = request
            self._numbers.pop(request.client_id)
            iteration = len(self.trials) + 1
            fields: dict[str, Any] = {"error": request.error, "state": "failed"}
            if not request.error:
                score = request.score if request.HasField("score") else request.metrics["score"]
                fields = {"score": score, "metrics": request.metrics, "state": "complete"}
            trial = messages.OptimizationTrial(
                optimization_id=self.id, iteration=iteration, ended_at_ms=1_500 + iteration, **fields
            )
            for name, value in self._tried[request.number].items():
                known = isinstance(value, (bool, int, float, str, dict, list))
                trial.values[name].CopyFrom(encode_value(value) if known else value)
            self.trials.append(trial)
            if len(self.trials) >= self.start.max_iterations:
                self.end("max_iterations")
            self._turn()
        return messages.TellTrialResponse(trial=self.trials[-1], status=self.status())

    async def _RenewOptimization(self, request: Any) -> Any:
        self._check(request)
        return messages.RenewOptimizationResponse(status=self.status())

    async def _StopOptimization(self, request: Any) -> Any:
        if not self.is_on:
            raise NotOptimizing(f"{request.variable} is not being optimized")
        self.end(request.reason or "stopped", request.error)
        return messages.StopOptimizationResponse(status=self.status())

    async def _GetOptimizationStatus(self, request: Any) -> Any:
        return messages.GetOptimizationStatusResponse(status=self.status())

    async def _GetOptimizationHistory(self, request: Any) -> Any:
        return messages.GetOptimizationHistoryResponse(trials=self.trials[-request.limit :])

    async def _follow(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self.streams += 1
        sent = request.after_iteration
        while True:
            changed = self._changed
            if len(self.trials) > sent:
                yield messages.FollowOptimizationResponse(trials=self.trials[sent:])
                sent = len(self.trials)
            if not self.is_on:
                yield messages.FollowOptimizationResponse(ended=self.status())
                return
            await changed.wait()

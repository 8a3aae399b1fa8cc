"""Fixtures for parts of a worker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest_asyncio

from coilyard._registry import Registry
from support.bench_worker import BenchWorker

Build = Callable[..., BenchWorker]


@pytest_asyncio.fixture
async def build() -> AsyncIterator[Build]:
    workers: list[BenchWorker] = []

    def build(*tools: Callable[..., Any], concurrency: int = 8) -> BenchWorker:
        registry = Registry()
        for tool in tools:
            registry.add_tool(tool)
        workers.append(BenchWorker(registry, concurrency))
        return workers[-1]

    yield build
    for worker in workers:
        await worker.close()

"""The process of a worker, from its command line to its exit code.

User modules are imported in the main thread before there is an event loop and before anything of gRPC exists: they may
call `dspy.configure`, and a parent may fork a worker after its imports.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import os
import signal
import sys
import traceback
from collections.abc import Sequence

from coilyard._guardian import guard
from coilyard._registry import Registry, default_registry
from coilyard._worker.attach import Attachment
from coilyard._worker.exits import Exit, WorkerExit, cut_off_soon
from coilyard._worker.lifeline import die_with_parent, die_with_stdin
from coilyard._worker.limits import limit_this_process
from coilyard._worker.options import WorkerOptions, parse_options
from coilyard._worker.signals import heed_signals, keep_signals_from_forks

#: What user modules find in the environment unless it says otherwise.
ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else LiteLLM fetches its price list from the network at import
    "GRPC_VERBOSITY": "ERROR",
}

#: The handler of the log that is the worker's own.
LOG_HANDLER = "coilyard"

_log = logging.getLogger("coilyard.worker")


def main(arguments: Sequence[str] | None = None, registry: Registry = default_registry) -> None:
    """Runs a worker and ends the process."""
    options = parse_options(arguments)
    if options.die_with_stdin:
        guard()
    _run(options, registry)


def run_forked(arguments: Sequence[str]) -> None:
    """Runs a worker in a process that was forked for it, with all imports done, and ends the process."""
    _run(parse_options(arguments), default_registry)


def _run(options: WorkerOptions, registry: Registry) -> None:
    write_logs_to_stderr(f"{options.worker_id}/{options.incarnation}")
    limit_this_process(options.nice, options.rlimits)
    if not options.detached:
        die_with_parent()
    if options.die_with_stdin:
        die_with_stdin()
    try:
        code = _work(options, registry)
    except WorkerExit as ended:
        _log.error("%s", ended)
        code = ended.code
    except MemoryError:
        _log.exception("no memory for the worker itself")
        code = Exit.OUT_OF_MEMORY
    except Exception:
        _log.exception("a fault of the worker")
        code = Exit.FAULT
    _end(code)


def _work(options: WorkerOptions, registry: Registry) -> Exit:
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import_modules(options)
    heed_signals()
    keep_signals_from_forks()
    asyncio.run(_serve(options, registry))
    return Exit.DRAINED


def import_modules(options: WorkerOptions) -> None:
    """Imports what declares tools and factories.

    Raises:
        WorkerExit: One of them cannot be imported; why is on stderr.
    """
    search_first(options.paths)
    for name in options.imports:
        try:
            importlib.import_module(name)
        except BaseException as error:
            traceback.print_exc()
            code = Exit.OUT_OF_MEMORY if isinstance(error, MemoryError) else Exit.IMPORT_FAILED
            raise WorkerExit(code, f"cannot import {name}: {type(error).__name__}: {error}") from error


def search_first(paths: Sequence[str]) -> None:
    """Has imports look into these directories first; those that are there already keep their place."""
    absolute = [os.path.abspath(path) for path in paths]  # noqa: PTH100 - links are kept as they are
    sys.path[:0] = [path for path in absolute if path not in sys.path]


async def _serve(options: WorkerOptions, registry: Registry) -> None:
    attachment = Attachment(options, registry)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, attachment.drain)
    try:
        await attachment.run()
    except BaseException as ended:
        # Calls in hand are cancelled now, and waited for; a thread in the middle of something need not hear of it.
        cut_off_soon(_code_of(ended), str(ended) if isinstance(ended, WorkerExit) else "")
        raise


def _code_of(ended: BaseException) -> Exit:
    if isinstance(ended, WorkerExit):
        return ended.code
    return Exit.OUT_OF_MEMORY if isinstance(ended, MemoryError) else Exit.FAULT


def write_logs_to_stderr(who: str) -> None:
    """Has the lines of the log name the process; a fork's handlers are those of its parent and get the new name."""
    root = logging.getLogger()
    handler = next((handler for handler in root.handlers if handler.name == LOG_HANDLER), None)
    if handler is None:
        handler = logging.StreamHandler(sys.stderr)
        handler.name = LOG_HANDLER
        root.addHandler(handler)
        root.setLevel(logging.INFO)
    handler.setFormatter(logging.Formatter(f"%(asctime)s {who} %(levelname)s %(name)s: %(message)s"))


def _end(code: Exit) -> None:
    """Ends the process with `code`, whatever user code left running."""
    cut_off_soon(code)
    sys.exit(code)

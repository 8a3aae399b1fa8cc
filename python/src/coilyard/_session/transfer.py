"""Variables as a document to take along."""

from __future__ import annotations

import asyncio
from typing import Any

from coilyard import _arguments as given
from coilyard import _methods as methods
from coilyard._proto import variables_pb2
from coilyard._session.base import SessionBase
from coilyard._transfer import CLIENT_FORMATS, SERVER_FORMATS, Converter

_CHANGING = frozenset({"registered", "replaced", "merged"})


class VariableTransfer(SessionBase):
    """Export and import. The document is the gateway's; `pickle` and `parquet` are made of it and read back here."""

    async def export_variables(
        self,
        format: str = "json",
        include_history: bool = False,
        include_dependencies: bool = True,
        filter_pattern: str | None = None,
    ) -> bytes:
        """The variables that the caller may read, with their settings, as one versioned document.

        Args:
            format: `json`, `yaml`, `pickle` or `parquet`.
            include_history: Also earlier versions, as far as they are kept.
            include_dependencies: Also the dependencies between them.
            filter_pattern: A regular expression in RE2 syntax, searched for in names.

        Raises:
            InvalidArgument: The format or the pattern is not known (also a ValueError).
            ImportError: `parquet` without the `arrow` extra.

        Example:
            >>> data = await session.export_variables(include_history=True, filter_pattern=r".*temperature.*")
        """
        wire_format, converter = _form(format)
        settings: dict[str, Any] = {
            "include_history": given.flag(include_history, "include_history"),
            "without_dependencies": not given.flag(include_dependencies, "include_dependencies"),
            "filter_pattern": given.optional_text(filter_pattern, "filter_pattern", "a regular expression or None"),
        }
        core = self._core
        await core.initialize()
        request = variables_pb2.ExportVariablesRequest(
            session_id=core.session_id,
            format=wire_format,
            **settings,
        )
        with given.called(filterPattern="filter_pattern"):
            data = (await core.call(methods.ExportVariables, request)).data
        return data if converter is None else await asyncio.to_thread(converter.dump, data)

    async def import_variables(
        self, data: bytes, format: str = "json", merge_strategy: str = "replace", dry_run: bool = False
    ) -> dict[str, Any]:
        """Reads a document into the session, all or nothing. Variables are matched by name; new ones get new ids.

        Nothing in a document is ever executed: of pickles only plain containers, texts and numbers are read.

        Args:
            data: What `export_variables` gave.
            format: `json`, `yaml`, `pickle` or `parquet`.
            merge_strategy: What becomes of a variable that exists: `replace` takes the document's, `keep` the present,
                `merge` joins maps, constraints and metadata and takes the document's otherwise.
            dry_run: Say what would happen, and change nothing.

        Returns:
            `imported`, `skipped`, `errors`, and `details`: one dict per variable with `name`, `action` (`registered`,
            `replaced`, `merged`, `kept` or `refused`) and, where it was refused, `code`, `message` and `path`.

        Raises:
            InvalidArgument: It is no such document, or the format or the strategy is not known (also a ValueError).
            CoilyardError: What the first variable that was refused was refused for; only a dry run counts `errors`.
            ImportError: `parquet` without the `arrow` extra.
        """
        wire_format, converter = _form(format)
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise given.wrong_kind("data", "bytes", data)
        strategy = given.text(merge_strategy, "merge_strategy", "one of replace, keep, merge")
        is_rehearsal = given.flag(dry_run, "dry_run")
        document = bytes(data) if converter is None else await asyncio.to_thread(converter.load, bytes(data))
        core = self._core
        await core.initialize()
        fields = {
            "data": document,
            "format": wire_format,
            "merge_strategy": strategy,
            "dry_run": is_rehearsal,
            "source": core.config.source,
        }
        request = variables_pb2.ImportVariablesRequest(**core.scoped(fields))
        with given.called(document="data", bytes="data"):
            reply = await core.call(methods.ImportVariables, request)
        if not is_rehearsal and any(detail.action in _CHANGING for detail in reply.details):
            core.invalidate(None)
        return {
            "imported": reply.imported,
            "skipped": reply.skipped,
            "errors": reply.errors,
            "details": [_detail(detail) for detail in reply.details],
        }


def _form(format: str) -> tuple[str, Converter | None]:
    """What the gateway is asked for, and what makes the format of that and back; None when it speaks it itself."""
    known = given.one_of(format, "format", (*SERVER_FORMATS, *CLIENT_FORMATS))
    converter = CLIENT_FORMATS.get(known)
    return (known, None) if converter is None else ("json", converter)


def _detail(detail: variables_pb2.ImportDetail) -> dict[str, str]:
    described = {"name": detail.name, "action": detail.action}
    if detail.action == "refused":
        described.update(code=detail.code, message=detail.message, path=detail.path)
    return described

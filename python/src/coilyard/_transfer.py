"""Forms of an exported document that only Python knows: made of the gateway's JSON, and read back into it.

A document may come from an enemy. Pickles are read opcode by opcode against a list of those that can only make plain
containers, texts and numbers; whatever the form, what comes out is bounded in size before it becomes JSON.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from coilyard._calls import MAX_MESSAGE_BYTES
from coilyard._errors import CoilyardError, InvalidArgument, PayloadTooLarge
from coilyard._json import dump_json, load_json

if TYPE_CHECKING:
    from types import ModuleType

#: What the gateway reads and writes by itself.
SERVER_FORMATS = ("json", "yaml")


@dataclass(frozen=True)
class Converter:
    """One form.

    Attributes:
        dump: Makes it of the JSON document.
        load: Makes the JSON document of it; raises `InvalidArgument` when it is none.
    """

    dump: Callable[[bytes], bytes]
    load: Callable[[bytes], bytes]


def _to_json(document: object) -> bytes:
    _bound(document)
    if not isinstance(document, dict):
        raise InvalidArgument(f"data: expected an exported document, got a {type(document).__name__}")
    return dump_json(document).encode()


def _bound(document: object) -> None:
    """Refuses what would be a larger text than any message: a few bytes can say a list of itself, many times over.

    Looks at each container once, however often it occurs.
    """
    sizes: dict[int, int] = {}
    above: set[int] = set()
    pending = [document]
    while pending:
        item = pending[-1]
        key, parts = id(item), _parts(item)
        if key in sizes:
            pending.pop()
        elif key in above:
            sizes[key] = 2 + sum(sizes.get(id(part), 0) or _leaf_size(part) for part in parts)
            if sizes[key] > MAX_MESSAGE_BYTES:
                raise PayloadTooLarge(f"data: a document of more than {MAX_MESSAGE_BYTES} bytes")
            above.remove(key)
            pending.pop()
        else:
            above.add(key)
            inner = [part for part in parts if isinstance(part, (dict, list)) and id(part) not in sizes]
            if any(id(part) in above for part in inner):
                raise InvalidArgument("data: a list or map that contains itself")
            pending.extend(inner)


def _parts(item: object) -> list[object]:
    if isinstance(item, dict):
        return [*item.keys(), *item.values()]
    return item if isinstance(item, list) else []


def _leaf_size(item: object) -> int:
    return 2 + (len(item) if isinstance(item, str) else item.bit_length() // 4 if isinstance(item, int) else 0)


# Pickle

#: Opcodes that push plain things, or put them together. None of them names a class, calls anything or sets attributes.
#: Nor does one make a tuple: as keys of a map, a few bytes of them take for ever to hash.
_PLAIN_OPCODES = frozenset({
    "PROTO", "FRAME", "STOP", "MARK", "POP", "POP_MARK", "DUP", "NONE", "NEWTRUE", "NEWFALSE",
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8",
    "EMPTY_LIST", "APPEND", "APPENDS", "LIST", "EMPTY_DICT", "DICT", "SETITEM", "SETITEMS",
    "GET", "BINGET", "LONG_BINGET", "PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE",
})  # fmt: skip
_MEMO_OPCODES = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"{module}.{name} is no plain container or number")

    def persistent_load(self, _: object) -> NoReturn:
        raise pickle.UnpicklingError("a reference to something outside of the pickle")


def _load_pickle(data: bytes) -> bytes:
    try:
        _check_opcodes(data)
        document = _PlainUnpickler(io.BytesIO(data)).load()
    except CoilyardError:
        raise
    except Exception as error:  # garbage fails in many ways
        raise InvalidArgument(f"data: not a pickle of plain containers and numbers: {error}") from error
    return _to_json(document)


def _check_opcodes(data: bytes) -> None:
    for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
        if opcode.name not in _PLAIN_OPCODES:
            raise InvalidArgument(f"data: a pickle with {opcode.name}, which plain containers and numbers do not need")
        if opcode.name in _MEMO_OPCODES and isinstance(argument, int) and argument > count:
            raise InvalidArgument("data: a pickle that reserves memory which it does not use")


def _dump_pickle(data: bytes) -> bytes:
    return pickle.dumps(load_json(data.decode()), protocol=4)


# Parquet: a row for each variable, what has no plain column as JSON text, the rest of the document beside the schema

_HEADER = b"coilyard.document"
_TEXT = ("name", "type", "description", "source")
_JSON = ("value", "constraints", "metadata", "updateMetadata", "accessRules", "history")
_FLAGS = ("readOnly", "computed")
_TIMES = ("createdAtMs", "updatedAtMs")


def _arrow() -> tuple[ModuleType, ModuleType]:
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        from pyarrow import parquet as pq  # noqa: PLC0415
    except ImportError as error:
        raise ImportError("parquet needs pyarrow: pip install 'coilyard[arrow]'") from error
    return pa, pq


def _dump_parquet(data: bytes) -> bytes:
    pa, pq = _arrow()
    document = load_json(data.decode())
    rows = document.pop("variables")
    schema = pa.schema(
        [(name, pa.string()) for name in _TEXT]
        + [("version", pa.int64())]
        + [(name, pa.string()) for name in _JSON]
        + [(name, pa.bool_()) for name in _FLAGS]
        + [(name, pa.float64()) for name in _TIMES],
        metadata={_HEADER: dump_json(document).encode()},
    )
    table = pa.Table.from_pylist([_to_row(row) for row in rows], schema=schema)
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def _load_parquet(data: bytes) -> bytes:
    pa, pq = _arrow()
    try:
        file = pq.ParquetFile(io.BytesIO(data))
        groups = [file.metadata.row_group(index) for index in range(file.metadata.num_row_groups)]
        if sum(group.total_byte_size for group in groups) > MAX_MESSAGE_BYTES:
            raise PayloadTooLarge(f"data: a document of more than {MAX_MESSAGE_BYTES} bytes")
        header = (file.schema_arrow.metadata or {}).get(_HEADER)
        if header is None:
            raise InvalidArgument("data: a parquet file that is no exported document")
        document = load_json(header.decode())
        document["variables"] = [_from_row(row) for row in file.read().to_pylist()]
    except CoilyardError:
        raise
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        raise InvalidArgument(f"data: not a parquet file of variables: {error}") from error
    return _to_json(document)


def _to_row(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _scalar_json(value) if key in _JSON else value for key, value in entry.items()}


def _from_row(row: Mapping[str, Any]) -> dict[str, Any]:
    present = {key: value for key, value in row.items() if value is not None}
    for key in present.keys() & set(_JSON):
        present[key] = load_json(present[key])
    for key in present.keys() & set(_TIMES):
        if present[key] == int(present[key]):
            present[key] = int(present[key])
    return present


def _scalar_json(value: object) -> str:
    return dump_json([value])[1:-1]


#: What is made and read here.
CLIENT_FORMATS: Mapping[str, Converter] = {
    "pickle": Converter(_dump_pickle, _load_pickle),
    "parquet": Converter(_dump_parquet, _load_parquet),
}

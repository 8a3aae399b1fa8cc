"""Pickles and parquet files from strangers: nothing is executed, nothing grows without bound."""

from __future__ import annotations

import contextlib
import copyreg
import json
import os
import pickle
import pickletools
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from coilyard import PayloadTooLarge
from coilyard._transfer import CLIENT_FORMATS

PICKLE = CLIENT_FORMATS["pickle"]

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(value=values, protocol=st.sampled_from(range(pickle.HIGHEST_PROTOCOL + 1)))
def test_plain_things_are_read_from_a_pickle_of_any_protocol(value: Any, protocol: int) -> None:
    loaded = json.loads(PICKLE.load(pickle.dumps({"value": value}, protocol)))
    assert loaded == {"value": value}


@given(value=values)
def test_a_document_survives_the_way_through_a_pickle(value: Any) -> None:
    document = json.dumps({"variables": [{"name": "x", "value": value}]}).encode()
    assert json.loads(PICKLE.load(PICKLE.dump(document))) == json.loads(document)


class Hostile:
    """Runs a command when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self._path),)


class Extension:
    pass


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_would_run_code_is_refused_before_it_does(tmp_path: Path, protocol: int) -> None:
    target = tmp_path / "made"
    with pytest.raises(ValueError, match="do not need"):
        PICKLE.load(pickle.dumps({"variables": [Hostile(target)]}, protocol))
    assert not target.exists()


def test_classes_are_refused_however_they_are_named() -> None:
    copyreg.add_extension(__name__, "Extension", 0x1234)
    try:
        hostile = [
            pickle.dumps({"x": item}) for item in (OrderedDict(), np.float64(1), np.zeros(2), {1}, b"", Extension())
        ]
        hostile += [pickle.dumps({"x": os.system}, 0), b"\x80\x02cos\nsystem\n(S'true'\ntR.", b"\x80\x02}Pid\n."]
        for data in hostile:
            with pytest.raises(ValueError):
                PICKLE.load(data)
    finally:
        copyreg.remove_extension(__name__, "Extension", 0x1234)


def test_every_opcode_that_is_allowed_is_one_that_there_is() -> None:
    from coilyard._transfer import _PLAIN_OPCODES

    assert {opcode.name for opcode in pickletools.opcodes} >= _PLAIN_OPCODES
    assert not _PLAIN_OPCODES & {"GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX"}


def test_a_few_bytes_that_say_a_giant_are_refused_in_short_time() -> None:
    nested: Any = ["x" * 1000]
    for _ in range(60):
        nested = [nested, nested]
    cyclic: list[Any] = []
    cyclic.append({"again": cyclic})
    keys: Any = ("x",)
    for _ in range(40):
        keys = (keys, keys)
    started = time.process_time()
    for bomb, error in (
        (nested, PayloadTooLarge),
        ({"variables": nested}, PayloadTooLarge),
        ({"variables": ["x" * 10_000_000] * 10}, PayloadTooLarge),
        ({"variables": cyclic}, ValueError),
        ([1, keys], ValueError),
    ):
        with pytest.raises(error):
            PICKLE.load(pickle.dumps(bomb))
    with pytest.raises(ValueError, match="memory"):
        PICKLE.load(b"\x80\x04}r\xff\xff\xff\x7f.")
    assert time.process_time() - started < 5


@given(data=st.binary(max_size=60))
def test_any_bytes_are_a_document_or_a_value_error(data: bytes) -> None:
    for form in CLIENT_FORMATS.values():
        with contextlib.suppress(ValueError):
            form.load(data)


def test_a_parquet_file_without_pyarrow_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    for act in (CLIENT_FORMATS["parquet"].dump, CLIENT_FORMATS["parquet"].load):
        with pytest.raises(ImportError, match=r"coilyard\[arrow\]"):
            act(b'{"variables": []}')


def test_a_parquet_file_of_something_else_is_a_value_error(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(ValueError, match="no exported document"):
        CLIENT_FORMATS["parquet"].load((tmp_path / "other.parquet").read_bytes())

"""What `json=` sends is what Python's `json` writes, however it is written."""

from __future__ import annotations

import json
from collections import OrderedDict
from enum import IntEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xacct_sign import ValidationError
from xacct_sign._native import _dumps
from xacct_sign._session import _dumps as dumps

texts = st.text(st.characters(exclude_categories=["Cs"]))
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=20)


@given(values)
def test_every_value_reads_back(value: Any) -> None:
    assert json.loads(dumps(value)) == value


@given(values)
def test_the_fast_way_and_pythons_agree_on_types(value: Any) -> None:
    fast = _dumps(value)
    if fast is not None:
        assert repr(json.loads(fast)) == repr(json.loads(json.dumps(value)))


class Colour(IntEnum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"foo": "bar"}, b'{"foo":"bar"}'),
        ({"b": 1, "a": [True, None, 1.5, (1, 2)]}, b'{"b":1,"a":[true,null,1.5,[1,2]]}'),
        ("é\n\"'\x00", '"é\\n\\"\'\\u0000"'.encode()),
        (2**70, b"1180591620717411303424"),
        ({1: "a"}, b'{"1":"a"}'),
        (OrderedDict(z=1), b'{"z":1}'),
        ([Colour.RED], b"[1]"),
    ],
)
def test_examples(value: Any, text: bytes) -> None:
    assert dumps(value) == text


def test_deep_nesting_is_written() -> None:
    value: Any = []
    for _ in range(200):
        value = [value]
    assert dumps(value) == b"[" * 201 + b"]" * 201


def test_what_is_no_json_is_refused() -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    for value in (float("nan"), float("inf"), [float("-inf")], {1, 2}, object(), b"bytes", cycle, "\ud800"):
        with pytest.raises(ValidationError) as caught:
            dumps(value)
        assert caught.value.code == "invalid_body"

"""MATLAB files: what our reader gives is what SciPy's gives, of every type, packed or not."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import scipy.io
from doabench.datasets._matlab import read_variable
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hostile import flipped, ours_or_result
from support.hostile_data import mat_bytes

TYPES = ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8", "c8", "c16", "?")


def saved(packed: bool, **content: Any) -> bytes:
    made = io.BytesIO()
    scipy.io.savemat(made, content, do_compression=packed)
    return made.getvalue()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("shape", [(3, 4), (1, 1), (0, 3), (2, 3, 4)])
@pytest.mark.parametrize("dtype", TYPES)
def test_numbers_of_every_type_are_those_that_were_saved(dtype: str, shape: tuple[int, ...], packed: bool) -> None:
    numbers = np.random.default_rng(0).uniform(-100, 100, shape).astype(dtype)
    content = saved(packed, before=np.ones(3), x=numbers, word="left", record={"a": 1})
    found, theirs = read_variable(content, "x", "here"), scipy.io.loadmat(io.BytesIO(content))["x"]
    np.testing.assert_array_equal(found, theirs, strict=bool(numbers.size))
    assert found.flags.writeable


@pytest.mark.parametrize("packed", [False, True])
def test_cells_are_those_that_were_saved(packed: bool) -> None:
    cells = np.empty((3, 2), object)
    for row in range(3):
        cells[row, 0], cells[row, 1] = float(row), np.full((row, 2), row)
    content = saved(packed, data=cells)
    found, theirs = read_variable(content, "data", "here"), scipy.io.loadmat(io.BytesIO(content))["data"]
    assert found.shape == theirs.shape
    for ours, other in zip(found.flat, theirs.flat, strict=True):
        np.testing.assert_array_equal(ours, other)


def test_a_file_of_the_other_byte_order_is_read_alike() -> None:
    """By hand: nothing here writes one."""
    numbers = np.arange(6.0).reshape(2, 3)

    def element(kind: int, body: bytes) -> bytes:
        return kind.to_bytes(4, "big") + len(body).to_bytes(4, "big") + body + bytes(-len(body) % 8)

    flags, shape = element(6, (6).to_bytes(4, "big") + bytes(4)), element(5, (2).to_bytes(4, "big") + (3).to_bytes(4, "big"))
    body = flags + shape + element(1, b"x") + element(9, numbers.astype(">f8").tobytes(order="F"))
    content = b"by hand".ljust(124) + b"\x01\0MI" + element(14, body)
    found = read_variable(content, "x", "here")
    np.testing.assert_array_equal(found, numbers)
    assert found.dtype == np.float64


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 20), packed=st.booleans())
def test_wherever_bits_turn_it_is_an_array_or_one_line(seed: int, count: int, packed: bool) -> None:
    content = flipped(mat_bytes(do_compression=packed), seed, count)
    found = ours_or_result(lambda: read_variable(content, "impulse_response", "here"))
    assert found is None or isinstance(found, np.ndarray)

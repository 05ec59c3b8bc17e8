"""Arrays of numbers in MATLAB files of versions 5 to 7, with one clear line for whatever is wrong with them.

Such files come from strangers, for whom `scipy.io.loadmat` is not made, as its documentation says: up to SciPy 1.17 at least,
an element of a type that does not exist ends the process (its pull request 25829). The data sets hold little of what such a
file may: matrices, and cells of them. The format is MathWorks' "MAT-File Format", level 5.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..benchmark.errors import UserError
from ._measured import LOUDEST

LARGEST_BYTES = 2**30
"""Of a variable that is compressed."""
HEADER, VERSION_7_3 = 128, 2
MATRIX, COMPRESSED = 14, 15
CELL, OPAQUE, NUMERIC, COMPLEX = 1, 17, range(6, 16), 0x800
TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
Order: TypeAlias = Literal["little", "big"]


class _Array(NamedTuple):
    """Name, class, whether it is complex, shape, and what follows these."""

    name: str
    kind: int
    is_complex: bool
    shape: tuple[int, ...]
    rest: memoryview


def read_variable(source: Path | bytes, name: str, where: object) -> NDArray[Any]:
    """The array ``name`` of a .mat file up to version 7, by path or content: numbers, or objects that are such arrays. Raises
    UserError that begins with ``where``."""
    known = list[str]()
    try:
        content = memoryview(source if isinstance(source, bytes) else source.read_bytes())
        for array, order in _variables(content, where):
            if array.name == name:
                return _value(array, order, in_cell=False)
            known.append(array.name)
    except (OSError, ValueError, zlib.error) as error:
        raise UserError(f"{where}: cannot be read as a MATLAB file ({error}); download it again") from error
    raise UserError(f"{where}: has no variable {name!r} (it has: {', '.join(known) or 'none'}); is it a file of this data set?")


def _variables(content: memoryview, where: object) -> Iterator[tuple[_Array, Order]]:
    """All arrays of a file, with the order of its bytes. Raises ValueError for what is damaged."""
    orders: dict[bytes, Order] = {b"IM": "little", b"MI": "big"}
    order = orders.get(bytes(content[126:HEADER]))
    if order is None:
        raise ValueError("it does not begin like one")
    if int.from_bytes(content[124:126], order) >> 8 == VERSION_7_3:
        raise UserError(f"{where}: is a MATLAB 7.3 file; save it again with -v7")
    content = content[HEADER:]
    while content:
        kind, body, content = _element(content, order)
        if kind == COMPRESSED:
            kind, body, _ = _element(_unpacked(body), order)
        yield _array(kind, body, order), order


def _element(content: memoryview, order: Order) -> tuple[int, memoryview, memoryview]:
    """Type and bytes of the element that ``content`` begins with, and what is behind it."""
    kind, size = (int.from_bytes(content[at : at + 4], order) for at in (0, 4))
    start = 8
    if kind >> 16:  # up to four bytes may stand beside their type
        kind, size, start = kind & 0xFFFF, kind >> 16, 4
    body = content[start : start + size]
    if len(content) < 8 or len(body) < size or (start == 4 and size > 4):
        raise ValueError("it is cut short or damaged")
    padding = 0 if kind == COMPRESSED else -(start + size) % 8
    return kind, body, content[start + size + padding :]


def _unpacked(body: memoryview) -> memoryview:
    inflater = zlib.decompressobj()
    content = inflater.decompress(body, LARGEST_BYTES)
    if not inflater.eof:
        raise ValueError(f"a variable is cut short, or larger than {LARGEST_BYTES // 2**20} MiB")
    return memoryview(content)


def _array(kind: int, body: memoryview, order: Order) -> _Array:
    if kind != MATRIX:
        raise ValueError(f"it holds an element of type {kind} where an array should be")
    if not body:  # an empty cell
        return _Array("", NUMERIC[0], False, (0, 0), body)
    _, flags, body = _element(body, order)
    word = int.from_bytes(flags[:4], order)
    if word & 0xFF == OPAQUE:  # an object of MATLAB's has no shape
        return _Array("", OPAQUE, False, (), body)
    _, shape, body = _element(body, order)
    _, name, body = _element(body, order)
    sizes = tuple(int.from_bytes(shape[at : at + 4], order, signed=True) for at in range(0, len(shape), 4))
    if len(sizes) < 2 or min(sizes) < 0:
        raise ValueError(f"an array has the shape {sizes}")
    return _Array(bytes(name).decode("latin-1"), word & 0xFF, bool(word & COMPLEX), sizes, body)


def _value(array: _Array, order: Order, in_cell: bool) -> NDArray[Any]:
    """What an array holds; a word for what is neither numbers nor, once, cells of them."""
    if array.kind == CELL and not in_cell:
        return _cells(array, order)
    if array.kind not in NUMERIC:
        return np.array("no numbers")
    real, rest = _numbers(array, array.rest, order)
    return real + 1j * _numbers(array, rest, order)[0] if array.is_complex else real


def _cells(array: _Array, order: Order) -> NDArray[Any]:
    rest, count = array.rest, math.prod(array.shape)
    if count > len(rest) // 8:
        raise ValueError(f"an array of shape {array.shape} is cut short")
    found = np.empty(count, object)
    for index in range(count):
        kind, body, rest = _element(rest, order)
        found[index] = _value(_array(kind, body, order), order, in_cell=True)
    return found.reshape(array.shape, order="F")


def _numbers(array: _Array, rest: memoryview, order: Order) -> tuple[NDArray[Any], memoryview]:
    if not math.prod(array.shape):
        return np.zeros(array.shape), rest
    kind, body, rest = _element(rest, order)
    if kind not in TYPES:
        raise ValueError(f"it holds numbers of type {kind}, which there is not")
    dtype = np.dtype(TYPES[kind])
    if len(body) != dtype.itemsize * math.prod(array.shape):
        raise ValueError(f"an array of shape {array.shape} does not have as many numbers")
    numbers = np.frombuffer(body, dtype.newbyteorder("<" if order == "little" else ">"))
    return numbers.astype(dtype).reshape(array.shape, order="F"), rest


def real_matrix(array: NDArray[Any], columns: int | None, where: object) -> NDArray[np.float64]:
    """A finite real array ``[n, columns]`` (any number if None). Raises UserError."""
    if np.iscomplexobj(array):
        raise UserError(f"{where}: is complex; waveforms are real")
    if array.dtype.kind not in "fiu" or array.ndim != 2 or (columns is not None and array.shape[1] != columns):
        wanted = f"[samples, {columns}]" if columns else "[samples, channels]"
        raise UserError(f"{where}: is an array of {array.dtype} of shape {array.shape}; expected numbers {wanted}")
    if not (np.abs(array) < LOUDEST).all():
        raise UserError(f"{where}: holds NaN, infinite or absurdly loud samples; download it again")
    return array.astype(np.float64)

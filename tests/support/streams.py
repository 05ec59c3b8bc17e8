"""Streams of recordings that fixtures make."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from doabench.benchmark.data.streams import Stream
from doabench.benchmark.dataset import PositionKind, SpeechRole

StreamOf: TypeAlias = Callable[[SpeechRole, PositionKind], Stream]

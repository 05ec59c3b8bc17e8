"""An MLflow client that does not keep a run waiting."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .sqlite import wait_until_free

PROMPT_S = 0.5
"""A request may take this long on average."""


class Patient:
    """Hands calls on to ``client``, one of a server, or of ``database``. Raises TimeoutError once a server is ``limit_s`` late
    in all; prompt answers make up for late ones. Waits as long, at most, for a database in which somebody else writes."""

    def __init__(self, client: object, limit_s: float, database: Path | None) -> None:
        self._client, self._limit_s, self._database, self._late_s = client, limit_s, database, 0.0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._client, name)

        def timed(*given: object, **named: object) -> object:
            if self._database:
                wait_until_free(self._database, self._limit_s)
                return call(*given, **named)
            if self._late_s > self._limit_s:
                raise TimeoutError(f"it answers slowly (MLFLOW_HTTP_REQUEST_TIMEOUT={20 * self._limit_s:.0f} waits longer)")
            began = time.monotonic()
            answer = call(*given, **named)
            self._late_s = max(0.0, self._late_s + time.monotonic() - began - PROMPT_S)
            return answer

        return timed

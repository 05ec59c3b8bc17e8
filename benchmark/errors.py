"""The one error that is meant for people."""

from __future__ import annotations


class UserError(Exception):
    """Something a person can mend. The message is one line: what was wrong, where, and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))

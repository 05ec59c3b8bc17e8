"""What is installed, as far as the leaderboard has to know it."""

from __future__ import annotations

from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from ...leaderboard.analysis.current import Installed
from ..data.scene import data_code
from ..data.splits import fingerprint, split_code
from ..digest import source_digest
from ..plugins.registry import METHODS, PROTOCOLS, ROOMS, SPEECH
from ..plugins.spec import method_digest
from ..run.identity import cell_code


def installed() -> Installed:
    """Today's code, with the names that tables show."""
    protocols = [plugin.found for plugin in PROTOCOLS.plugins().values() if plugin.found]
    rooms, speech = (
        {name: source_digest(plugin.found) for name, plugin in registry.plugins().items() if plugin.found}
        for registry in (ROOMS, SPEECH)
    )
    return Installed(
        methods={name: method_digest(name) for name in METHODS.plugins()},
        rooms=rooms,
        speech=speech,
        data=data_code(),
        split=split_code(),
        protocols={protocol.id: (fingerprint(protocol), cell_code(protocol)) for protocol in protocols},
        protocol_titles={protocol.id: (protocol.title, protocol.reference) for protocol in protocols},
        citations={name: plugin.found.info.citation for name, plugin in METHODS.plugins().items() if plugin.found},
        parameters={name: _defaults(plugin.found) for name, plugin in METHODS.plugins().items() if plugin.found},
        sources={name: _files(plugin.file) for name, plugin in METHODS.plugins().items()},
    )


def _defaults(method: Any) -> dict[str, str]:
    """Of the parameters of a method, which is a dataclass, that a person may give."""
    return {one.name: str(one.default) for one in fields(method) if one.init and one.default is not MISSING}


def _files(plugin: Path) -> tuple[Path, ...]:
    """The file of a plugin, or those of its package."""
    return tuple(sorted(plugin.parent.glob("*.py"))) if plugin.name == "__init__.py" else (plugin,)

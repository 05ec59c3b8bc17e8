"""`doabench new method`: the template becomes a file of one's own."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from ..errors import UserError
from .registry import METHODS, ROOT

TEMPLATE = Path(__file__).parent / "templates" / "method.py"


def write_method(name: str, folder: Path | None) -> Path:
    """Write an adapter called ``name`` into ``folder``; the path of its file.

    Without a folder it goes where a method of the suite goes if the current folder is the top of a checkout, else into the
    current folder. Raises UserError for a name that cannot be, is taken, or whose file exists.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise UserError(f"new method {name!r}: write a name of lower-case letters, digits and underscores, such as my_method")
    if name in METHODS.names():
        raise UserError(f"new method {name!r}: exists already ({METHODS.get(name).file}); choose another name")
    if folder is None:
        folder = Path("methods") if Path.cwd().resolve() == ROOT else Path()
    path = folder / f"{name}.py"
    words = name.strip("_").split("_")
    text = TEMPLATE.read_text(encoding="utf-8").replace("NearestMean", "".join(word.capitalize() for word in words))
    text = text.replace("Nearest mean", " ".join(words).capitalize())
    if _inside(path):
        text = text.replace("from doabench.benchmark", "from ..benchmark")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UserError(f"{path}: exists already; choose another name or --folder") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); choose another --folder") from error
    return path


def next_commands(path: Path) -> list[str]:
    """What to run next: check, run, look."""
    name, plugin = path.stem, "" if _inside(path) else f" --plugin {path}"
    return [
        f"doabench check {name}{plugin}",
        f"doabench run --scale smoke --method {name} --method srp_phat{plugin}",
        "doabench leaderboard",
    ]


def _inside(path: Path) -> bool:
    return path.resolve().parent == ROOT / METHODS.folder

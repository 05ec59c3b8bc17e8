"""Plugins by their files: names, near names, and what is said of one that cannot be taken."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from doabench.benchmark.errors import UserError
from doabench.benchmark.method import Method
from doabench.benchmark.plugins import registry
from doabench.benchmark.plugins.registry import METHODS, PROTOCOLS, REGISTRIES, ROOMS, SPEECH, Plugin, Registry, add_plugin_file
from support import plugins

Write = Callable[[str, str], Path]


@pytest.fixture(autouse=True)
def _own_plugins() -> Iterator[None]:
    """Plugins that a test adds are gone after it."""
    with ExitStack() as stack:
        for one in REGISTRIES:
            stack.enter_context(one.scope())
        yield


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(name: str, text: str) -> Path:
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        return path

    return written


def test_names_are_the_same_with_hyphens_and_underscores() -> None:
    assert METHODS.get("srp-phat") is METHODS.get("srp_phat")
    assert METHODS.get("srp-phat").name == "srp_phat"
    assert PROTOCOLS.get("label_sweep") is PROTOCOLS.get("label-sweep")
    assert PROTOCOLS.get("label_sweep").name == "label-sweep"


def test_every_shipped_plugin_can_be_loaded() -> None:
    counts = {one.kind: len(one.plugins()) for one in REGISTRIES}
    assert min(counts.values()) >= 2, counts
    assert [plugin.error for one in REGISTRIES for plugin in one.plugins().values() if plugin.error] == []


@pytest.mark.parametrize(
    ("kind", "name", "near"),
    [(METHODS, "srp_pat", "srp_phat"), (PROTOCOLS, "label_swep", "label-sweep"), (ROOMS, "dtu-twn", "dtu-twin")],
)
def test_a_near_name_is_shown(kind: Registry[object], name: str, near: str) -> None:
    with pytest.raises(UserError, match=f"no {kind.kind} named {name!r}; did you mean .*{near}"):
        kind.get(name)


def test_where_no_name_is_near_all_are_shown() -> None:
    with pytest.raises(UserError) as caught:
        SPEECH.get("xyzzy")
    assert str(caught.value).endswith(f"there are: {', '.join(SPEECH.names())}")


def test_a_file_outside_the_tree_is_registered_under_its_stem(write: Write) -> None:
    assert METHODS.add_file(write("left-right", plugins.GUESS)) == "left_right"
    assert METHODS.get("left-right").found.info.title == "Mine"
    assert ROOMS.add_file(write("guess", plugins.GUESS)) is None
    assert "guess" not in ROOMS.names()


def test_a_folder_outside_the_tree_is_a_plugin_with_modules_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "guess_in_parts"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        plugins.GUESS.replace("np.full(", "full(").replace("import os", "from .parts import full")
    )
    digests = []
    for text in ("import numpy as np\nfull = np.full\n", "def full(count, value):\n    return [value] * count\n"):
        (folder / "parts.py").write_text(text)
        program = "import sys; from pathlib import Path; from doabench.benchmark.plugins.registry import METHODS\n"
        program += "from doabench.benchmark.plugins.spec import method_digest\n"
        program += "print(METHODS.add_file(Path(sys.argv[1])), method_digest('guess_in_parts'))"
        command = [sys.executable, "-c", program, str(folder / "__init__.py")]
        name, digest = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        digests.append(digest)
        assert name == "guess_in_parts"
    assert digests[0] != digests[1]
    with pytest.raises(UserError, match=r"a folder without __init__\.py"):
        add_plugin_file(tmp_path / "__init__.py")


def test_two_helpers_of_one_name_are_not_taken_for_one_another(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "an_own_helper.py").write_text(f"NAME = {name!r}\n")
        (tmp_path / name / f"{name}_guess.py").write_text("import an_own_helper\n" + plugins.GUESS)
        METHODS.add_file(tmp_path / name / f"{name}_guess.py")
    assert METHODS.plugins()["first_guess"].error == ""
    assert "are two modules of one name, which Python cannot tell apart: rename one" in METHODS.plugins()["second_guess"].error
    del sys.modules["an_own_helper"]
    sys.path[:] = [place for place in sys.path if not place.startswith(str(tmp_path))]


def test_a_file_that_cannot_be_loaded_is_reported_as_what_it_would_be(write: Write) -> None:
    for name, text in (("no_method", plugins.BROKEN), ("no_room", "from doabench.benchmark.dataset import Room\n1 / 0\n")):
        add_plugin_file(write(name, text))
    assert [one.kind for one in REGISTRIES if "no_method" in one.names()] == ["method"]
    assert "no-room" in ROOMS.names() or "no-room" in SPEECH.names()
    assert "no-room" not in PROTOCOLS.names()


def test_only_public_classes_that_are_made_in_the_file_count(write: Write) -> None:
    text = plugins.GUESS + "\nfrom doabench.methods.srp_phat import SrpPhat\nclass _Helper(SrpPhat): pass\n"
    text += "\nfrom abc import abstractmethod\nclass Base(Method):\n    @abstractmethod\n    def more(self): ...\n"
    assert METHODS.add_file(write("helped", text)) == "helped"
    assert METHODS.get("helped").found.__name__ == "Mine"


def test_two_public_classes_are_one_too_many(write: Write) -> None:
    METHODS.add_file(write("two", plugins.GUESS + "\nclass Other(Mine): pass\n"))
    with pytest.raises(UserError, match=r"'two' .*two\.py\) cannot be loaded: defines 2 public Methods, one is needed"):
        METHODS.get("two")


def test_a_broken_plugin_is_reported_with_its_line_and_stops_nobody(write: Write) -> None:
    METHODS.add_file(write("broken", plugins.BROKEN))
    line = plugins.BROKEN.splitlines().index("1 / 0") + 1
    broken = METHODS.plugins()["broken"]
    assert (broken.found, broken.needs) == (None, "")
    assert broken.error == f"ZeroDivisionError at line {line}: division by zero"
    assert METHODS.get("srp_phat").found is not None


@pytest.mark.parametrize(
    ("statement", "needs"),
    [
        ("import a_package_that_is_not_there", "a_package_that_is_not_there"),
        ("from a_package_that_is_not_there.inside import name", "a_package_that_is_not_there"),
        ("import doabench.methods.not_there", ""),  # nothing that could be installed
        ("from doabench.benchmark.method import NotThere", ""),
    ],
)
def test_a_missing_package_is_named(statement: str, needs: str, write: Write) -> None:
    METHODS.add_file(write("importing", f"{statement}\n{plugins.GUESS}"))
    found = METHODS.plugins()["importing"]
    assert found.needs == needs
    assert "Error at line 1" in found.error


@pytest.mark.parametrize("name", ["srp_phat", "srp-phat", "added"])
def test_a_name_that_is_taken_is_refused(name: str, write: Write) -> None:
    METHODS.add_file(write("added", plugins.GUESS))
    before, shipped = METHODS.plugins(), sys.modules["doabench.methods.srp_phat"]
    with pytest.raises(UserError, match=f"method '{METHODS.plain(name)}' exists already .*rename the file"):
        METHODS.add_file(write(name, plugins.GUESS))
    assert METHODS.plugins() == before
    assert sys.modules["doabench.methods.srp_phat"] is shipped


def test_what_is_added_in_a_scope_is_gone_after_it(write: Write) -> None:
    before = METHODS.names()

    def add_and_break() -> None:
        with METHODS.scope():
            METHODS.add_file(write("passing", plugins.GUESS))
            METHODS.add(Plugin("another", Path("another.py"), object))
            assert METHODS.names() == sorted([*before, "another", "passing"])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        add_and_break()
    assert METHODS.names() == before


@pytest.mark.parametrize(("text", "says"), [("x = 1\n", "defines no Method, Protocol, Speech or Room"), (None, "no such file")])
def test_a_file_that_adds_nothing_is_refused(text: str | None, says: str, write: Write, tmp_path: Path) -> None:
    path = tmp_path / "nothing.py" if text is None else write("nothing", text)
    with pytest.raises(UserError, match=says):
        add_plugin_file(path)


def test_a_file_is_taken_for_the_kind_that_it_defines(write: Write) -> None:
    add_plugin_file(write("guess", plugins.GUESS))
    assert [one.kind for one in REGISTRIES if "guess" in one.names()] == ["method"]


@pytest.mark.parametrize("end", ["os._exit(7)", "os.fork() and os.wait() or os._exit(0); os._exit(7)"])
def test_a_file_in_the_tree_that_ends_its_process_is_reported(
    end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "ROOT", tmp_path)
    before = os._exit
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    (shelf / "ends.py").write_text(f"import os\n{end}\n")
    (shelf / "guess.py").write_text(plugins.GUESS)
    monkeypatch.setattr(sys.modules["doabench"], "__path__", [*sys.modules["doabench"].__path__, str(tmp_path)])
    found = Registry("method", "shelf", Method).plugins()
    assert found["ends"].error.startswith("SystemExit at line 2: exit code 7; a plugin must not end the program")
    assert (found["guess"].error, os._exit) == ("", before)


def test_two_files_of_one_name_in_the_tree_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "ROOT", tmp_path)
    (tmp_path / "shelf").mkdir()
    for name in ("left_right", "left-right"):
        (tmp_path / "shelf" / f"{name}.py").write_text(plugins.GUESS)
    with pytest.raises(UserError, match=r"'left-right' stands twice: .*rename one"):
        Registry("method", "shelf", Method).names()

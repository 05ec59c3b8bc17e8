"""Methods and rooms as a person writes them: `name[parameter=value,...]`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from doabench.benchmark.errors import UserError
from doabench.benchmark.plugins.registry import METHODS
from doabench.benchmark.plugins.spec import default_methods, make_method, make_room, method_digest, read_method, split_spec
from doabench.methods.srp_phat import SrpPhat
from hypothesis import given
from hypothesis import strategies as st
from support import plugins

NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,9}", fullmatch=True)
VALUES = st.text("abcxyz019.:/+- ", min_size=1).map(str.strip).filter(bool)


@pytest.fixture(autouse=True)
def _own_plugins(tmp_path: Path) -> Iterator[None]:
    """`guess`, `needs_package` and `broken`, which are gone after the test."""
    texts = {"guess": plugins.GUESS, "needs_package": plugins.NEEDS_PACKAGE, "broken": plugins.BROKEN}
    with METHODS.scope():
        for name, text in texts.items():
            (tmp_path / f"{name}.py").write_text(text)
            METHODS.add_file(tmp_path / f"{name}.py")
        yield


@given(name=NAMES, parameters=st.dictionaries(NAMES, VALUES), space=st.sampled_from(["", " "]))
def test_what_is_written_is_what_is_read(name: str, parameters: dict[str, str], space: str) -> None:
    inside = f"{space},{space}".join(f"{key}{space}={space}{value}" for key, value in parameters.items())
    assert split_spec(f"{space}{name}[{inside}]{space}") == (name, parameters)
    assert split_spec(name) == (name, {})


@pytest.mark.parametrize(
    "text", ["", "cnn[", "cnn]", "cnn[steps]", "cnn[steps=]", "cnn[=1]", "cnn[a=1,a=2]", "cnn[a=1]x", "a b"]
)
def test_what_cannot_be_read_is_shown_with_an_example(text: str) -> None:
    with pytest.raises(UserError, match=r"write it like srp_phat\[variant=as-released\]"):
        split_spec(text)


def test_a_variant_says_what_differs_from_the_defaults() -> None:
    assert read_method("guess").variant == ""
    assert read_method("guess[angle_deg=0]").variant == ""
    assert read_method("guess[angle_deg=-30]").variant == "angle_deg=-30.0"
    assert read_method("srp-phat[variant=as-released]").variant == "as-released"


def test_parameters_are_typed_and_complete() -> None:
    assert read_method("guess[angle_deg=30]").parameters == {"angle_deg": 30.0}
    assert read_method("guess").parameters == {"angle_deg": 0.0}
    name, method = make_method("srp-phat[variant=as-released]")
    assert name == "srp_phat"
    assert method == SrpPhat(variant="as-released")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("gess", "did you mean guess"),
        ("guess[angl_deg=1]", "has no parameter 'angl_deg'; it has: angle_deg"),
        ("guess[angle_deg=left]", "'guess': parameter angle_deg: .*number"),
    ],
)
def test_what_does_not_fit_is_named(text: str, says: str) -> None:
    for read in (read_method, make_method):
        with pytest.raises(UserError, match=says):
            read(text)


@pytest.mark.parametrize(
    ("name", "state", "reason"),
    [
        ("needs_package", "not-installed", "install a_package_that_is_not_there"),
        ("broken", "failed", "broken.py cannot be loaded: ZeroDivisionError at line"),
    ],
)
def test_a_method_that_cannot_be_loaded_has_a_spec_that_says_why(name: str, state: str, reason: str) -> None:
    spec = read_method(f"{name}[angle_deg=30]")
    assert (spec.name, spec.title, spec.method, spec.parameters, spec.variant) == (name, name, None, {}, "")
    assert spec.problem is not None
    assert spec.problem[0] == state
    assert spec.problem[1].startswith(reason)
    with pytest.raises(UserError, match="cannot be loaded"):
        make_method(name)


def test_unasked_run_those_that_say_so_their_released_forms_and_broken_ones() -> None:
    found = list(default_methods())
    assert {"srp_phat", "srp_phat[variant=as-released]", "guess", "broken", "needs_package"} <= set(found)
    assert "mean_teacher" not in found
    assert len(found) == len(set(found))


def test_the_digest_of_a_method_that_cannot_be_loaded_is_that_of_its_failure(tmp_path: Path) -> None:
    with METHODS.scope():
        (tmp_path / "worse.py").write_text("\n" + plugins.BROKEN)  # fails a line further down
        METHODS.add_file(tmp_path / "worse.py")
        digests = [method_digest(name) for name in ("broken", "needs_package", "guess", "worse")]
    assert len(set(digests)) == 4
    assert method_digest("broken") == digests[0]


def test_a_room_takes_files_or_not(tmp_path: Path) -> None:
    assert make_room("dtu-twin").candidates_deg == tuple(range(-90, 91, 10))
    with pytest.raises(UserError, match="no room named 'dtu-twn'; did you mean dtu-twin"):
        make_room("dtu-twn")
    with pytest.raises(UserError, match="'sofa' has no parameter 'pear'; it has: pair"):
        make_room("sofa[pear=1-2]", path=tmp_path)

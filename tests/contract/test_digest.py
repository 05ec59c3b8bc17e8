"""Hashes of values, arrays and code: they change with what they stand for, and with nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from doabench.benchmark import digest
from doabench.benchmark.code import closure_of
from doabench.benchmark.digest import code_digest, source_digest
from doabench.methods.srp_phat import SrpPhat

HELPER = "FACTOR = 2\n\n\ndef scaled(x):\n    return FACTOR * x\n\n\ndef unused(x):\n    return x\n"
OTHER = "FACTOR = 3\n\n\ndef scaled(x):\n    return FACTOR * x\n"
MODULE = """
import numpy as np

from helper import scaled


class Base:
    def g(self, x):
        return np.abs(x)


class F(Base):
    def f(self, x):
        return self.g(scaled(x)) + sum(value for value in x)
"""
PRINT = "import module; from doabench.benchmark.digest import code_digest; print(code_digest(module.F))"


def hashed(folder: Path, module: str = MODULE, program: str = PRINT, **others: str) -> str:
    """The hash of ``F`` in a folder of its own, from a process of its own."""
    folder.mkdir()
    for name, text in {"module": module, "helper": HELPER, "other": OTHER, **others}.items():
        (folder / f"{name}.py").write_text(text)
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> str:
    return hashed(tmp_path_factory.mktemp("original") / "code")


IMPORT = "from helper import scaled"
SAME = {
    "a comment and a docstring": MODULE.replace(
        "    def f(self, x):\n", '    def f(self, x):\n        """F."""\n        # f\n'
    ),
    "layout": MODULE.replace("self.g(scaled(x)) + sum", "self.g(\n            scaled(x)\n        ) + sum"),
    "an import of the module": MODULE.replace(IMPORT, "import helper").replace("scaled(x)", "helper.scaled(x)"),
    "an import by another name": MODULE.replace(IMPORT, IMPORT + " as bigger").replace("scaled(x)", "bigger(x)"),
    "an import where it is used": MODULE.replace(IMPORT, "").replace(
        "        return self", f"        {IMPORT}\n        return self"
    ),
    "a package by another name": MODULE.replace("import numpy as np", "import numpy").replace("np.abs", "numpy.abs"),
    "a name out of a package": MODULE.replace("import numpy as np", "from numpy import abs as a").replace("np.abs", "a"),
    "an import that nothing uses": MODULE + "\nimport other\n",
    "a definition that nothing uses": MODULE + "\n\ndef h(x):\n    return x\n",
}
DIFFERENT = {
    "code": MODULE.replace("+ sum", "- sum"),
    "the code of a base class": MODULE.replace("np.abs", "np.sqrt"),
    "an import that brings other code": MODULE.replace(IMPORT, "from other import scaled"),
    "a statement that runs when it is imported": MODULE + "\nnp.random.seed(0)\n",
    "a base class": MODULE.replace("class F(Base)", "class F(Base, dict)"),
    "a constant of a class": MODULE.replace("    def f", "    limit = 1\n\n    def f"),
    "a default": MODULE.replace("def f(self, x)", "def f(self, x=1)"),
}


@pytest.mark.parametrize("what", SAME)
def test_what_changes_no_number_changes_no_hash(what: str, original: str, tmp_path: Path) -> None:
    assert SAME[what] != MODULE
    assert hashed(tmp_path / "code", SAME[what]) == original


@pytest.mark.parametrize("what", DIFFERENT)
def test_what_may_change_a_number_changes_the_hash(what: str, original: str, tmp_path: Path) -> None:
    assert DIFFERENT[what] != MODULE
    assert hashed(tmp_path / "code", DIFFERENT[what]) != original


@pytest.mark.parametrize(
    ("helper", "same"),
    [
        (HELPER.replace("FACTOR = 2", "FACTOR = 3"), False),
        (HELPER.replace("FACTOR * x", "FACTOR + x"), False),
        (HELPER + "\n\nFACTOR += 1\n", False),
        (HELPER.replace("    return x", "    return -x"), True),
        ("from other import FACTOR\n" + HELPER.replace("FACTOR = 2\n", ""), False),
    ],
    ids=["a constant", "a function", "a constant changed later", "a function that nothing uses", "a constant from elsewhere"],
)
def test_imported_code_counts_as_far_as_it_is_used(helper: str, same: bool, original: str, tmp_path: Path) -> None:
    assert (hashed(tmp_path / "code", helper=helper) == original) == same


def test_a_definition_may_move_to_another_file(original: str, tmp_path: Path) -> None:
    text = MODULE.replace(IMPORT, "from moved import scaled")
    assert hashed(tmp_path / "code", text, moved=HELPER, helper="") == original
    reexported = hashed(tmp_path / "again", moved=HELPER, helper="from moved import scaled\n")
    assert reexported == original


def test_names_that_one_statement_defines_are_told_apart(tmp_path: Path) -> None:
    text = "A, B = 1, 2\n\n\nclass F:\n    def f(self, x):\n        return A * x\n"
    assert hashed(tmp_path / "a", text) != hashed(tmp_path / "b", text.replace("A * x", "B * x"))


def test_a_definition_may_be_renamed(original: str, tmp_path: Path) -> None:
    assert hashed(tmp_path / "code", MODULE.replace("scaled", "bigger"), helper=HELPER.replace("scaled", "bigger")) == original
    assert hashed(tmp_path / "constant", helper=HELPER.replace("FACTOR", "BY")) == original


def test_statements_of_modules_that_are_imported_with_it_count(original: str, tmp_path: Path) -> None:
    text = MODULE + "\nimport other\n"
    assert hashed(tmp_path / "code", text, other=OTHER + "\nprint()\n".replace("print()", "FACTOR.bit_length()")) != original


def test_two_definitions_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """The same definitions, used the other way round."""
    text = "import one, two\n\n\nclass F:\n    def f(self, x):\n        return one.g(x) - two.g(x)\n"
    first, second = "def g(x):\n    return x\n", "def g(x):\n    return -x\n"
    assert hashed(tmp_path / "a", text, one=first, two=second) != hashed(tmp_path / "b", text, one=second, two=first)


def test_local_names_hide_imported_ones(tmp_path: Path) -> None:
    text = "from helper import scaled\n\n\nclass F:\n    def f(self, scaled):\n        return [scaled for scaled in scaled]\n"
    assert hashed(tmp_path / "a", text) == hashed(tmp_path / "b", text, helper=HELPER.replace("FACTOR * x", "-x"))


def test_a_method_depends_on_the_contract_and_its_helpers_but_not_on_the_command_line() -> None:
    names = {module.name.removeprefix("doabench.") for module, _ in closure_of([SrpPhat])}
    assert {"methods._spectra", "benchmark.sequences", "benchmark.acoustics"} <= names
    assert not {name for name in names if name.startswith(("benchmark.cli", "benchmark.results", "leaderboard", "methods.cnn"))}


def test_versions_of_packages_that_are_used_count_in_the_source_only(monkeypatch: pytest.MonkeyPatch) -> None:
    before = source_digest(SrpPhat), code_digest(SrpPhat)
    real = digest.metadata.version
    monkeypatch.setattr(digest.metadata, "version", lambda name: "0.0" if name == "numpy" else real(name))
    for cached in (source_digest, code_digest):
        cached.cache_clear()
    after = source_digest(SrpPhat), code_digest(SrpPhat)
    source_digest.cache_clear()
    assert (after[0] != before[0], after[1] == before[1]) == (True, True)


def test_a_function_without_a_name_counts_with_its_whole_module(tmp_path: Path) -> None:
    text = "F = dict(f=lambda x: x)\n"
    program = PRINT.replace("module.F", "module.F['f']")
    found = [
        hashed(tmp_path / name, body, program=program) for name, body in (("a", text), ("b", text.replace("x: x", "x: -x")))
    ]
    assert found[0] != found[1]


def test_what_has_no_source_file_is_refused() -> None:
    with pytest.raises(ValueError, match="no source file"):
        code_digest(np.abs)


def test_array_digest_sees_values_types_and_shapes() -> None:
    a = np.arange(6, dtype=np.float32)
    different = [a, a.astype(np.float64), a.reshape(2, 3), a + 1]
    assert len({digest.array_digest(array) for array in different}) == len(different)
    assert digest.array_digest(a) == digest.array_digest(a.copy())

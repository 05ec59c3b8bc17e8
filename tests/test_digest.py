"""Keys change with everything that determines a number, and with nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from doabench.benchmark import digest

HELPER = "FACTOR = 2\n"
MODULE = "from ._helper import FACTOR\n\n\ndef f(x):\n    return FACTOR * x\n"


def source(folder: Path, module: str = MODULE, helper: str = HELPER) -> str:
    folder.mkdir()
    (folder / "_helper.py").write_text(helper)
    (folder / "module.py").write_text(module)
    return digest.source_digest(folder / "module.py")


def test_comments_and_docstrings_do_not_count(tmp_path: Path) -> None:
    documented = MODULE.replace("(x):\n", '(x):\n    """Twice x."""\n    # twice\n')
    assert source(tmp_path / "a") == source(tmp_path / "b", documented)


def test_code_counts(tmp_path: Path) -> None:
    assert source(tmp_path / "a") != source(tmp_path / "b", MODULE.replace("* x", "+ x"))


def test_imported_code_counts(tmp_path: Path) -> None:
    assert source(tmp_path / "a") != source(tmp_path / "b", helper="FACTOR = 3\n")


def test_imports_for_type_checkers_do_not_count(tmp_path: Path) -> None:
    typed = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ._helper import FACTOR\n"
    assert source(tmp_path / "a", typed) == source(tmp_path / "b", typed, helper="FACTOR = 3\n")


def test_a_method_depends_on_the_contract_and_its_helpers_but_not_on_the_command_line() -> None:
    root = Path(digest.__file__).parent.parent
    closure = {path.relative_to(root).as_posix() for path in digest._closure(root / "methods" / "srp_phat.py")}
    assert {"methods/_spectra.py", "benchmark/sequences.py", "benchmark/acoustics.py"} <= closure
    assert not {"benchmark/cli.py", "benchmark/store.py", "benchmark/mlflow_sync.py", "methods/cnn.py"} & closure


def test_array_digest_sees_values_types_and_shapes() -> None:
    a = np.arange(6, dtype=np.float32)
    different = [a, a.astype(np.float64), a.reshape(2, 3), a + 1]
    assert len({digest.array_digest(array) for array in different}) == len(different)
    assert digest.array_digest(a) == digest.array_digest(a.copy())

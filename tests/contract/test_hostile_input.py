"""What the sweeps over malformed input add up to, and that nothing foreign is run on the way."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from doabench.benchmark.errors import UserError
from doabench.benchmark.plugins.faults import ROOT
from doabench.benchmark.plugins.registry import REGISTRIES
from doabench.benchmark.plugins.spec import read_method
from support import hostile_data, hostile_names, hostile_results, hostile_training
from support.hostile import EVIL, Evil, evil, ours_or_result

KINDS = {
    **{
        name: set(reader.kinds)
        for part in (hostile_data, hostile_results, hostile_names)
        for name, reader in part.READERS.items()
    },
    "checkpoint": set(hostile_training.KINDS),
}
FOLDERS = ("benchmark", "datasets", "leaderboard", "methods", "protocols")
LOADERS = {
    *("pickle.load", "pickle.loads", "pickle.Unpickler", "cloudpickle.load", "cloudpickle.loads", "dill.load", "joblib.load"),
    *("torch.load", "np.load", "numpy.load", "np.fromfile", "scipy.io.loadmat", "pd.read_pickle", "pandas.read_pickle"),
    *("marshal.load", "marshal.loads", "shelve.open", "yaml.load", "eval", "exec", "os.system", "os.popen"),
}
"""Each runs what a file says, or is not made for files of strangers."""
OUR_OWN = {Path("benchmark/run/slurm.py")}
"""Jobs of a cluster, which carry their fits as submitit carries all jobs: as pickles of the one who submits them."""


def test_every_reader_meets_ten_kinds_of_malformed_input_and_all_together_250() -> None:
    for name, kinds in sorted(KINDS.items()):
        print(f"{name:18} {len(kinds):4}")
    print(f"{'together':18} {sum(map(len, KINDS.values())):4}")
    assert {name: len(kinds) for name, kinds in KINDS.items() if len(kinds) < 10} == {}
    assert sum(map(len, KINDS.values())) >= 250


def test_no_code_loads_what_a_file_could_run() -> None:
    files = [file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py") if file.relative_to(ROOT) not in OUR_OWN]
    assert len(files) > 100
    calls = [(file, node) for file in files for node in ast.walk(ast.parse(file.read_bytes())) if isinstance(node, ast.Call)]
    found = {f"{file.relative_to(ROOT)}, line {node.lineno}" for file, node in calls if ast.unparse(node.func) in LOADERS}
    found |= {
        f"{file.relative_to(ROOT)}, line {node.lineno}"
        for file, node in calls
        for word in node.keywords
        if word.arg in ("allow_pickle", "weights_only", "shell")
    }
    assert found == set()


def test_a_pickle_that_is_loaded_would_be_noticed(tmp_path: Path) -> None:
    import pickle

    for content in (evil(tmp_path / "made"),):
        with pytest.raises(AssertionError, match=r"pickle\.find_class"):
            ours_or_result(lambda content=content: pickle.loads(content), tmp_path)
    assert (tmp_path / "made").is_dir()
    assert Evil(EVIL).__reduce__()[1] == (str(EVIL),)


def test_a_plugin_runs_only_when_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"import os\nos.mkdir({str(tmp_path / 'ran')!r})\n"
    for place in ("evil.py", "methods/evil.py", "results/evil.py", "numpy.py", "mlflow.py", "sitecustomize.py", "conftest.py"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text(text)
    monkeypatch.chdir(tmp_path)
    assert not any("evil" in registry.plugins() for registry in REGISTRIES)
    with pytest.raises(UserError, match="no method named 'evil'"):
        read_method("evil")
    command = [sys.executable, "-c", "import sys; sys.path.remove(''); from doabench.benchmark.cli.main import main; main()"]
    done = subprocess.run([*command, "list", "methods"], capture_output=True, text=True, check=True)
    assert "srp_phat" in done.stdout
    assert not (tmp_path / "ran").exists()
    done = subprocess.run([*command, "list", "methods", "--plugin", "evil.py"], capture_output=True, text=True)
    assert (tmp_path / "ran").is_dir()
    assert "evil" in done.stdout + done.stderr

"""What people write the first time: methods that would be sound but for one mistake, with the check that must find it, what it
says, and what a run says of it (nothing, where its numbers are right all the same)."""

from __future__ import annotations

from dataclasses import dataclass

from . import broken

ASKS, LEARNS = broken.HEADER + broken.ASKING, broken.HEADER + broken.LEARNING
PREDICT = "\n    def predict(self, sequences):\n        {}\n        return super().predict(sequences)\n"
FIT = "\n    def fit(self, data):\n        {}\n        super().fit(data)\n"


@dataclass(frozen=True)
class Mistake:
    """``LINE`` in what is said stands for the line that is marked HERE, the one to be changed."""

    text: str
    check: str
    says: str
    lost: str = ""


MISTAKES = {
    "exits_in_fit": Mistake(
        LEARNS + FIT.format("raise SystemExit(0)  # HERE"),
        "shape_and_range",
        "SystemExit in exits_in_fit.py, line LINE: exit code 0; a plugin must not end the program: raise FitFailed instead",
        "exits_in_fit fit: SystemExit in exits_in_fit.py, line LINE: exit code 0",
    ),
    "exits_in_predict": Mistake(
        ASKS + "\n    def predict(self, sequences):\n        import sys\n        sys.exit('no idea')  # HERE\n",
        "shape_and_range",
        "SystemExit in exits_in_predict.py, line LINE",
        "exits_in_predict predict: SystemExit in exits_in_predict.py, line LINE: exit code no idea",
    ),
    "exits_when_imported": Mistake(
        ASKS + "\nimport sys\nsys.exit()  # HERE\n",
        "metadata",
        "cannot be loaded: SystemExit at line LINE",
        "cannot be loaded: SystemExit at line LINE",
    ),
    "dies": Mistake(
        ASKS + PREDICT.format("import os; os._exit(0)  # HERE"),
        "shape_and_range",
        "its process died (exit code 0) in dies.py, line LINE",
        "the worker process died (exit code 0) in dies.py, line LINE",
    ),
    "dies_when_imported": Mistake(
        "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)  # HERE\n" + ASKS,
        "metadata",
        "its process died (killed by SIGSEGV) in dies_when_imported.py, line LINE",
        "the process that imports it died (killed by SIGSEGV) in dies_when_imported.py, line LINE",
    ),
    "reads_the_command_line": Mistake(
        ASKS
        + "\nimport argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--rate')\nparser.parse_args()  # HERE\n",
        "metadata",
        "cannot be loaded: SystemExit at line LINE: exit code 2; a plugin must not end the program: "
        "raise FitFailed instead, and keep argparse under if __name__ == '__main__'",
        "cannot be loaded: SystemExit at line LINE",
    ),
    "prints": Mistake(
        "print('imported')\n" + ASKS + PREDICT.format("print('predicting')"),
        "nothing_printed",
        "import prints 'imported' in prints.py, line 1; use context.progress",
    ),
    "prints_from_c": Mistake(
        ASKS + PREDICT.format("import os; os.write(1, b'predicting'); print(end='said')  # HERE"),
        "nothing_printed",
        "predict prints 'said' in prints_from_c.py, line LINE",
    ),
    "takes_64_threads": Mistake(
        LEARNS + FIT.format("torch.set_num_threads(64)  # HERE"),
        "threads_as_given",
        "fit sets torch's number of threads to 64 in takes_64_threads.py, line LINE",
    ),
    "starts_64_threads": Mistake(
        ASKS
        + "\n    def predict(self, sequences):\n        import threading\n        over = threading.Event()\n"
        + "        for _ in range(64):\n            threading.Thread(target=over.wait).start()  # HERE\n"
        + "        over.set()\n        return super().predict(sequences)\n",
        "threads_as_given",
        "predict starts more than 8 threads in starts_64_threads.py, line LINE",
    ),
    "writes_where_it_stands": Mistake(
        LEARNS + FIT.format("open('trace.txt', 'w').close()  # HERE"),
        "no_stray_files",
        "fit writes trace.txt in writes_where_it_stands.py, line LINE; write into context.scratch",
    ),
    "forgets_dataclass": Mistake(
        ASKS.replace("@dataclass\nclass Broken(SrpPhat):", "class Broken(SrpPhat):  # HERE") + "    limit_hz: float = 1.0\n",
        "metadata",
        "class Broken at line LINE is not a dataclass: write @dataclass above it",
        "class Broken at line LINE is not a dataclass: write @dataclass above it",
    ),
    "gives_a_long_seed": Mistake(
        LEARNS + FIT.format("np.random.RandomState(self.context.seed)  # HERE"),
        "shape_and_range",
        "ValueError in gives_a_long_seed.py, line LINE: Seed must be between 0 and 2**32 - 1; context.seed has 63 bits: "
        "use context.seed % 2**32",
        "use context.seed % 2**32",
    ),
    "gives_scikit_learn_a_long_seed": Mistake(
        "from sklearn.cluster import KMeans\n"
        + LEARNS
        + FIT.format("KMeans(2, random_state=self.context.seed).fit(np.eye(4))  # HERE"),
        "shape_and_range",
        "use context.seed % 2**32",
        "use context.seed % 2**32",
    ),
    "needs_a_sequence": Mistake(
        ASKS + PREDICT.format("assert len(sequences)  # HERE"),
        "shape_and_range",
        "predict must also answer for no sequences, with none: AssertionError in needs_a_sequence.py, line LINE",
    ),
    "needs_a_package": Mistake(
        "import a_package_that_is_not_there\n" + ASKS,
        "metadata",
        "install a_package_that_is_not_there",
        "install a_package_that_is_not_there",
    ),
    "needs_a_package_later": Mistake(
        LEARNS + FIT.format("import a_package_that_is_not_there  # HERE"),
        "shape_and_range",
        "ModuleNotFoundError in needs_a_package_later.py, line LINE: No module named 'a_package_that_is_not_there'; install",
        "needs_a_package_later fit: ModuleNotFoundError in needs_a_package_later.py, line LINE",
    ),
    "reads_where_it_stands": Mistake(
        LEARNS + FIT.format("open('table.csv')  # HERE"),
        "shape_and_range",
        "what lies beside the plugin is Path(__file__).parent / NAME",
        "what lies beside the plugin is Path(__file__).parent / NAME",
    ),
    "dumps": Mistake(
        LEARNS
        + "\n    def save(self, folder):\n        import joblib\n"
        + "        joblib.dump({'t': self.templates}, folder / 'model.bin')\n"
        + "\n    def load(self, folder):\n        import joblib\n"
        + "        self.templates = joblib.load(folder / 'model.bin')['t']\n",
        "no_pickle",
        "model.bin: a pickle; use save_arrays of benchmark/weights.py",
    ),
}

ANSWER = "\n    def predict(self, sequences):\n        return Prediction({}(super().predict(sequences).doa_deg))\n"
READINGS = {
    "answers_in_radians": (ASKS + ANSWER.format("np.radians"), "they seem to be radians"),
    "answers_from_the_axis": (ASKS + ANSWER.format("90 + "), "angles from the axis?"),
    "answers_mirrored": (ASKS + ANSWER.format("-"), "the answers are mirrored"),
}
"""Answers that are right in another reading, and what is said of them."""

LOADS_DATA = LEARNS + FIT.format(
    "frames = torch.from_numpy(data.labelled.phase(slice(None)))\n"
    "        loader = torch.utils.data.DataLoader(frames, batch_size=16, num_workers=2)\n"
    "        assert sum(len(batch) for batch in loader) == len(data.labelled)"
)
LOOPS = ASKS + PREDICT.format("\n        while True: pass  # HERE")
LOOPS_WHEN_IMPORTED = "while True: pass  # HERE\n" + ASKS


def line_of(text: str) -> str:
    """The number of the line that is marked."""
    return str(next((number for number, line in enumerate(text.splitlines(), 1) if "# HERE" in line), ""))

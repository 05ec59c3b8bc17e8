"""Adapters with one fault each, by the check that must catch it. All of them would be sound but for what is written here."""

HEADER = """
import socket
from dataclasses import dataclass, replace
import numpy as np
import torch
from doabench.benchmark.method import FitFailed, Method, MethodInfo, Prediction
from doabench.methods.rtf_1nn import Rtf1nn
from doabench.methods.srp_phat import SrpPhat

LEARNS = MethodInfo("Broken", "nobody, 2026")
ASKS = MethodInfo("Broken", "nobody, 2026", uses_labels=False)
"""

LEARNING = "\n@dataclass\nclass Broken(Rtf1nn):\n    'Has a fault.'\n    info = LEARNS\n"
ASKING = "\n@dataclass\nclass Broken(SrpPhat):\n    'Has a fault.'\n    info = ASKS\n"

BROKEN = {
    "metadata": LEARNING.replace("LEARNS", 'MethodInfo("Broken", " ")'),
    "skips_with_a_reason": ASKING
    + """
    def skip(self):
        return False
""",
    "shape_and_range": ASKING
    + """
    def predict(self, sequences):
        return Prediction(super().predict(sequences).doa_deg % 360)
""",
    "scores": LEARNING
    + """
    def predict(self, sequences):
        right = super().predict(sequences)
        return replace(right, scores=-right.scores)  # distances, lowest at the answer
""",
    "probabilities": LEARNING
    + """
    def predict(self, sequences):
        return replace(super().predict(sequences), log_probabilities=True)  # nearness, which sums to nothing
""",
    "same_seed_same_output": ASKING
    + """
    def predict(self, sequences):
        right = super().predict(sequences)
        return Prediction(np.clip(right.doa_deg + np.random.default_rng().normal(size=len(sequences)), -90, 90))
""",
    "silence_is_answered": ASKING
    + """
    def predict(self, sequences):
        loud = sequences.frame_mean(lambda frames: np.abs(frames[:, 0]).sum(-1)) > 0
        return Prediction(np.where(loud, super().predict(sequences).doa_deg, np.nan))
""",
    "calls_independent": ASKING
    + """
    heard = 0

    def predict(self, sequences):
        self.heard += len(sequences)
        return Prediction(super().predict(sequences).doa_deg * (1 - self.heard / 1e6))
""",
    "order_invariant": ASKING
    + """
    def predict(self, sequences):
        smooth, angle_deg = super().predict(sequences).doa_deg.copy(), 0.0
        for index, value in enumerate(smooth):
            angle_deg = smooth[index] = value if index == 0 else 0.95 * value + 0.05 * angle_deg
        return Prediction(smooth)
""",
    "batch_invariant": ASKING
    + """
    def predict(self, sequences):
        doa_deg = super().predict(sequences).doa_deg
        return Prediction(np.clip(doa_deg - doa_deg.mean() if len(doa_deg) else doa_deg, -90, 90))
""",
    "instances_independent": LEARNING
    + """
    shared = {}

    def fit(self, data):
        super().fit(data)
        self.shared["templates"] = self.templates

    def predict(self, sequences):
        self.templates = self.shared["templates"]
        return super().predict(sequences)
""",
    "refit_resets": LEARNING
    + """
    earlier = 0

    def fit(self, data):
        super().fit(data)
        self.templates = fresh = self.templates + self.earlier
        self.earlier = 0.5 * fresh[::-1]
""",
    "save_load": LEARNING
    + """
    def load(self, folder):
        super().load(folder)
        self.templates = self.templates[::-1]
""",
    "no_pickle": LEARNING
    + """
    def save(self, folder):
        torch.save({"templates": torch.from_numpy(self.templates)}, folder / "weights.pt")

    def load(self, folder):
        self.templates = torch.load(folder / "weights.pt")["templates"].numpy()
""",
    "plane_wave": ASKING
    + """
    def predict(self, sequences):
        return Prediction(-super().predict(sequences).doa_deg)
""",
    "swap_mirrors": ASKING
    + """
    def predict(self, sequences):
        return Prediction(np.minimum(super().predict(sequences).doa_deg + 7, 90))
""",
    "without_unlabelled": LEARNING
    + """
    def fit(self, data):
        super().fit(data)
        data.unlabelled.phase(np.array([0]))
""",
    "unlabelled_as_claimed": LEARNING.replace("LEARNS", "replace(LEARNS, uses_unlabelled=True)"),
    "inputs_untouched": LEARNING
    + """
    def fit(self, data):
        super().fit(data)
        data.selection.doa_deg += 90
""",
    "global_rng_untouched": LEARNING
    + """
    def fit(self, data):
        torch.manual_seed(0)
        super().fit(data)
""",
    "no_network": ASKING
    + """
    def predict(self, sequences):
        try:
            socket.create_connection(("127.0.0.1", 9), timeout=0.1).close()
        except OSError:
            pass
        return super().predict(sequences)
""",
}

UNUSED_BUT_LEARNT_FROM = (
    LEARNING
    + """
    def fit(self, data):
        super().fit(data)
        self.templates = self.templates + (0.1 if len(data.unlabelled) else 0)
"""
)
"""Says that it does not use unlabelled data, and does."""

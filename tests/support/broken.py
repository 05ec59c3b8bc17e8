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

TRAINING = """
from doabench.benchmark.checkpoint import Checkpoint
from doabench.benchmark.weights import load_arrays, save_arrays


@dataclass
class Broken(Method):
    'May have a fault.'
    info = LEARNS

    def features(self, sequences):
        def phasors(frames):
            cross = frames[:, 1] * frames[:, 0].conj()
            return cross / np.maximum(np.abs(cross), 1e-12)

        mean = sequences.frame_mean(phasors)
        return torch.from_numpy(np.concatenate([mean.real, mean.imag], 1).astype(np.float32))

    def build(self):
        layer = torch.nn.utils.skip_init(torch.nn.Linear, 258, len(self.context.setup.candidates_deg))
        self.layer, rng = layer, torch.Generator().manual_seed(self.context.seed)
        for parameter in layer.parameters():
            torch.nn.init.uniform_(parameter, -0.05, 0.05, generator=rng)
        return rng

    def fit(self, data):
        rng, features = self.build(), self.features(data.labelled)
        classes = torch.from_numpy(data.labelled.doa_class)
        optimiser = torch.optim.SGD(self.layer.parameters(), 0.5, momentum=0.9)
        schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, [5, 12, 30], 0.5)
        checkpoint = Checkpoint(self.context.scratch, {"layer": self.layer}, optimiser, rng, schedule)
        found = checkpoint.restore()
        for epoch in range(found[0]["epoch"] if found else 0, 60):
            noisy = features + 0.01 * torch.randn(features.shape, generator=rng)
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(self.layer(noisy), classes).backward()
            optimiser.step()
            schedule.step()
            checkpoint.save({"epoch": epoch + 1})

    @torch.no_grad()
    def predict(self, sequences):
        scores = self.layer(self.features(sequences)).log_softmax(-1).numpy()
        return Prediction.best_candidate(scores, self.context.setup, log_probabilities=True)

    def save(self, folder):
        save_arrays(folder, {name: tensor.numpy() for name, tensor in self.layer.state_dict().items()})

    def load(self, folder):
        self.build()
        self.layer.load_state_dict({name: torch.from_numpy(array) for name, array in load_arrays(folder).items()})
"""
"""Trains with a schedule, and goes on from a checkpoint."""

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
    "nothing_printed": ASKING
    + """
    def predict(self, sequences):
        print("asked of", len(sequences))
        return super().predict(sequences)
""",
    "no_stray_files": LEARNING
    + """
    def fit(self, data):
        super().fit(data)
        np.save("templates.npy", self.templates)
""",
    "threads_as_given": LEARNING
    + """
    def fit(self, data):
        torch.set_num_threads(torch.get_num_threads() + 1)
        super().fit(data)
""",
    "killed_and_resumed": TRAINING.replace("rng, schedule)", "rng)"),
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

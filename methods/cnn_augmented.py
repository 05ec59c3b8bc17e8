"""CNN with augmentation: the classifier on labelled sequences that are changed in ways that keep their direction."""

from __future__ import annotations

from dataclasses import dataclass

from ..benchmark.method import MethodInfo
from ._classifier import AugmentedClassifier


@dataclass
class CnnAugmented(AugmentedClassifier):
    """Cross-entropy on sequences with new sensor noise, masked frames and bins (Park et al., Interspeech 2019), cyclically
    shifted frames, and microphones exchanged together with the sign of the label. See `_augment.Augmentation`."""

    info = MethodInfo("CNN, augmented", "Bianco et al., IEEE Access 9, 2021, Table 1, with augmentation", by_default=False)

"""Files that strangers made, or that are damaged: what can be read is right, and what cannot is one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.hostile import check, flipped, ours_or_result
from support.hostile_data import READERS, audio_bytes, read_audio, sound_is_finite


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("reader", "kind"), [(name, kind) for name, reader in READERS.items() for kind in reader.kinds])
def test_a_malformed_file_is_read_right_or_refused_in_one_line(reader: str, kind: str, tmp_path: Path) -> None:
    check(READERS[reader], kind, tmp_path)


CONTAINERS = [
    *(("WAV", "PCM_16"), ("WAV", "FLOAT"), ("W64", "PCM_16"), ("RF64", "PCM_16"), ("AIFF", "PCM_16")),
    ("CAF", "PCM_16"),
]
CONTAINERS += [("AU", "PCM_16"), ("NIST", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS")]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    container=st.sampled_from(CONTAINERS),
    seed=st.integers(0, 2**32),
    count=st.integers(1, 8),
    head=st.sampled_from([64, 200, 100_000]),
    cut=st.floats(0.5, 1),
)
def test_wherever_bits_turn_it_is_sound_or_one_line(
    tmp_path: Path, container: tuple[str, str], seed: int, count: int, head: int, cut: float
) -> None:
    whole = audio_bytes(*container)
    damaged = flipped(whole[:head], seed, count) + whole[head:]
    (tmp_path / "sound").write_bytes(damaged[: round(cut * len(damaged))])
    found = ours_or_result(lambda: read_audio(tmp_path / "sound"))
    assert found is None or sound_is_finite(found)  # pyright: ignore[reportArgumentType]

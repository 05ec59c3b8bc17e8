"""The checks of what a method does to others while it runs, and of a fit that is killed."""

from __future__ import annotations

from ..results.folders import digests_of
from .data import bench
from .killed import Killed, killed_at_checkpoints
from .named import check, must, only_if
from .subject import Subject


@check("shape_and_range")
def inputs_untouched(subject: Subject) -> None:
    """frames, phases, labels and starts are as they were after every call"""
    _nothing(subject, subject.watch.inputs)


@check("shape_and_range")
def global_rng_untouched(subject: Subject) -> None:
    """the global generators of numpy, random and torch are neither drawn from nor seeded"""
    _nothing(subject, subject.watch.global_rng, "use context.seed, for torch in a torch.Generator, of data loaders, too")


@check("shape_and_range")
def no_network(subject: Subject) -> None:
    """no call reaches for the network"""
    _nothing(subject, subject.watch.network)


@check("shape_and_range")
def nothing_printed(subject: Subject) -> None:
    """nothing goes to standard output, which is for programs that read it"""
    _nothing(subject, subject.watch.printed, "use context.progress, context.history, or standard error")


@check("shape_and_range")
def no_stray_files(subject: Subject) -> None:
    """nothing is written into the working folder"""
    _nothing(subject, subject.watch.files, "write into context.scratch, or into the folder that save is given")


@check("shape_and_range")
def threads_as_given(subject: Subject) -> None:
    """numbers of threads stay what the suite has set"""
    _nothing(subject, subject.watch.threads, "leave that to --threads")


@check("same_seed_same_output", "save_load")
def killed_and_resumed(subject: Subject) -> None:
    """a fit that is killed at its checkpoints ends with the same weights as one that never was"""
    only_if(subject.learns, "does not learn")
    data, kills = bench().fit_data(), 0
    with subject.folder() as scratch:
        while True:
            again = subject.new(scratch=scratch)
            try:
                with killed_at_checkpoints(2**kills):
                    subject.fit(again, data)
                break
            except Killed:
                kills += 1
        only_if(kills > 0, "keeps no checkpoint in context.scratch (benchmark/checkpoint.py)")
        answer = subject.ask(again, subject.scored[0])
        with subject.folder() as saved:
            subject.watch.call("save", lambda: again.save(saved))
            same = _weights(digests_of(saved)) == _weights(digests_of(subject.saved))
    off = int((answer.doa_deg != subject.answer.doa_deg).sum())
    advice = "give Checkpoint all that changes: modules, optimiser, generator, schedule, and step and epoch as values"
    must(same and off == 0, f"killed and resumed {kills} times, it has other weights, and {off} other answers; {advice}")


def _weights(digests: dict[str, str]) -> dict[str, str]:
    return {name: digest for name, digest in digests.items() if name.endswith(".safetensors")}


def _nothing(subject: Subject, notes: list[str], advice: str = "") -> None:
    """Nothing was noted of anything that was called so far."""
    _ = subject.answer
    must(not notes, f"{notes[0] if notes else ''}{'; ' if advice else ''}{advice}")

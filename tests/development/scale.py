"""Model beside simulation: ``python -m development.scale`` in `tests/` prints the tables of docs/scale.md. Minutes."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
from development.scale_model import Asked, Costs, Wall, modelled
from development.scale_scheduler import simulated

SEEDS = 5
MIXED = {5.0: 0.5, 60.0: 0.3, 600.0: 0.15, 1800.0: 0.05}
SECOND, MINUTE, HALF_HOUR = {1.0: 1.0}, {60.0: 1.0}, {1800.0: 1.0}
REQUESTS = (
    Asked(10, 1, SECOND),
    Asked(10, 10, HALF_HOUR),
    Asked(100, 10, MINUTE),
    Asked(1000, 10, SECOND),
    Asked(1000, 10, MIXED),
    Asked(1000, 100, MINUTE),
    Asked(1000, 100, HALF_HOUR),
    *(Asked(10_000, 100, mix) for mix in (SECOND, {10.0: 1.0}, MINUTE, {600.0: 1.0}, HALF_HOUR, MIXED)),
    *(Asked(10_000, 100, mix, known=False) for mix in (SECOND, MINUTE, HALF_HOUR, MIXED)),
)
USUAL = Costs()
OTHERWISE = {
    "as above": USUAL,
    "nodes all alike": replace(USUAL, slow=0.0),
    "a third of them slow": replace(USUAL, slow=1 / 3),
    "nothing preempted": replace(USUAL, preempted=0.0),
    "a fifth preempted": replace(USUAL, preempted=0.2),
    "two minutes until a job begins": replace(USUAL, dispatched_s=120.0),
    "twice the scatter": replace(USUAL, spread=0.6),
    "all jobs submitted at once": replace(USUAL, most_jobs=10**6),
}


def both(asked: Asked, costs: Costs) -> tuple[Wall, Wall]:
    """By the model, and the mean of simulations."""
    runs = [simulated(asked, costs, seed) for seed in range(SEEDS)]
    return modelled(asked, costs), Wall(*(float(np.mean([getattr(run, part.name) for run in runs])) for part in fields(Wall)))


def minutes(*of_s: float) -> str:
    return " / ".join(f"{one_s / 60:.0f}" if one_s >= 600 else f"{one_s / 60:.1f}" for one_s in of_s)


def mix_of(asked: Asked) -> str:
    shares = (f"{share:.0%} {fit_s:g}" if share < 1 else f"{fit_s:g}" for fit_s, share in asked.mix.items())
    return ", ".join(shares) + ("" if asked.known else ", not known")


def row(*cells: object) -> None:
    print("|", " | ".join(map(str, cells)), "|", flush=True)


def main() -> None:
    row("fits", "workers", "seconds of a fit", "work / workers", "before", "jobs", "after", "all", "difference")
    row(*["---:"] * 9)
    for asked in REQUESTS:
        model, found = both(asked, USUAL)
        parts = [minutes(getattr(model, part.name), getattr(found, part.name)) for part in fields(Wall)[1:]]
        ideal = minutes(asked.fits * asked.moment(1) / asked.workers), minutes(model.planned_s)
        total = minutes(model.total_s, found.total_s), f"{model.total_s / found.total_s - 1:+.0%}"
        row(asked.fits, asked.workers, mix_of(asked), *ideal, *parts, *total)
    print()
    shown = [Asked(10_000, 100, mix) for mix in (MINUTE, HALF_HOUR, MIXED)]
    row("jobs of 10,000 fits on 100 workers", *map(mix_of, shown))
    row("---", *["---:"] * len(shown))
    for name, costs in OTHERWISE.items():
        row(name, *(minutes(*(one.computed_s for one in both(asked, costs))) for asked in shown))


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""Interleaved timing. Every cell is passed once a round, so that a ratio is one of neighbours in time: a machine that
slows down for a while slows both, and the spread over the rounds tells what is left of it."""
from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple, TypeVar

Key = TypeVar('Key', bound=Hashable)
Pass = Callable[[], None]  # load, decode and drop each image once


class Spread(NamedTuple):
    min: float
    median: float
    max: float


def spread(values: Sequence[float]) -> Spread:
    return Spread(min(values), statistics.median(values), max(values))


def ratios(base: Sequence[float], times: Sequence[float]) -> list[float]:
    """How many times as fast as the base, round by round."""
    return [of_base / of_cell for of_base, of_cell in zip(base, times, strict=True)]


def seconds(run: Pass, passes: int = 1, clock: Callable[[], float] = time.perf_counter) -> float:
    start = clock()
    for _ in range(passes):
        run()
    return (clock() - start) / passes


def measure(cells: Mapping[Key, Pass], rounds: int, least: float,
            clock: Callable[[], float] = time.perf_counter) -> dict[Key, list[float]]:
    """Seconds of a pass of each cell in each round. A cell is passed as often a round as fills `least` seconds; one
    pass that is not counted warms it. Every other round goes backwards, so that no cell always follows the same one."""
    repeats = {key: max(1, math.ceil(least / max(seconds(run, 1, clock), 1e-9))) for key, run in cells.items()}
    times: dict[Key, list[float]] = {key: [] for key in cells}
    for number in range(rounds):
        gc.collect()
        for key in list(cells) if number % 2 == 0 else reversed(list(cells)):
            times[key].append(seconds(cells[key], repeats[key], clock))
    return times

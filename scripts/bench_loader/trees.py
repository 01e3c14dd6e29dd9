# SPDX-License-Identifier: MIT
"""The folders that are read: a copy of some of the data set's JPEGs, mounts of it, and copies of what they serve."""
from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from .loaders import files_below

EXTENSIONS = ('.jpg', '.jpeg', '.jpe', '.jfif')


class NoData(Exception):
    """There is nothing to measure with; the text says why."""


def is_jpeg(path: Path) -> bool:
    if path.suffix.lower() not in EXTENSIONS:
        return False
    with path.open('rb') as file:
        return file.read(3) == b'\xff\xd8\xff'


def evenly(paths: Sequence[Path], count: int) -> list[Path]:
    """At most `count` of them, from all over."""
    if len(paths) <= count:
        return list(paths)
    return [paths[number * len(paths) // count] for number in range(count)]


def copy_file(source: Path, target: Path) -> None:
    """Copy the bytes, and have the kernel forget them: what was just written lies in its memory in larger pieces than
    what is read from a disk or a mount, and would be read faster."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    with target.open('rb') as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def copy_jpegs(dataset: Path, tree: Path, count: int) -> int:
    """Copy JPEGs to where ImageFolder finds them: below a folder a class, one called `all` for those that have none.
    Returns their number. The data set is only read, and the copy lies where the copies it is compared with lie."""
    chosen = evenly([path for path in files_below(dataset) if is_jpeg(path)], count)
    if not chosen:
        raise NoData(f'no JPEG was found below {dataset}')
    for path in chosen:
        below = path.relative_to(dataset)
        copy_file(path, tree / (below if len(below.parts) > 1 else Path('all') / below))
    return len(chosen)


def copy_tree(source: Path, target: Path) -> None:
    """Bytes alone: what a mount serves is read-only, and the copy has to be removed."""
    for path in files_below(source):
        copy_file(path, target / path.relative_to(source))


def mean_bytes(tree: Path) -> float:
    sizes = [path.stat().st_size for path in files_below(tree)]
    return sum(sizes) / len(sizes)


class Mount:
    """A fresh mount of a tree under `DESIGN,FACE`, with the options a user would have by default, but for the catalog:
    what an earlier mount learnt must not make this one look fast."""

    def __init__(self, icfs: Path, tree: Path, variant: str):
        design, face = variant.split(',')
        self.point = Path(tempfile.mkdtemp(prefix='icfs-bench-'))
        options = f'design={design},face={face},catalog=none,log_level=error'
        line = [icfs, 'mount', '-f', '-o', options, tree, self.point]
        self.daemon = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
        if 'is served on' not in self.daemon.stdout.readline():
            self.daemon.wait()
            self.point.rmdir()
            raise NoData(f'{tree} cannot be mounted')

    def __enter__(self) -> Path:
        return self.point

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.daemon.terminate()
        self.daemon.communicate()
        self.point.rmdir()


def hold_to_one_core() -> int:
    """Hold this process, and all that it starts, to one core. Mounts too: a cold file is not made for free."""
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return core

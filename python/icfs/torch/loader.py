# SPDX-License-Identifier: MIT
"""Batches of a folder, decoded ahead by threads of this process into memory that is used again."""
from __future__ import annotations

import os
import queue
import threading
from collections import deque
from collections.abc import Iterator
from typing import Literal, NamedTuple, Optional, Union

import numpy as np
import numpy.typing as npt
import torch

from ..batch import Pool, bind, decode_batch
from ..design import Design, design_of
from ..errors import ArgumentError, Error
from ..tensor import Bound, Spec, Tensors, integer
from .augment import Augment, Windows
from .data import IGNORED, UNDECODABLE, Folder, Sample

SPREAD = 0x9E3779B1  # epochs of one seed are not those of the next; the generator heeds 32 bits


class _Slot:
    """One place of the ring: memory for a batch, as PyTorch and as NumPy see it."""

    def __init__(self, bound: Bound, count: int, pin_memory: bool) -> None:
        kind = torch.from_numpy(np.empty(0, bound.type)).dtype
        self.values = torch.empty((count, *bound.shape.values), dtype=kind, pin_memory=pin_memory)
        self.chroma: Optional[torch.Tensor] = None
        if bound.shape.chroma is not None:
            self.chroma = torch.empty((count, *bound.shape.chroma), dtype=kind, pin_memory=pin_memory)

    def arrays(self, count: int) -> Tensors:
        return Tensors(self.values[:count].numpy(), None if self.chroma is None else self.chroma[:count].numpy())

    def sample(self, targets: npt.NDArray[np.int64]) -> Sample:
        count = len(targets)
        chroma = None if self.chroma is None else self.chroma[:count]
        return Sample(self.values[:count], chroma, torch.from_numpy(targets))


class _Ring(NamedTuple):
    """Memory for the batches of an iteration, and those places of it whose batches stay as they are, oldest first."""

    slots: list[_Slot]
    held: deque[_Slot]


class _Plan(NamedTuple):
    """What one batch is made of."""

    indices: npt.NDArray[np.int64]
    windows: Windows


class _Ready(NamedTuple):
    slot: _Slot
    sample: Sample
    ignored: dict[int, Exception]
    flags: dict[int, int]


class Loader:
    """Iterate over a folder in batches; again and again, an epoch each time.

    folder, spec: what is loaded, and as what; images of several sizes need a spec with a `size`.
    batch_size: images in a batch; the last of an epoch has fewer, or is left out with `drop_last`.
    shuffle: in an order drawn anew each epoch. augment: crops and flips. Both follow from `seed` and the number of the
        epoch alone (`set_epoch`), whatever the number of threads.
    threads: that read and decode, beside the one that trains.
    prefetch: batches that are decoded ahead. keep: how many of the latest batches stay as they are; the memory of older
        ones is written to again. 1: a batch is valid until the next one is asked for, of this epoch or another.
    pin_memory: page-locked memory, from which copies to a GPU are asynchronous; then `keep=2`, or wait for the copy.
    design: read each object as this sparser one.
    errors: "raise" the first; or "ignore" images that cannot be decoded, since their bytes are damaged, of a later version
        of the format, or over a limit: values of 0, and the target -100, which PyTorch's losses leave out. Files that
        cannot be read, and images of another size or design than the others, raise in any case.
    rank, world: load one part of each epoch, of `world` parts of equal size, as torch's DistributedSampler does: all parts
        of one seed and epoch are disjoint, and the last `len(folder) % world` images of its order are left out.

    ignored: what was ignored in the batches so far, the error by the file's index in the folder. flags: of files whose
    source ended early or was damaged, as far as batches had them, icfs.TRUNCATED and icfs.DAMAGED by the index.

    Random and resized crops take a look at each header, once, when the loader is made. Raises as `icfs.decode_batch`.
    To be iterated by one thread at a time, each iteration has threads and memory of its own, and a child process may
    have its own."""

    def __init__(self, folder: Folder, spec: Spec, batch_size: int, *, shuffle: bool = False,
                 augment: Augment = Augment(), seed: int = 0, drop_last: bool = False, threads: int = 1,
                 prefetch: int = 2, keep: int = 1, pin_memory: bool = False,
                 design: Union[Design, str, None] = None, errors: Literal["raise", "ignore"] = "raise",
                 rank: int = 0, world: int = 1) -> None:
        if not isinstance(folder, Folder) or not isinstance(spec, Spec) or not isinstance(augment, Augment):
            raise ArgumentError(f"a Loader takes a Folder, a Spec and an Augment, not {type(folder).__name__}, "
                                f"{type(spec).__name__} and {type(augment).__name__}")
        batch_size, threads = integer("batch_size", batch_size), integer("threads", threads)
        prefetch, keep = integer("prefetch", prefetch), integer("keep", keep)
        if batch_size < 1 or prefetch < 1 or keep < 1 or threads < 1:
            raise ArgumentError("batch_size, prefetch, keep and threads are 1 or more")
        if errors not in ("raise", "ignore"):
            raise ArgumentError(f"errors: {errors!r} is none of raise, ignore")
        rank, world = integer("rank", rank), integer("world", world)
        if not 0 <= rank < world <= len(folder):
            raise ArgumentError(f"rank {rank} of {world}, for {len(folder)} images")
        augment.check(spec)
        self.rank, self.world, self._count = rank, world, len(folder) // world
        self.ignored: dict[int, Exception] = {}
        self.flags: dict[int, int] = {}
        self.folder, self.batch_size, self.shuffle, self.augment = folder, batch_size, shuffle, augment
        self.seed, self.drop_last, self.threads = integer("seed", seed), drop_last, threads
        self.prefetch, self.keep = prefetch, keep
        self.pin_memory, self.errors, self.epoch = pin_memory, errors, 0
        self.design = None if design is None else design_of(design)
        self.bound = bind(spec, folder.items, self.design)
        self._rings: list[_Ring] = []  # of iterations that ended: an epoch need not fault in memory anew
        self._limits = augment.limits(folder.items, spec)

    def set_epoch(self, epoch: int) -> None:
        """The next iteration is this epoch; without, each is the one after the last. ArgumentError."""
        self.epoch = integer("epoch", epoch)

    def __len__(self) -> int:
        """Batches of an epoch."""
        return self._count // self.batch_size if self.drop_last else -(-self._count // self.batch_size)

    def _plans(self, epoch: int) -> Iterator[_Plan]:
        generator = torch.Generator().manual_seed((self.seed * SPREAD + epoch) % 2**32)
        count = len(self.folder)
        order = torch.randperm(count, generator=generator).numpy() if self.shuffle else np.arange(count)
        order = order[self.rank:self._count * self.world:self.world]
        if self.world > 1:  # windows of one part are not those of another
            generator.manual_seed(((self.seed * SPREAD + epoch) * self.world + self.rank) % 2**32)
        for number in range(len(self)):
            indices = order[number * self.batch_size:(number + 1) * self.batch_size]
            limits = None if self._limits is None else self._limits[indices]
            yield _Plan(indices, self.augment.draw(limits, len(indices), generator))

    def _decode(self, plan: _Plan, slot: _Slot, pool: Pool) -> _Ready:
        windows = plan.windows
        batch = decode_batch(self.folder.items.take(plan.indices), self.bound, corners=windows.corners,
                             boxes=windows.boxes, flips=windows.flips, design=self.design, threads=pool,
                             out=slot.arrays(len(plan.indices)),
                             errors="raise" if self.errors == "raise" else "return")
        targets = self.folder.targets[plan.indices]
        for error in batch.errors.values():
            if not isinstance(error, UNDECODABLE):
                raise error
        targets[list(batch.errors)] = IGNORED
        return _Ready(slot, slot.sample(targets),
                      {int(plan.indices[place]): error for place, error in batch.errors.items()},
                      {int(plan.indices[place]): int(batch.flags[place]) for place in np.flatnonzero(batch.flags)})

    def _ring(self) -> _Ring:
        """Prefetched batches, and those that stay as they are."""
        try:
            return self._rings.pop()
        except IndexError:
            count = min(self.batch_size, self._count)
            slots = [_Slot(self.bound, count, self.pin_memory) for _ in range(self.prefetch + self.keep)]
            return _Ring(slots, deque())

    def __iter__(self) -> Iterator[Sample]:
        epoch, self.epoch = self.epoch, self.epoch + 1
        return _iterate(self, epoch)


class _Producer(threading.Thread):
    """Decodes ahead, into slots that come back."""

    def __init__(self, loader: Loader, epoch: int) -> None:
        super().__init__(name="icfs loader", daemon=True)
        self.loader, self.epoch = loader, epoch
        self.free: queue.SimpleQueue[Optional[_Slot]] = queue.SimpleQueue()
        self.ready: queue.SimpleQueue[Union[_Ready, BaseException, None]] = queue.SimpleQueue()
        self.ring = loader._ring()
        for slot in self.ring.slots:
            if slot not in self.ring.held:
                self.free.put(slot)

    def run(self) -> None:
        try:
            with Pool(self.loader.threads) as pool:
                for plan in self.loader._plans(self.epoch):
                    slot = self.free.get()
                    if slot is None:
                        return
                    self.ready.put(self.loader._decode(plan, slot, pool))
            self.ready.put(None)
        except BaseException as error:  # it is raised where the batch is waited for
            self.ready.put(error)


def _iterate(loader: Loader, epoch: int) -> Iterator[Sample]:
    producer = _Producer(loader, epoch)
    producer.start()
    held, process = producer.ring.held, os.getpid()
    try:
        while True:
            if os.getpid() != process:
                raise Error("an iteration of a Loader does not survive fork(): a child begins its own")
            while len(held) >= loader.keep:
                producer.free.put(held.popleft())
            ready = producer.ready.get()
            if ready is None:
                return
            if isinstance(ready, BaseException):
                raise ready
            held.append(ready.slot)
            loader.ignored.update(ready.ignored)
            loader.flags.update(ready.flags)
            yield ready.sample
    finally:
        if os.getpid() == process:
            producer.free.put(None)
            producer.join()
            loader._rings.append(producer.ring)

# SPDX-License-Identifier: MIT
"""A directory of .ic files with a folder for each class, and what a DataLoader needs to load it by the batch."""
from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal, NamedTuple, Optional

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from ..batch import Items, decode_batch
from ..design import Design
from ..errors import ArgumentError, CorruptError, LimitError, UnsupportedError
from ..tensor import Spec
from .augment import Augment

EXTENSION = ".ic"
IGNORED = -100  # the target that PyTorch's losses ignore
UNDECODABLE = (CorruptError, LimitError, UnsupportedError)  # what lies in an image's bytes


class Sample(NamedTuple):
    """A batch: `values` of shape (images, channels, height, width), or as the spec says; `chroma` where it is apart;
    `targets`, int64, the index of each image's class."""

    values: torch.Tensor
    chroma: Optional[torch.Tensor]
    targets: torch.Tensor


def _files_below(root: str) -> list[str]:
    found = []
    for folder, _, names in sorted(os.walk(root, followlinks=True)):
        found += [os.path.join(folder, name) for name in sorted(names) if name.lower().endswith(EXTENSION)]
    return found


class Folder:
    """The .ic files below a directory that has a folder for each class, in torchvision's ImageFolder's order.

    classes: their names, sorted. targets: int64, each file's class. items: the files, for `icfs.decode_batch`. A file
    takes 100 bytes and its name. ArgumentError where there is no class, or one without files; OSError."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = os.fspath(root)
        self.classes = sorted(entry.name for entry in os.scandir(self.root) if entry.is_dir())
        if not self.classes:
            raise ArgumentError(f"{self.root} has no folder, which would be a class")
        paths: list[str] = []
        counts = []
        for name in self.classes:
            found = _files_below(os.path.join(self.root, name))
            if not found:
                raise ArgumentError(f"{self.root}/{name} has no {EXTENSION} file: is it a mount, or an export, of the face ic?")
            paths += found
            counts.append(len(found))
        self.items = Items(paths)
        self.targets: npt.NDArray[np.int64] = np.repeat(np.arange(len(counts), dtype=np.int64), counts)

    def __len__(self) -> int:
        return len(self.items)

    def path(self, index: int) -> str:
        """The name of a file, below `root`."""
        name = self.items.path(index)
        assert name is not None
        return name


class PathDataset(Dataset[tuple[str, int]]):
    """For a DataLoader: a sample is the path and the class of a file, which `Collate` decodes by the batch."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    def __len__(self) -> int:
        return len(self.folder)

    def __getitem__(self, index: int) -> tuple[str, int]:
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self.folder.path(index), int(self.folder.targets[index])


class Collate:
    """For a DataLoader: reads and decodes the files of a batch in one call, in the process that it is called in. Crops
    and flips come from PyTorch's default generator, which DataLoader seeds in each worker.

    Raises as `icfs.decode_batch`; with `errors` "ignore", as `Loader` does, where one image of the batch can be decoded.
    Where the spec has no size, the images of a batch must be of one."""

    def __init__(self, spec: Spec, augment: Augment = Augment(), design: Design | str | None = None,
                 errors: Literal["raise", "ignore"] = "raise") -> None:
        if errors not in ("raise", "ignore"):
            raise ArgumentError(f"errors: {errors!r} is none of raise, ignore")
        augment.check(spec)
        self.spec, self.augment, self.design, self.errors = spec, augment, design, errors

    def __call__(self, samples: Sequence[tuple[str, int]]) -> Sample:
        items = Items(path for path, _ in samples)
        windows = self.augment.draw(self.augment.limits(items, self.spec), len(items), None)
        batch = decode_batch(items, self.spec, corners=windows.corners, boxes=windows.boxes, flips=windows.flips,
                             design=self.design, errors="raise" if self.errors == "raise" else "return")
        targets = torch.tensor([target for _, target in samples])
        for index, error in batch.errors.items():
            if not isinstance(error, UNDECODABLE):
                raise error
            targets[index] = IGNORED
        chroma = None if batch.chroma is None else torch.from_numpy(batch.chroma)
        return Sample(torch.from_numpy(batch.values), chroma, targets)

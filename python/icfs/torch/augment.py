# SPDX-License-Identifier: MIT
"""Where each image of a batch is cropped, and whether it is mirrored, drawn from a generator of PyTorch."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, Optional

import numpy as np
import numpy.typing as npt
import torch

from .. import _abi
from ..batch import Items
from ..errors import ArgumentError, Error
from ..tensor import CENTER, Spec


class Windows(NamedTuple):
    """As `icfs.decode_batch` takes them."""

    corners: npt.NDArray[np.int64]
    flips: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Augment:
    """crop: of images that are larger than the spec's size, the "corner" (top left), the "center", or a part that is
    "random". flip: mirror half of them left to right; of frequencies that takes a spec with whole_blocks."""

    crop: Literal["corner", "center", "random"] = "center"
    flip: bool = False

    def check(self, spec: Spec) -> None:
        """ArgumentError for a spec that it cannot be done with."""
        if self.crop not in ("corner", "center", "random"):
            raise ArgumentError(f"crop: {self.crop!r}")
        if self.crop == "random" and (spec.size is None or "crop" not in spec.fit):
            raise ArgumentError("a random crop takes a spec with a size that images are cropped to")
        if self.flip and spec.values == "frequencies" and not spec.whole_blocks:
            raise ArgumentError("flips of frequencies take a spec with whole_blocks")

    def draw(self, limits: npt.NDArray[np.int64] | None, count: int, generator: torch.Generator | None) -> Windows:
        """`limits`: of each image the largest top and left, where crops are random (`crop_limits`)."""
        corners = np.full((count, 2), CENTER if self.crop == "center" else 0, np.int64)
        if self.crop == "random":
            assert limits is not None
            drawn = torch.rand(count, 2, generator=generator, dtype=torch.float64).numpy()
            grid = limits[:, 2:]
            corners = (drawn * (limits[:, :2] // grid + 1)).astype(np.int64) * grid
        flips = np.zeros(count, bool)
        if self.flip:
            flips = (torch.rand(count, generator=generator) < 0.5).numpy()
        return Windows(corners, flips)


def _limits(layout: _abi.Layout, spec: Spec, height: int, width: int) -> tuple[int, int, int]:
    halved = layout.ncomponents == 3 and layout.design.chroma == 2
    unit = layout.design.block * (2 if halved else 1)
    rows, columns = layout.height, layout.width
    if spec.whole_blocks:
        rows, columns = rows // unit * unit, columns // unit * unit
    if spec.values == "frequencies":
        rows, columns = -(-rows // layout.design.block), -(-columns // layout.design.block)
    return max(0, rows - height), max(0, columns - width), 2 if halved and spec.values == "frequencies" else 1


def crop_limits(items: Items, spec: Spec) -> npt.NDArray[np.int64]:
    """Of each image the largest top and left that a crop may have, and what they must be multiples of: a row of three.
    Reads each header. 0, 0, 1 for an image that cannot be read, which is for decoding to say."""
    size: Optional[tuple[int, int]] = (spec.size, spec.size) if isinstance(spec.size, int) else spec.size
    assert size is not None
    found = np.empty((len(items), 3), np.int64)
    for index in range(len(items)):
        try:
            found[index] = _limits(items.header(index).layout, spec, *size)
        except (Error, OSError):
            found[index] = 0, 0, 1
    return found

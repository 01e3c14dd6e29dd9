# SPDX-License-Identifier: MIT
"""Where each image of a batch is cropped, and whether it is mirrored, drawn from a generator of PyTorch."""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, Optional

import numpy as np
import numpy.typing as npt
import torch

from .. import _abi
from ..batch import Items
from ..errors import ArgumentError, Error, ShapeError
from ..tensor import CENTER, Spec


Numbers = npt.NDArray[np.int64]

TRIES = 10  # to draw a box that lies in the image, as torchvision has it


class Windows(NamedTuple):
    """As `icfs.decode_batch` takes them."""

    corners: Optional[Numbers]
    flips: npt.NDArray[np.bool_]
    boxes: Optional[Numbers] = None


@dataclass(frozen=True)
class Augment:
    """crop: of images that are larger than the spec's size, the "corner" (top left), the "center", or a part that is
    "random". Under the spec's fit "resize" these are all of the image; "resized" is a box of it, drawn as torchvision's
    RandomResizedCrop draws it: of `scale` of its area and of `ratio` between width and height, evenly between these
    limits, of the logarithm for the ratio. flip: mirror half of them left to right; of frequencies that takes a spec
    with whole_blocks."""

    crop: Literal["corner", "center", "random", "resized"] = "center"
    flip: bool = False
    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)

    def check(self, spec: Spec) -> None:
        """ArgumentError for a spec that it cannot be done with."""
        if self.crop not in ("corner", "center", "random", "resized"):
            raise ArgumentError(f"crop: {self.crop!r} is none of corner, center, random, resized")
        if self.crop == "resized" and (spec.fit != "resize" or spec.short_side is not None):
            raise ArgumentError('a resized crop takes a spec of the fit "resize" without a short side')
        if not self._has_limits():
            raise ArgumentError(f"scale and ratio: {self.scale}, {self.ratio}")
        if self.crop == "random" and (spec.size is None or spec.fit not in ("crop", "crop or pad")):
            raise ArgumentError("a random crop takes a spec with a size that images are cropped to")
        if self.flip and spec.values == "frequencies" and not spec.whole_blocks:
            raise ArgumentError("flips of frequencies take a spec with whole_blocks")

    def _has_limits(self) -> bool:
        try:
            (smallest, largest), (narrowest, widest) = self.scale, self.ratio
            return 0 < smallest <= largest <= 1 and 0 < narrowest <= widest < math.inf
        except (TypeError, ValueError):
            return False

    def limits(self, items: Items, spec: Spec) -> Numbers | None:
        """What `draw` must know of the images; where that is anything, their headers are read."""
        if self.crop == "random":
            return crop_limits(items, spec)
        return extents(items, spec) if self.crop == "resized" else None

    def draw(self, limits: Numbers | None, count: int, generator: torch.Generator | None) -> Windows:
        """`limits`: a row for each image."""
        if self.crop == "resized":
            assert limits is not None
            boxes = _draw_boxes(limits, self.scale, self.ratio, generator)
            return Windows(None, self._draw_flips(count, generator), boxes)
        corners = np.full((count, 2), CENTER if self.crop == "center" else 0, np.int64)
        if self.crop == "random":
            assert limits is not None
            drawn = torch.rand(count, 2, generator=generator, dtype=torch.float64).numpy()
            grid = limits[:, 2:]
            corners = (drawn * (limits[:, :2] // grid + 1)).astype(np.int64) * grid
        return Windows(corners, self._draw_flips(count, generator))

    def _draw_flips(self, count: int, generator: torch.Generator | None) -> npt.NDArray[np.bool_]:
        if not self.flip:
            return np.zeros(count, bool)
        flips: npt.NDArray[np.bool_] = (torch.rand(count, generator=generator) < 0.5).numpy()
        return flips


def _middle_boxes(rows: Numbers, columns: Numbers, ratio: tuple[float, float]) -> tuple[Numbers, Numbers]:
    """The largest boxes of a fitting ratio: their heights and widths."""
    heights = np.minimum(rows, np.maximum(1, np.rint(columns / ratio[0]))).astype(np.int64)
    widths = np.minimum(columns, np.maximum(1, np.rint(rows * ratio[1]))).astype(np.int64)
    return heights, widths


def _draw_boxes(sizes: Numbers, scale: tuple[float, float], ratio: tuple[float, float],
                generator: torch.Generator | None) -> Numbers:
    """Rows of top, left, height, width. The first of TRIES that lies in the image, else the largest in its middle."""
    count = len(sizes)
    rows, columns = np.maximum(1, sizes).T
    drawn = torch.rand(count, TRIES, 2, generator=generator, dtype=torch.float64).numpy()
    places = torch.rand(count, 2, generator=generator, dtype=torch.float64).numpy()
    areas = (rows * columns)[:, None] * (scale[0] + drawn[..., 0] * (scale[1] - scale[0]))
    ratios = np.exp(np.log(ratio[0]) + drawn[..., 1] * np.log(ratio[1] / ratio[0]))
    heights, widths = (np.rint(np.sqrt(square)).astype(np.int64) for square in (areas / ratios, areas * ratios))
    fits = (heights > 0) & (heights <= rows[:, None]) & (widths > 0) & (widths <= columns[:, None])
    chosen, found = np.arange(count), fits.any(1)
    heights, widths = heights[chosen, fits.argmax(1)], widths[chosen, fits.argmax(1)]
    middle_heights, middle_widths = _middle_boxes(rows, columns, ratio)
    heights, widths = np.where(found, heights, middle_heights), np.where(found, widths, middle_widths)
    room = np.stack([rows - heights, columns - widths], 1)
    corners = np.where(found[:, None], (places * (room + 1)).astype(np.int64), room // 2)
    return np.concatenate([corners, heights[:, None], widths[:, None]], 1)


def _extents(layout: _abi.Layout, spec: Spec) -> tuple[int, int]:
    """Rows and columns of pixels that count. Windows of a grayscale image are those of one with chroma, as for libic."""
    unit = layout.design.block * layout.design.chroma
    if not spec.whole_blocks:
        return layout.height, layout.width
    return layout.height // unit * unit, layout.width // unit * unit


def _limits(layout: _abi.Layout, spec: Spec, height: int, width: int) -> tuple[int, int, int]:
    rows, columns = _extents(layout, spec)
    if spec.values == "frequencies":
        rows, columns = -(-rows // layout.design.block), -(-columns // layout.design.block)
    unit = layout.design.chroma if spec.values == "frequencies" else 1
    return max(0, rows - height), max(0, columns - width), unit


def extents(items: Items, spec: Spec) -> Numbers:
    """Of each image its rows and columns of pixels. Reads each header. 0, 0 for an image that cannot be read, which is
    for decoding to say."""
    found = np.empty((len(items), 2), np.int64)
    for index in range(len(items)):
        try:
            found[index] = _extents(items.header(index).layout, spec)
        except (Error, OSError):
            found[index] = 0, 0
    return found


def crop_limits(items: Items, spec: Spec) -> Numbers:
    """Of each image the largest top and left that a crop may have, and what they must be multiples of: a row of three.
    Reads each header. 0, 0, 1 for an image that cannot be read, which is for decoding to say. ShapeError where images have
    no whole block, and the spec wants those."""
    sides = spec.sides
    assert sides is not None
    found = np.empty((len(items), 3), np.int64)
    small: list[int] = []
    for index in range(len(items)):
        try:
            layout = items.header(index).layout
            found[index] = _limits(layout, spec, *sides)
            if not all(_extents(layout, spec)):
                small.append(index)
        except (Error, OSError):
            found[index] = 0, 0, 1
    if small:
        raise ShapeError(f"{len(small)} of {len(items)} images have no whole block, which the spec wants; leave them out, "
                         f"or take a design with more samples: {items.path(small[0]) or f'image {small[0]}'}")
    return found

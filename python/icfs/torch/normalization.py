# SPDX-License-Identifier: MIT
"""The mean and the standard deviation of each frequency over a data set, for `Spec(mean=..., std=...)`."""
from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Optional

import numpy as np
import numpy.typing as npt
import torch

from ..design import Design, design_of
from ..errors import ArgumentError, CorruptError
from ..image import Image
from ..image import open as open_image
from ..tensor import integer
from .data import UNDECODABLE, Folder

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Statistics:
    """Of coefficients, in units of a JPEG coefficient. `mean` and `std` have the shape (components, frequencies), in the
    order of `design.frequencies`; a frequency that never varies has a std of 1. `images`: that were looked at."""

    design: Design
    mean: Numbers
    std: Numbers
    images: int

    def arranged(self, chroma: Literal["repeated", "apart"] = "repeated", components: int = 3,
                 design: Design | str | None = None) -> tuple[Numbers, Numbers]:
        """Mean and std as a Spec of this `chroma` wants them, channel by channel. `components` 1 is luma alone. For a
        `design` that keeps less, those of its frequencies. ArgumentError for one that keeps more, or other ones."""
        if chroma not in ("repeated", "apart"):
            raise ArgumentError(f"chroma: {chroma!r} is none of repeated, apart")
        wanted = self.design if design is None else design_of(design)
        count = len(wanted.frequencies)
        if components == 3 and len(self.mean) == 1:
            raise ArgumentError("all images that these statistics are of are grayscale: components=1")
        if (wanted._replace(keep=self.design.keep) != self.design or wanted.keep > self.design.keep
                or components not in (1, len(self.mean))):
            raise ArgumentError(f"these are no statistics of {components} components of {wanted}")
        return _arrange(self.mean[:components, :count], chroma), _arrange(self.std[:components, :count], chroma)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write them as JSON."""
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"design": str(self.design), "images": self.images, "mean": self.mean.tolist(),
                       "std": self.std.tolist()}, file, indent=1)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Statistics:
        """Read what `save` wrote. CorruptError for another file."""
        try:
            with open(path, encoding="utf-8") as file:
                found = json.load(file)
            design = Design.parse(found["design"])
            mean, std = np.array(found["mean"], np.float64), np.array(found["std"], np.float64)
            count = len(design.frequencies)
            if mean.shape != std.shape or mean.shape not in ((1, count), (3, count)):
                raise ValueError("of another shape than the design's")
            return cls(design, mean, std, int(found["images"]))
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise CorruptError(f"{os.fspath(path)} has no statistics: {error}") from error


def _arrange(numbers: Numbers, chroma: str) -> Numbers:
    """Channels in the order of planes: a frequency's components side by side, those apart behind the others."""
    if chroma == "apart" and len(numbers) > 1:
        return np.concatenate([numbers[0], numbers[1:].T.ravel()])
    return numbers.T.ravel()


def _images(folder: Folder, count: int, seed: int, errors: str) -> Iterator[tuple[str, Image]]:
    """At most so many that can be decoded, or what is wrong with the first is raised."""
    generator = torch.Generator().manual_seed(seed)
    first: Optional[Exception] = None
    found = 0
    for index in torch.randperm(len(folder), generator=generator).tolist():
        path = folder.path(index)
        try:
            image = open_image(path)
        except UNDECODABLE as error:
            first = first or error
            if errors == "raise":
                raise
            continue
        yield path, image
        found += 1
        if found == count:
            return
    if not found and first:
        raise first


def statistics(folder: Folder, images: int = 2000, seed: int = 0,
               errors: Literal["raise", "ignore"] = "raise") -> Statistics:
    """Of at most so many images of a folder, drawn by the seed. All blocks weigh the same. Grayscale images count for
    luma. With `errors` "ignore" others stand in for those that cannot be decoded, as `Loader` ignores them. ArgumentError
    where they are not of one design, or `images` is less than 1."""
    if integer("images", images) < 1:
        raise ArgumentError(f"no number of images: {images}")
    if errors not in ("raise", "ignore"):
        raise ArgumentError(f"errors: {errors!r} is none of raise, ignore")
    design: Optional[Design] = None
    sums, count = np.zeros((3, 3, 0)), 0  # of each: how many, their sum, the sum of their squares
    for path, image in _images(folder, images, integer("seed", seed), errors):
        if design is None:
            design = image.design
            sums = np.zeros((3, 3, len(design.frequencies)))
        if image.design != design:
            raise ArgumentError(f"{path} is of {image.design}, others are of {design}")
        count += 1
        for component in range(image.components):
            values = image.coefficients(component).reshape(len(design.frequencies), -1).astype(np.float64)
            sums[0, component] += values.shape[1]
            sums[1, component] += values.sum(1)
            sums[2, component] += np.square(values).sum(1)
    assert design is not None
    return _from_sums(design, sums if sums[0, 1].any() else sums[:, :1], count)


def _from_sums(design: Design, sums: Numbers, images: int) -> Statistics:
    mean = sums[1] / sums[0]
    std = np.sqrt(np.maximum(sums[2] / sums[0] - np.square(mean), 0))
    std[std == 0] = 1
    return Statistics(design, mean, std, images)

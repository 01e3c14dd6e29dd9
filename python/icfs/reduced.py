# SPDX-License-Identifier: MIT
"""Smaller pictures from few frequencies: the low n x n of a block of B x B are n x n samples of it, shrunk by B / n. It
is what JPEG decoders do when they are asked for a smaller picture; floating point, and no part of the format."""
from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .design import Design
from .image import Image

HIGH = 0  # the pruning order whose first groups are the anti-diagonals


def keep_for(design: Design, scale: int) -> int:
    """How many groups of frequencies hold all that an image shrunk by `scale`, a power of two to `block`, needs."""
    return min(design.keep, 2 * _kept_side(design, 0, scale) - 1) if design.order == HIGH else design.keep


def _kept_side(design: Design, component: int, scale: int) -> int:
    """n of a component. Chroma that is halved already is shrunk by half as much."""
    return design.block // (scale // 2 if component and design.chroma == 2 else scale)


def _basis(count: int) -> npt.NDArray[np.float32]:
    """Orthonormal DCT-II: row k is frequency k."""
    k, x = np.arange(count)[:, None], np.arange(count)[None, :]
    basis: npt.NDArray[np.float64] = np.cos((2 * x + 1) * k * np.pi / (2 * count)) * np.sqrt(2 / count)
    basis[0] /= np.sqrt(2)
    return basis.astype(np.float32)


def _samples(image: Image, component: int, scale: int) -> npt.NDArray[np.uint8]:
    """A component at ceil(width / scale) x ceil(height / scale), with 1 < scale <= block."""
    block, count = image.design.block, _kept_side(image.design, component, scale)
    chosen = [index for index, freq in enumerate(image.frequencies) if max(freq) < count]
    freqs = np.array([image.frequencies[index] for index in chosen], np.intp).reshape(-1, 2)
    basis = _basis(count)
    waves = (basis[freqs[:, 1], :, None] * basis[freqs[:, 0], None, :]).reshape(-1, count * count) * (count / block)
    planes = image.coefficients(component)[chosen]
    rows, columns = planes.shape[1:]
    blocks = planes.reshape(len(chosen), -1).T.astype(np.float32) @ waves.astype(np.float32)
    samples = blocks.reshape(rows, columns, count, count).transpose(0, 2, 1, 3).reshape(rows * count, columns * count)
    width, height = (-(-side // scale) for side in image.size)
    pixels: npt.NDArray[np.uint8] = np.clip(np.rint(samples[:height, :width]) + 128, 0, 255).astype(np.uint8)
    return pixels


def reduced(image: Image, components: int, scale: int) -> npt.NDArray[np.uint8]:
    """The first `components` (1: Y; 3: Y, Cb, Cr) side by side, of shape (height, width) or (height, width, 3), each
    side that of the image divided by `scale`, rounded up. `scale` is a power of two, 2 to the side of a block."""
    if components == 1:
        return _samples(image, 0, scale)
    return np.stack([_samples(image, component, scale) for component in range(components)], axis=-1)

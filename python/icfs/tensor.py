# SPDX-License-Identifier: MIT
"""What is wanted of images: pixels or frequencies, in the type, the order of axes and the size that a batch has."""
from __future__ import annotations

import copy
import ctypes
import math
import numbers
import operator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NamedTuple, Optional, SupportsFloat, SupportsIndex, Union

import numpy as np
import numpy.typing as npt

from . import _abi
from .errors import ArgumentError

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]
Numbers = Union[float, npt.ArrayLike, None]

PIXELS_MAX = 100_000_000
SIDE_MAX = 65535  # pixels, of a JPEG
CENTER = -1

# torchvision's ImageNet statistics in units of pixels of 0..255: Spec(dtype="float32", mean=IMAGENET_MEAN,
# std=IMAGENET_STD) gives what ToTensor and Normalize give.
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)

_FIELDS = {"type": "dtype", "scale": "std"}  # what the library calls by another name
_VALUES = {"rgb": _abi.RGB, "frequencies": _abi.FREQUENCIES}
_TYPES = {np.dtype(np.uint8): 0, np.dtype(np.int8): 1, np.dtype(np.int16): 2, np.dtype(np.float16): 3,
          np.dtype(np.float32): 4}
_AXES = {"NCHW": _abi.NCHW, "NHWC": _abi.NHWC}
_CHROMA = {"repeated": _abi.REPEATED, "apart": _abi.APART}
_FIT = {"exact": 0, "crop": _abi.CROP, "pad": _abi.PAD, "crop or pad": _abi.CROP | _abi.PAD,
        "resize": _abi.RESIZE}
_TRUTHS = {False: 0, True: 1}


class Tensors(NamedTuple):
    """Decoded values; `chroma` holds Cb and Cr where they were asked for apart, else None. NumPy arrays: they have
    `__dlpack__`, and `torch.from_dlpack` or `torch.from_numpy` take them without a copy."""

    values: Array
    chroma: Optional[Array]


class Window(NamedTuple):
    """Where a crop begins, in pixels or blocks of luma, and whether the result is mirrored left to right. CENTER is
    the middle. Of a box that is resized also its height and width, in pixels; 0: up to the image's edge, all of it
    where the place is CENTER."""

    top: int = 0
    left: int = 0
    flip: bool = False
    height: int = 0
    width: int = 0


class Shape(NamedTuple):
    """Of one image: (channels, height, width), or (height, width, channels) under NHWC; `chroma` where it is apart."""

    values: tuple[int, int, int]
    chroma: Optional[tuple[int, int, int]]


@dataclass(frozen=True, eq=False)
class Spec:
    """What a batch wants of each of its images. As it stands: 8-bit RGB, NCHW, of the image's own size.

    values: "rgb", pixels 0..255 on luma's grid; or "frequencies", coefficients in units of a JPEG coefficient. A channel
        is then a frequency of a component, in the order of the planes: the first frequency's Y, Cb, Cr, the second's,
        and so on; rows and columns are blocks of luma.
    dtype: uint8 (pixels), int8 (frequencies, rounded and clamped), int16 (frequencies as they are), float16, float32.
        None: float32 where a mean or std is given, else uint8 for pixels and int16 for frequencies.
    axes: "NCHW", or for pixels "NHWC".
    chroma: of frequencies: "repeated" on luma's grid, where it is halved, or "apart" in an array of its own, of half as
        many rows and columns then, rounded up.
    components: of frequencies: 1 is luma alone, 3 gives grayscale a chroma of 0, 0 is as the image has.
    size: (height, width), or one number for both, in pixels or blocks of luma, as in torchvision; None: the image's own.
    fit: what becomes of an image of another size: "exact" refuses it, "crop" shows a part of a larger one, "pad" fills
        what a smaller one lacks at the right and below, "crop or pad" does either. "resize", of pixels: the image, or a
        box of it, is resized to `size`, to the bytes of Pillow's `crop(box).resize(size, BILINEAR)`, which is what
        torchvision's Resize(size) and RandomResizedCrop(size) make of a Pillow image.
    short_side: of "resize": the shorter side becomes so long, at least `size`, the other one in proportion, and the
        middle of that is cut out: torchvision's Resize(short_side) and CenterCrop(size).
    whole_blocks: cut off first what sticks out of the whole blocks of the coarsest grid (16 x 16 luma samples for half
        chroma and blocks of 8), so that flips of frequencies are exact wherever the window lies. An image that has none
        is a ShapeError, padded or not.
    mean, std: value = (value - mean) / std, one number for each channel (those of chroma apart behind the others), or
        one for all; finite, in units of the values: 0..255 for pixels.
    pad: what "pad" fills with, after mean and std; finite.
    pixels_max: images of more pixels on luma's grid are a LimitError.

    A field that is wrong for all images is an ArgumentError, a ValueError, as soon as the spec is made. How many channels
    frequencies have, only an image tells.
    """

    values: Literal["rgb", "frequencies"] = "rgb"
    dtype: Optional[npt.DTypeLike] = None
    axes: Literal["NCHW", "NHWC"] = "NCHW"
    chroma: Literal["repeated", "apart"] = "repeated"
    components: Literal[0, 1, 3] = 0
    size: Union[SupportsIndex, tuple[SupportsIndex, SupportsIndex], None] = None
    fit: Literal["exact", "crop", "pad", "crop or pad", "resize"] = "exact"
    short_side: Optional[SupportsIndex] = None
    whole_blocks: bool = False
    mean: Numbers = None
    std: Numbers = None
    pad: float = 0.0
    pixels_max: SupportsIndex = PIXELS_MAX

    def __post_init__(self) -> None:
        self._check()
        rows = {name: len(found) for name, found in (("mean", self._means()), ("std", self._scales()))
                if found is not None and found.ndim}
        for name, count in rows.items():
            if self.values == "rgb" and count != 3 or not count:
                raise ArgumentError(f"{name}: {count} numbers, one for each channel are wanted")
        if len(set(rows.values())) > 1:
            raise ArgumentError(f"std: {rows['std']} numbers, and mean has {rows['mean']}")

    def _check(self) -> None:
        """What no image can change, as the library says it of its own fields. ArgumentError."""
        spec, means, scales, why = self._to_c(), self._means(), self._scales(), _abi.Why()
        spec.mean = None if means is None else means.ctypes.data
        spec.scale = None if scales is None else scales.ctypes.data
        if _abi.lib.ic_tensor_check(ctypes.byref(spec), ctypes.byref(why)):
            field, _, reason = why.sentence().partition(": ")
            raise ArgumentError(f"{_FIELDS.get(field, field)}: {reason}")

    @property
    def type(self) -> np.dtype[Any]:
        """The type of the values. ArgumentError."""
        if self.dtype is not None:
            name = str(self.dtype)  # PyTorch's types have their own names in NumPy, too
            try:
                return np.dtype(name.removeprefix("torch.") if name.startswith("torch.") else self.dtype)
            except (TypeError, ValueError, SyntaxError) as error:
                raise ArgumentError(f"dtype: {error}") from error
        if self.mean is not None or self.std is not None:
            return np.dtype(np.float32)
        return np.dtype(np.uint8 if self.values == "rgb" else np.int16)

    @property
    def sides(self) -> Optional[tuple[int, int]]:
        """Height and width of `size`. ArgumentError."""
        if self.size is None:
            return None
        sides = self.size if isinstance(self.size, (tuple, list)) else (self.size, self.size)
        if len(sides) != 2:
            raise ArgumentError(f"size: {self.size!r} is neither one number nor a height and a width")
        height, width = integer("size", sides[0]), integer("size", sides[1])
        if not (0 < height <= SIDE_MAX and 0 < width <= SIDE_MAX):
            raise ArgumentError(f"size: {self.size!r} is not within 1..{SIDE_MAX}")
        return height, width

    def _means(self) -> Optional[Floats]:
        """One number, or one for each channel, as the library takes them. ArgumentError."""
        if self.mean is None:
            return None
        with np.errstate(over="ignore"):
            found = _numbers("mean", self.mean).astype(np.float32)
        if not np.isfinite(found).all():
            raise ArgumentError("mean: a number is beyond float32")
        return found

    def _scales(self) -> Optional[Floats]:
        """Of std, as `_means`."""
        if self.std is None:
            return None
        std = _numbers("std", self.std)
        if not (std != 0).all():
            raise ArgumentError("std: a channel would be divided by 0")
        with np.errstate(over="ignore"):
            found = np.asarray(1 / std, np.float32)
        if not found.all():
            raise ArgumentError("std: a channel would be 0 throughout")
        if not np.isfinite(found).all():
            raise ArgumentError("std: 1 / a number is beyond float32")
        return found

    def _to_c(self) -> _abi.TensorSpec:
        """Without mean and scale, which lie in arrays of their own."""
        height, width = self.sides or (0, 0)
        short_side = 0 if self.short_side is None else integer("short_side", self.short_side)
        if self.short_side is not None and not 0 < short_side <= SIDE_MAX:
            raise ArgumentError(f"short_side: {short_side} is not within 1..{SIDE_MAX}")
        pixels_max = integer("pixels_max", self.pixels_max)
        if not 0 < pixels_max < 2**64:
            raise ArgumentError(f"pixels_max: {pixels_max} is not within 1..2**64 - 1")
        return _abi.TensorSpec(
            values=_choice("values", self.values, _VALUES), type=_choice("dtype", self.type, _TYPES),
            axes=_choice("axes", self.axes, _AXES), chroma=_choice("chroma", self.chroma, _CHROMA),
            components=_choice("components", self.components, {0: 0, 1: 1, 3: 3}),
            fit=_choice("fit", self.fit, _FIT), whole_blocks=_choice("whole_blocks", self.whole_blocks, _TRUTHS),
            width=width, height=height, short_side=short_side, pad=_finite("pad", self.pad), pixels_max=pixels_max)


def integer(name: str, value: SupportsIndex) -> int:
    """NumPy's integers and the like, too. ArgumentError for what is none."""
    try:
        return operator.index(value)
    except TypeError:
        raise ArgumentError(f"{name}: {value!r} is no integer") from None


def real_numbers(name: str, values: Any) -> Array:
    """An array of them. ArgumentError for what is none."""
    try:
        found = np.asarray(values)
        if found.dtype == object and all(isinstance(number, (numbers.Real, Decimal)) for number in found.flat):
            found = np.array(found.tolist())
            found = found.astype(np.float64) if found.dtype == object else found
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:  # the last is PyTorch's
        raise ArgumentError(f"{name}: {error}") from error
    if found.dtype.kind not in "biuf":
        raise ArgumentError(f"{name}: numbers are wanted, not {found.dtype}")
    return found


def _finite(name: str, value: SupportsFloat) -> float:
    """A number that float32 can hold. ArgumentError for what is none."""
    try:
        if math.isfinite(value) and math.isfinite(ctypes.c_float(float(value)).value):
            return float(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise ArgumentError(f"{name}: {value!r} is no number that float32 can hold")


def _choice(name: str, value: Any, choices: dict[Any, int]) -> int:
    try:
        return choices[value]
    except (KeyError, TypeError):
        raise ArgumentError(f"{name}: {value!r} is none of {', '.join(map(str, choices))}") from None


def _numbers(name: str, wanted: Numbers) -> npt.NDArray[np.float64]:
    found = real_numbers(name, wanted).astype(np.float64)
    if not np.isfinite(found).all():
        raise ArgumentError(f"{name}: a number is not finite")
    if found.ndim > 1:
        raise ArgumentError(f"{name}: one number or a row of them is wanted, not an array of shape {found.shape}")
    return found


def _of_each(name: str, wanted: Floats, count: int) -> Floats:
    if wanted.ndim == 1 and len(wanted) != count:
        raise ArgumentError(f"{name}: {len(wanted)} numbers for {count} channels")
    return np.full(count, wanted)


class Bound:
    """A spec for images of one layout: as the library takes it, and of what shape they become. The library reads mean
    and scale where they lie here."""

    def __init__(self, spec: Spec, layout: _abi.Layout) -> None:
        self.spec = spec._to_c()
        self.type = spec.type
        self.c_shape = _abi.shape_of(layout, self.spec)
        count = self.c_shape.channels + self.c_shape.chroma_channels
        means, scales = spec._means(), spec._scales()
        if means is not None:
            self._mean = _of_each("mean", means, count)
            self.spec.mean = self._mean.ctypes.data
        if scales is not None:
            self._scale = _of_each("std", scales, count)
            self.spec.scale = self._scale.ctypes.data
        self.c_shape = _abi.shape_of(layout, self.spec)
        self.shape = self._shape(spec.axes == "NHWC")

    def _shape(self, channels_last: bool) -> Shape:
        shape = self.c_shape
        values = (shape.channels, shape.height, shape.width)
        if channels_last:
            values = (shape.height, shape.width, shape.channels)
        if not shape.chroma_nbytes:
            return Shape(values, None)
        return Shape(values, (shape.chroma_channels, shape.chroma_height, shape.chroma_width))

    def of_type(self, kind: int) -> Bound:
        """The same for values of another of the library's types, which NumPy need not have."""
        other = copy.copy(self)
        other.spec = _abi.TensorSpec.from_buffer_copy(self.spec)
        other.spec.type = kind
        other.c_shape = _abi.TensorShape.from_buffer_copy(self.c_shape)
        values = self.c_shape.channels * self.c_shape.height * self.c_shape.width
        chroma = self.c_shape.chroma_channels * self.c_shape.chroma_height * self.c_shape.chroma_width
        other.c_shape.value_nbytes = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 2}[kind]
        other.c_shape.nbytes, other.c_shape.chroma_nbytes = (n * other.c_shape.value_nbytes for n in (values, chroma))
        return other

    def empty(self, count: int | None = None) -> Tensors:
        """Arrays for one image, or for a number of them."""
        head = () if count is None else (count,)
        values = np.empty(head + self.shape.values, self.type)
        return Tensors(values, None if self.shape.chroma is None else np.empty(head + self.shape.chroma, self.type))

# SPDX-License-Identifier: MIT
"""One .ic object: what its header says, and its pixels, coefficients or tensors."""
from __future__ import annotations

import builtins
import mmap
import os
from ctypes import byref
from typing import IO, Any, Union, cast

import numpy as np
import numpy.typing as npt

from . import _abi
from ._abi import HEADER_SIZE, check, lib
from .design import Design
from .errors import ArgumentError, Error, LimitError, name_file
from .tensor import CENTER, PIXELS_MAX, Array, Bound, Spec, Tensors, Window, integer

Buffer = Union[bytes, bytearray, memoryview, mmap.mmap, npt.NDArray[Any]]
Source = Union[str, "os.PathLike[str]", Buffer, IO[bytes]]

# All pixels as they are: of what shape, the header says, and there is nothing to look at first.
_RGB = byref(Spec(axes="NHWC", pixels_max=2**64 - 1)._to_c())

# Of `Batch.flags`: the source ended early; data of it stood for nothing.
TRUNCATED, DAMAGED = _abi.FLAG_TRUNCATED, _abi.FLAG_DAMAGED


class Image:
    """A checked object in memory; `icfs.open` makes them. Nothing is decoded before it is asked for. The bytes that it
    was opened from are borrowed, and must not change while it is in use. Its methods may be called by several threads.

    size: (width, height) of the pixels, as in Pillow. source_size: of the JPEG that it was made from.
    design: the Design that it is read as. orientation: EXIF's, 1..8; never applied to what is decoded.
    components: 1 (grayscale) or 3 (Y, Cb, Cr). frequencies: the (u, v) of each channel of a component.
    truncated: the source ended early, and what was missing is as its decoder filled it in. damaged: data of the source stood
    for nothing, and what they were is, too. nbytes: of the object."""

    def __init__(self, content: Buffer, keep: int = 0, pixels_max: int = PIXELS_MAX) -> None:
        self._bytes = as_bytes(content)
        self._opened = (keep, pixels_max)
        self._view, why = _abi.View(), _abi.Why()
        check(lib.ic_view_parse_prefix(byref(self._view), self._bytes.ctypes.data, self._bytes.size, _keep(keep),
                                       byref(why)), why)
        check_pixels(self._view.layout, pixels_max)
        layout = self._view.layout
        self.size: tuple[int, int] = (layout.width, layout.height)
        self.source_size: tuple[int, int] = (layout.source_width, layout.source_height)
        self.design = Design._from_c(layout.design)
        self.orientation: int = self._view.orientation
        self.components: int = layout.ncomponents
        self.truncated = bool(self._view.flags & _abi.FLAG_TRUNCATED)
        self.damaged = bool(self._view.flags & _abi.FLAG_DAMAGED)
        self.nbytes: int = layout.nbytes

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles have the bytes with them."""
        return type(self), (self._bytes.tobytes(), *self._opened)

    def __repr__(self) -> str:
        return f"<icfs.Image {self.size[0]}x{self.size[1]} {self.design}>"

    @property
    def frequencies(self) -> tuple[tuple[int, int], ...]:
        return self.design.frequencies

    def rgb(self, out: npt.NDArray[np.uint8] | None = None) -> npt.NDArray[np.uint8]:
        """Pixels: uint8 of shape (height, width, 3), R first. Grayscale gives R = G = B.

        out: an array of that type and shape, without gaps, which is written to and returned; a loop that has one touches
        no new memory. ArgumentError for another."""
        found = self._pixels(3, out)
        check(lib.ic_tensor_decode(byref(self._view), _RGB, None, found.ctypes.data, None, None))
        return found

    def rgbx(self, out: npt.NDArray[np.uint8] | None = None) -> npt.NDArray[np.uint8]:
        """The same pixels, four bytes each, R, G, B, 255: uint8 of shape (height, width, 4)."""
        found = self._pixels(4, out)
        check(lib.ic_tensor_rgbx(byref(self._view), found.ctypes.data, 4 * self.size[0]))
        return found

    def _pixels(self, channels: int, out: npt.NDArray[np.uint8] | None) -> npt.NDArray[np.uint8]:
        """Memory for all pixels: `out`, where that is such, or new."""
        shape = (self.size[1], self.size[0], channels)
        if out is None:
            return np.empty(shape, np.uint8)
        if (not isinstance(out, np.ndarray) or out.dtype != np.uint8 or out.shape != shape
                or not out.flags.c_contiguous or not out.flags.writeable):
            raise ArgumentError(f"out: to be uint8 of shape {shape}, without gaps and writeable")
        return out

    def _component(self, component: int) -> _abi.Component:
        if not 0 <= integer("component", component) < self.components:
            raise ArgumentError(f"there is no component {component} among {self.components}")
        grid: _abi.Component = self._view.layout.component[component]
        return grid

    def coefficients(self, component: int) -> npt.NDArray[np.int16]:
        """Coefficients of a component (0 luma, 1 Cb, 2 Cr): int16 of shape (frequencies, rows, columns of blocks), in
        units of a JPEG coefficient, which is an orthonormal DCT of samples less 128. ArgumentError for a component
        that is not there."""
        grid = self._component(component)
        found = np.empty((self._view.layout.nfreqs, grid.block_rows, grid.block_cols), np.int16)
        check(lib.ic_decode_coefficients(byref(self._view), component, found.ctypes.data))
        return found

    def samples(self, component: int) -> npt.NDArray[np.uint8]:
        """Samples of a component on its own grid: uint8 of shape (height, width), of chroma that may be half of luma's.
        ArgumentError for a component that is not there."""
        grid = self._component(component)
        found = np.empty((grid.height, grid.width), np.uint8)
        check(lib.ic_decode_component(byref(self._view), component, found.ctypes.data, grid.width))
        return found

    def tensor(self, spec: Spec = Spec(), window: Window = Window()) -> Tensors:
        """What a batch of this one image would hold, without its first axis. ArgumentError for a spec that contradicts
        itself or a window that is not on the grid of chroma, ShapeError for another size than the spec's or a window
        that the image does not hold, LimitError."""
        bound = Bound(spec, self._view.layout)
        found, why = bound.empty(), _abi.Why()
        place = _abi.Window(_place(window.left), _place(window.top), bool(window.flip), _side(window.width),
                            _side(window.height))
        check(lib.ic_tensor_decode(byref(self._view), byref(bound.spec), byref(place), found.values.ctypes.data,
                                   None if found.chroma is None else found.chroma.ctypes.data, byref(why)), why)
        return found


def _keep(keep: int) -> int:
    keep = integer("keep", keep)
    if not 0 <= keep < 2 * _abi.BLOCK_MAX:
        raise ArgumentError(f"no number of groups of frequencies: {keep}")
    return keep


def _place(place: int) -> int:
    place = integer("window", place)
    if not CENTER <= place < 2**32 - 1:
        raise ArgumentError(f"no place in an image: {place}")
    return _abi.CENTER if place == CENTER else place


def _side(side: int) -> int:
    side = integer("window", side)
    if not 0 <= side < 2**32:
        raise ArgumentError(f"no side of a box: {side}")
    return side


def as_bytes(content: Buffer) -> npt.NDArray[np.uint8]:
    """The bytes of a buffer, where they lie. TypeError for what has none, BufferError for one with gaps."""
    view = memoryview(content)  # type: ignore[arg-type]  # NumPy's arrays are buffers before Python 3.12, too
    if not view.c_contiguous:
        raise BufferError("the bytes do not lie one behind the other")
    return np.frombuffer(view.cast("B"), np.uint8) if view.nbytes else np.empty(0, np.uint8)


def check_pixels(layout: _abi.Layout, pixels_max: int) -> None:
    if layout.width * layout.height > integer("pixels_max", pixels_max):
        raise LimitError(f"{layout.width} x {layout.height} are more than {pixels_max} pixels")


def header_of(head: Buffer) -> _abi.View:
    """What the first 64 bytes of an object say. CorruptError, TruncatedError, UnsupportedError."""
    view, why = _abi.View(), _abi.Why()
    content = as_bytes(head)
    check(lib.ic_view_parse_header(byref(view), content.ctypes.data, content.size, byref(why)), why)
    view.bytes = None  # `head` need not last
    return view


def prefix_nbytes(layout: _abi.Layout, keep: int = 0) -> int:
    """Bytes from the start of an object that hold what `keep` groups of frequencies need; 0 is all. ArgumentError
    where the object has fewer."""
    needed: int = lib.ic_layout_prefix_nbytes(byref(layout), _keep(keep) or layout.design.keep)
    if not needed:
        raise ArgumentError(f"the object has {layout.design.keep} groups of frequencies, not {keep}")
    return needed


def read_up_to(file: IO[bytes], nbytes: int) -> bytes:
    """A raw file, or a pipe, may give less than it has."""
    found = file.read(nbytes)
    while found and len(found) < nbytes:
        more = file.read(nbytes - len(found))
        if not more:
            break
        found += more
    return found


def read_object(file: IO[bytes], keep: int = 0, pixels_max: int = PIXELS_MAX) -> bytes:
    """As much of an object as is needed. The header comes first: it bounds what is read."""
    head = read_up_to(file, HEADER_SIZE)
    layout = header_of(head).layout
    check_pixels(layout, pixels_max)
    return head + read_up_to(file, prefix_nbytes(layout, keep) - len(head))


def open(source: Source, keep: int = 0, pixels_max: int = PIXELS_MAX) -> Image:
    """Open an object: the path of a file, a file opened in binary mode, or its bytes (anything with a buffer).

    keep: read no more than so many groups of frequencies, as if the object had been made with them alone; 0: all.
    pixels_max: more pixels are refused before anything is read or decoded; a few bytes may stand for a large image.

    CorruptError, TruncatedError, UnsupportedError, LimitError; ArgumentError where the object keeps less or an argument
    is wrong; OSError."""
    if isinstance(source, (str, os.PathLike)):
        try:
            with builtins.open(source, "rb", buffering=0) as file:
                return Image(read_object(file, keep, pixels_max), keep, pixels_max)
        except (Error, OSError) as error:
            name_file(error, source)
            raise
    if hasattr(source, "read") and not isinstance(source, mmap.mmap):
        return Image(read_object(cast("IO[bytes]", source), keep, pixels_max), keep, pixels_max)
    return Image(source, keep, pixels_max)

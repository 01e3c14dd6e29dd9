# SPDX-License-Identifier: MIT
"""The C interface of libic as ctypes knows it: the structures and functions of codec/*.h that this package uses, by
their names there. ctypes lets other Python threads run while a function is in the library."""
from __future__ import annotations

import ctypes
from ctypes import POINTER, Structure, byref, c_char, c_char_p, c_float, c_int, c_size_t, c_uint, c_uint8, c_uint16
from ctypes import c_uint32, c_uint64, c_void_p
from typing import Any

import numpy as np

from . import _library
from .errors import from_code

HEADER_SIZE = 64
DESIGN_STRING_SIZE = 40
BLOCK_MAX = 32
CENTER = 2**32 - 1
AT_FDCWD = -100  # Linux

RGB, FREQUENCIES = 0, 1
NCHW, NHWC = 0, 1
REPEATED, APART = 0, 1
CROP, PAD, RESIZE = 1, 2, 4
FLAG_TRUNCATED = 1
FLAG_DAMAGED = 2


class Why(Structure):
    _fields_ = [("text", c_char * 400)]

    def sentence(self) -> str:
        return bytes(self.text).decode(errors="replace")


class Design(Structure):
    _fields_ = [(name, c_uint8) for name in ("sx", "sy", "block", "keep", "bits", "chroma", "filter", "order")]


class Component(Structure):
    _fields_ = [("width", c_uint32), ("height", c_uint32), ("block_cols", c_uint32), ("block_rows", c_uint32),
                ("nblocks", c_uint64), ("plane_nbytes", c_uint64)]


class Layout(Structure):
    _fields_ = [("design", Design), ("source_width", c_uint32), ("source_height", c_uint32), ("width", c_uint32),
                ("height", c_uint32), ("ncomponents", c_uint), ("nfreqs", c_uint), ("nplanes", c_uint),
                ("component", Component * 3), ("data_offset", c_uint32), ("data_nbytes", c_uint64),
                ("nbytes", c_uint64)]


class Freq(Structure):
    _fields_ = [("u", c_uint8), ("v", c_uint8)]


class View(Structure):
    _fields_ = [("bytes", c_void_p), ("layout", Layout), ("orientation", c_uint8), ("flags", c_uint16)]


class TensorSpec(Structure):
    _fields_ = [("values", c_uint8), ("type", c_uint8), ("axes", c_uint8), ("chroma", c_uint8), ("components", c_uint8),
                ("fit", c_uint8), ("whole_blocks", c_uint8), ("width", c_uint32), ("height", c_uint32),
                ("short_side", c_uint32), ("mean", c_void_p), ("scale", c_void_p), ("pad", c_float),
                ("pixels_max", c_uint64)]


class TensorShape(Structure):
    _fields_ = [("channels", c_uint32), ("height", c_uint32), ("width", c_uint32), ("chroma_channels", c_uint32),
                ("chroma_height", c_uint32), ("chroma_width", c_uint32), ("value_nbytes", c_uint32),
                ("nbytes", c_size_t), ("chroma_nbytes", c_size_t)]


class Window(Structure):
    _fields_ = [("x", c_uint32), ("y", c_uint32), ("flip", c_uint8), ("width", c_uint32), ("height", c_uint32)]


class Region(Structure):
    _fields_ = [(name, c_uint32) for name in ("x", "y", "width", "height")]


class Item(Structure):
    _fields_ = [("bytes", c_size_t), ("nbytes", c_size_t), ("path", c_size_t), ("window", Window), ("region", Region),
                ("orientation", c_uint8), ("flags", c_uint16), ("err", c_int)]


class Batch(Structure):
    _fields_ = [("spec", TensorSpec), ("shape", TensorShape), ("design", POINTER(Design)), ("out", c_void_p),
                ("out_stride", c_size_t), ("chroma", c_void_p), ("chroma_stride", c_size_t), ("dirfd", c_int),
                ("items", c_void_p), ("nitems", c_size_t)]


# The items of a batch as an array: a million of them are chosen and filled by NumPy, not one by one.
ITEM: np.dtype[Any] = np.dtype(Item)

_WHY = POINTER(Why)
_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "ic_design_parse": (c_int, [c_char_p, POINTER(Design), _WHY]),
    "ic_design_print": (c_size_t, [POINTER(Design), c_char_p]),
    "ic_design_is_valid": (ctypes.c_bool, [POINTER(Design)]),
    "ic_design_freqs": (None, [POINTER(Design), POINTER(Freq)]),
    "ic_design_nfreqs": (c_uint, [POINTER(Design)]),
    "ic_layout_init": (c_int, [POINTER(Layout), POINTER(Design), c_uint32, c_uint32, c_uint]),
    "ic_layout_prefix_nbytes": (c_uint64, [POINTER(Layout), c_uint]),
    "ic_view_parse_header": (c_int, [POINTER(View), c_void_p, c_size_t, _WHY]),
    "ic_view_parse_prefix": (c_int, [POINTER(View), c_void_p, c_size_t, c_uint, _WHY]),
    "ic_decode_coefficients": (c_int, [POINTER(View), c_uint, c_void_p]),
    "ic_decode_component": (c_int, [POINTER(View), c_uint, c_void_p, c_size_t]),
    "ic_tensor_check": (c_int, [POINTER(TensorSpec), _WHY]),
    "ic_tensor_shape": (c_int, [POINTER(Layout), POINTER(TensorSpec), POINTER(TensorShape), _WHY]),
    "ic_tensor_decode": (c_int, [POINTER(View), POINTER(TensorSpec), POINTER(Window), c_void_p, c_void_p, _WHY]),
    "ic_tensor_rgbx": (c_int, [POINTER(View), c_void_p, c_size_t]),
    "ic_tensor_instructions": (c_char_p, []),
    "ic_pool_new": (c_int, [c_uint, POINTER(c_void_p), _WHY]),
    "ic_pool_free": (None, [c_void_p]),
    "ic_batch_decode": (c_int, [c_void_p, POINTER(Batch), POINTER(c_size_t), _WHY]),
}


def _bind() -> ctypes.CDLL:
    bound = _library.load()
    for name, (result, arguments) in _SIGNATURES.items():
        try:
            function = getattr(bound, name)
        except AttributeError:
            raise ImportError(f"icfs cannot use {bound._name}: it has no {name}, so it is of another version") from None
        function.restype = result
        function.argtypes = arguments
    return bound


lib = _bind()


def check(code: int, why: Why | None = None) -> None:
    """Raise the exception of a code that is not 0."""
    if code:
        raise from_code(code, why.sentence() if why else "")


def layout_of(design: Design, source_width: int, source_height: int, ncomponents: int) -> Layout:
    """Where everything lies in the object of such a source. ArgumentError."""
    layout = Layout()
    check(lib.ic_layout_init(byref(layout), byref(design), source_width, source_height, ncomponents))
    return layout


def shape_of(layout: Layout, spec: TensorSpec) -> TensorShape:
    """ArgumentError, LimitError, ShapeError."""
    shape, why = TensorShape(), Why()
    check(lib.ic_tensor_shape(byref(layout), byref(spec), byref(shape), byref(why)), why)
    return shape

# SPDX-License-Identifier: MIT
"""The C interface of libic_gpu as ctypes knows it: gpu/gpu.h. It is loaded when it is first needed."""
from __future__ import annotations

import ctypes
import functools
from ctypes import POINTER, Structure, c_int, c_size_t, c_uint, c_uint8, c_uint16, c_void_p
from typing import Any

import numpy as np

from .. import _library
from .._abi import Design, Region, TensorShape, TensorSpec, Why, Window

ALL_OR_NONE = 2
FAST_DCT = 1
ITEMS_MAX = 65535
BFLOAT16 = 5  # enum ic_type


class Item(Structure):
    _fields_ = [("bytes", c_size_t), ("nbytes", c_size_t), ("layout", c_size_t), ("window", Window),
                ("region", Region), ("orientation", c_uint8), ("flags", c_uint16), ("err", c_int)]


class Output(Structure):
    _fields_ = [("out", c_void_p), ("chroma", c_void_p), ("out_stride", c_size_t), ("chroma_stride", c_size_t)]


ITEM: np.dtype[Any] = np.dtype(Item)

_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "ic_gpu_open": (c_int, [c_uint, POINTER(c_void_p), POINTER(Why)]),
    "ic_gpu_plan_new": (c_int, [c_void_p, POINTER(Design), POINTER(TensorSpec), POINTER(TensorShape), c_uint,
                                POINTER(c_void_p), POINTER(Why)]),
    "ic_gpu_plan_free": (None, [c_void_p]),
    "ic_gpu_batch_new": (c_int, [c_void_p, c_size_t, POINTER(c_void_p), POINTER(Why)]),
    "ic_gpu_batch_free": (None, [c_void_p]),
    "ic_gpu_batch_load": (c_int, [c_void_p, c_void_p, c_size_t, c_uint, POINTER(c_size_t), POINTER(Why)]),
    "ic_gpu_batch_decode": (c_int, [c_void_p, POINTER(Output), c_void_p, POINTER(Why)]),
}


@functools.cache
def library() -> ctypes.CDLL:
    """OSError: it is not there, or of another version."""
    bound = _library.load_gpu()
    for name, (result, arguments) in _SIGNATURES.items():
        try:
            function = getattr(bound, name)
        except AttributeError:
            raise OSError(f"icfs cannot use {bound._name}: it has no {name}, so it is of another version") from None
        function.restype = result
        function.argtypes = arguments
    return bound

# SPDX-License-Identifier: MIT
"""Decode on a GPU: objects are copied there as they are, and become tensors in one pass over its memory."""
from __future__ import annotations

import ctypes
import errno
import os
import threading
from collections import OrderedDict, deque
from collections.abc import Iterable
from ctypes import byref
from typing import Any, Literal, NamedTuple, Optional, Union

import numpy as np
import numpy.typing as npt
import torch

from .. import _abi
from .._abi import check
from ..batch import BatchSource, Items, _boxes, _corners, _flips, bind, content_of, each
from ..design import Design, design_of
from ..errors import ArgumentError, from_code, name_file
from ..tensor import Bound, Spec
from . import _gpu_abi

PLANS = 16  # kinds of batches that are kept ready; the one that was used least recently goes first
FLIGHTS = 2  # batches of a kind that are on their way at once: one is copied while the other is decoded

_TYPES = {0: torch.uint8, 1: torch.int8, 2: torch.int16, 3: torch.float16, 4: torch.float32, 5: torch.bfloat16}


class GpuBatch(NamedTuple):
    """As `icfs.Batch`, with `values` and `chroma` on the GPU: they are there for what the stream does next."""

    values: torch.Tensor
    chroma: Optional[torch.Tensor]
    regions: npt.NDArray[np.uint32]
    orientations: npt.NDArray[np.uint8]
    errors: dict[int, Exception]
    flags: npt.NDArray[np.uint16]


class _Plan:
    """A kind of batch, and memory for those of it that are on their way. Never freed while one of them is loaded:
    who loads one has taken it out."""

    def __init__(self, device: ctypes.c_void_p, design: _abi.Design, bound: Bound, spec: _abi.TensorSpec,
                 flags: int) -> None:
        self.library = _gpu_abi.library()
        self.plan, why = ctypes.c_void_p(), _abi.Why()
        check(self.library.ic_gpu_plan_new(device, byref(design), byref(spec), byref(bound.c_shape), flags,
                                           byref(self.plan), byref(why)), why)
        self._lock = threading.Lock()
        self._free: dict[int, deque[ctypes.c_void_p]] = {}
        self._made: dict[int, int] = {}

    def take(self, count: int) -> tuple[int, ctypes.c_void_p]:
        """Memory for so many images: that which was used least recently, so that nobody waits for it."""
        size = 1 << max(0, count - 1).bit_length()
        size = min(size, _gpu_abi.ITEMS_MAX)
        with self._lock:
            free = self._free.setdefault(size, deque())
            if free and self._made.get(size, 0) >= FLIGHTS:
                return size, free.popleft()
            self._made[size] = self._made.get(size, 0) + 1
        batch, why = ctypes.c_void_p(), _abi.Why()
        try:
            check(self.library.ic_gpu_batch_new(self.plan, size, byref(batch), byref(why)), why)
        except BaseException:
            with self._lock:
                self._made[size] -= 1
            raise
        return size, batch

    def give(self, size: int, batch: ctypes.c_void_p) -> None:
        with self._lock:
            self._free[size].append(batch)

    def __del__(self) -> None:
        for free in getattr(self, "_free", {}).values():
            for batch in free:
                self.library.ic_gpu_batch_free(batch)
        if getattr(self, "plan", None):
            self.library.ic_gpu_plan_free(self.plan)


class _Devices:
    """What was opened and planned, for all threads of the process. A child process of a fork has no CUDA at all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._devices: dict[int, ctypes.c_void_p] = {}
        self._plans: OrderedDict[Any, _Plan] = OrderedDict()

    def plan(self, index: int, design: _abi.Design, bound: Bound, spec: _abi.TensorSpec, flags: int) -> _Plan:
        count = bound.c_shape.channels + bound.c_shape.chroma_channels
        key = (index, flags, bytes(design), _plain(spec), bytes(bound.c_shape), *(
            ctypes.string_at(place, 4 * count) if place else b"" for place in (spec.mean, spec.scale)))
        with self._lock:
            plan = self._plans.get(key)
            if plan is None:
                plan = self._plans[key] = _Plan(self._device(index), design, bound, spec, flags)
                while len(self._plans) > PLANS:
                    self._plans.popitem(last=False)
            self._plans.move_to_end(key)
            return plan

    def _device(self, index: int) -> ctypes.c_void_p:
        if index not in self._devices:
            device, why = ctypes.c_void_p(), _abi.Why()
            check(_gpu_abi.library().ic_gpu_open(index, byref(device), byref(why)), why)
            self._devices[index] = device
        return self._devices[index]


_devices = _Devices()


def _plain(spec: _abi.TensorSpec) -> bytes:
    """What a spec says, without where its means and scales lie, and without the gaps between its fields."""
    return repr([getattr(spec, field[0]) for field in _abi.TensorSpec._fields_
                 if field[0] not in ("mean", "scale")]).encode()


class _Contents(NamedTuple):
    """Of each source its bytes, none where it could not be read, and its path, where it is one."""

    contents: list[npt.NDArray[np.uint8]]
    paths: list[Optional[str]]
    failed: dict[int, Exception]


def _contents(sources: Iterable[BatchSource], wanted: Optional[Design]) -> _Contents:
    found = _Contents([], [], {})
    for index, source in enumerate(each(sources)):
        if not isinstance(source, (str, os.PathLike)):
            found.paths.append(None)
            found.contents.append(content_of(source, wanted))
            continue
        found.paths.append(os.fsdecode(source))
        try:
            found.contents.append(np.fromfile(source, np.uint8))
        except OSError as error:
            found.failed[index] = error
            found.contents.append(np.empty(0, np.uint8))
    return found


def _records(items: Items) -> npt.NDArray[np.void]:
    """Of items that are bytes, all of them."""
    records = np.zeros(len(items), _gpu_abi.ITEM)
    records["bytes"], records["nbytes"] = items.records["bytes"], items.records["nbytes"]
    return records


def _outputs(bound: Bound, kind: torch.dtype, count: int, device: torch.device,
             out: Optional[tuple[torch.Tensor, Optional[torch.Tensor]]]) -> tuple[torch.Tensor, Optional[torch.Tensor]]:
    if out is None:
        return (torch.empty((count, *bound.shape.values), dtype=kind, device=device),
                None if bound.shape.chroma is None else
                torch.empty((count, *bound.shape.chroma), dtype=kind, device=device))
    for tensor, shape in zip(out, bound.shape):
        if shape is not None and (tensor is None or tensor.shape != (count, *shape) or tensor.dtype != kind or
                                  tensor.device != device or not tensor.is_contiguous()):
            raise ArgumentError(f"out: wanted is a contiguous tensor {(count, *shape)} of {kind} on {device}")
    return out


def decode(sources: Iterable[BatchSource], spec: Union[Spec, Bound] = Spec(), *,
           device: Union[str, int, torch.device] = "cuda", dtype: Optional[torch.dtype] = None,
           corners: npt.ArrayLike | Literal["center"] | None = None, boxes: npt.ArrayLike | None = None,
           flips: npt.ArrayLike | None = None, design: Union[Design, str, None] = None, fast_dct: bool = False,
           out: Optional[tuple[torch.Tensor, Optional[torch.Tensor]]] = None,
           errors: Literal["raise", "return"] = "raise") -> GpuBatch:
    """Decode images to one tensor on a GPU, on the stream that is current in PyTorch. Returns once the objects are
    copied to page-locked memory; they may be reused then. Other Python threads run meanwhile.

    sources: as the items of `icfs.decode_batch`, but no Items; paths are read whole by the calling thread. All of one
        design.
    spec, corners, boxes, flips, errors: as in `icfs.decode_batch`; the values are the same, bit for bit, without fast_dct. To
        resize takes up to 128 MiB of the GPU's memory a batch on its way, or 3 bytes a pixel of the largest box.
    dtype: torch.bfloat16, which NumPy and so a Spec have not, in place of the spec's type.
    design: read each object as this sparser one; None: as the first one's own.
    fast_dct: pixels of designs of B = 8, 16 and 32 and 8 bits in half precision, with half the instructions: of
        photographs, hardly any is more than 1 of 255 apart (IC_GPU_FAST_DCT of gpu/gpu.h). It says nothing for all else.
    out: a pair of tensors (values, chroma) to write to.

    As `icfs.decode_batch`; OSError where there is no GPU, no driver or no libic_gpu."""
    if errors not in ("raise", "return"):
        raise ArgumentError(f"errors: {errors!r} is none of raise, return")
    place = torch.device(device)
    if place.type != "cuda":
        raise ArgumentError(f"device: {device!r} is no GPU; icfs.decode_batch decodes on the CPU")
    if place.index is None and not torch.cuda.is_available():
        raise OSError(errno.ENODEV, "PyTorch has no GPU here: its build is for CPUs alone, or there is no driver or device")
    index = torch.cuda.current_device() if place.index is None else place.index
    contents, paths, unread = _contents(sources, None if design is None else design_of(design))
    if unread and errors == "raise":
        raise next(iter(unread.values()))
    items = Items(contents)
    wanted = None if design is None else design_of(design)
    if wanted is None and not (isinstance(spec, Bound) and not contents):
        wanted = _first_design(items, paths, unread)
    bound = spec if isinstance(spec, Bound) else bind(spec, items, wanted)
    c_spec = _abi.TensorSpec.from_buffer_copy(bound.spec)
    if dtype is not None and dtype != torch.bfloat16:
        raise ArgumentError(f"dtype: {dtype} goes into the spec")
    if dtype is not None:
        c_spec.type = _gpu_abi.BFLOAT16
        bound = bound.of_type(_gpu_abi.BFLOAT16)
    values, chroma = _outputs(bound, _TYPES[c_spec.type], len(contents), torch.device("cuda", index), out)
    records = _records(items)
    if corners is not None and boxes is not None:
        raise ArgumentError("corners are of crops, boxes of what is resized: one of them, not both")
    _corners(records, corners)
    _boxes(records, boxes)
    _flips(records, flips)
    sentence = ""
    if wanted is not None and contents:  # there is no batch of nothing on a GPU, and no plan without a design
        plan = _devices.plan(index, wanted._to_c(), bound, c_spec, _gpu_abi.FAST_DCT if fast_dct else 0)
        sentence = _run(plan, records, values, chroma, torch.cuda.current_stream(index).cuda_stream)
    failed: dict[int, Exception] = {}
    for number in np.flatnonzero(records["err"]).tolist():
        failed[number] = unread.get(number) or from_code(int(records["err"][number]), "" if failed else sentence,
                                                         paths[number])
    if failed and errors == "raise":
        raise next(iter(failed.values()))
    regions = np.ascontiguousarray(records["region"]).view(np.uint32).reshape(-1, 4)
    return GpuBatch(values, chroma, regions, records["orientation"].copy(), failed, records["flags"].copy())


def _first_design(items: Items, paths: list[Optional[str]], unread: dict[int, Exception]) -> Design:
    """Of the first that has one; else what is wrong with the first is raised."""
    first: Optional[Exception] = None
    for index in range(len(items)):
        if index in unread:
            first = first or unread[index]
            continue
        try:
            return Design._from_c(items.header(index).layout.design)
        except (ValueError, NotImplementedError) as error:
            if first is None:
                name_file(error, paths[index])
            first = first or error
    raise first or ArgumentError("a batch of nothing")


def _run(plan: _Plan, records: npt.NDArray[np.void], values: torch.Tensor, chroma: Optional[torch.Tensor],
         stream: int) -> str:
    """The sentence for the first image that failed."""
    why = _abi.Why()
    output = _gpu_abi.Output(out=values.data_ptr(), out_stride=values[0].numel() * values.element_size())
    if chroma is not None:
        output.chroma, output.chroma_stride = chroma.data_ptr(), chroma[0].numel() * chroma.element_size()
    size, batch = plan.take(len(records))
    try:
        check(plan.library.ic_gpu_batch_load(batch, records.ctypes.data, len(records), 0, None, byref(why)), why)
        sentence = why.sentence()
        check(plan.library.ic_gpu_batch_decode(batch, byref(output), stream, byref(why)), why)
    finally:
        plan.give(size, batch)
    return sentence

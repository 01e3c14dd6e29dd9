# SPDX-License-Identifier: MIT
"""Many objects into one tensor, in one call, by the library's own threads."""
from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Iterable, Iterator
from ctypes import byref
from types import TracebackType
from typing import Any, Literal, NamedTuple, Optional, SupportsIndex, Union

import numpy as np
import numpy.typing as npt

from . import _abi
from ._abi import HEADER_SIZE, ITEM, check, lib
from .design import Design, design_of
from .errors import ArgumentError, CorruptError, Error, LimitError, ShapeError, UnsupportedError, from_code, name_file
from .image import Buffer, Image, as_bytes, header_of
from .tensor import CENTER, Array, Bound, Spec, Tensors, integer, real_numbers

BatchSource = Union[str, "os.PathLike[str]", Buffer, Image]
Out = Union[Array, tuple[Array, Optional[Array]], Tensors]


class Pool:
    """Threads that decode: `threads` of them, counting the one that calls. Worth keeping from batch to batch, for it
    also keeps the memory that reading files takes. May be shared by Python threads; it runs one batch at a time. It
    does not survive fork(): in a child it is an Error to use it. ArgumentError, MemoryError, OSError (no more
    threads)."""

    _pool: ctypes.c_void_p | None = None

    def __init__(self, threads: SupportsIndex = 1) -> None:
        threads = integer("threads", threads)
        if not 0 < threads < 2**31:
            raise ArgumentError(f"no number of threads: {threads}")
        pool, why = ctypes.c_void_p(), _abi.Why()
        check(lib.ic_pool_new(threads, byref(pool), byref(why)), why)
        self._pool, self._process = pool, os.getpid()
        self.threads = threads

    @property
    def pointer(self) -> ctypes.c_void_p:
        if self._pool is None:
            raise Error("the pool was closed")
        if self._process != os.getpid():
            raise Error("a pool does not survive fork(): a child process must make its own")
        return self._pool

    def close(self) -> None:
        """End the threads. No batch may be running."""
        pool, self._pool = self._pool, None
        if pool is not None and self._process == os.getpid():
            lib.ic_pool_free(pool)

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


class Items:
    """What a batch is made of, prepared once: paths, and objects in memory (bytes, bytearray, memoryview, mmap, a NumPy
    array, or an Image), which is borrowed and must not change. A batch of a data set is then `items.take(indices)`,
    without work in Python for each image. Copies and pickles have names and bytes of their own.

    design: what they are to be read as; an Image that was opened with fewer frequencies takes one that has no more."""

    def __init__(self, sources: Iterable[BatchSource] = (), design: Design | str | None = None) -> None:
        wanted = None if design is None else design_of(design)
        names: list[bytes | None] = []
        contents: list[npt.NDArray[np.uint8] | None] = []
        for source in each(sources):
            if isinstance(source, (str, os.PathLike)):
                names.append(_name(source))
                contents.append(None)
            else:
                names.append(None)
                contents.append(content_of(source, wanted))
        self.records = np.zeros(len(names), ITEM)
        self._contents = contents
        self._names = self._place(names)
        self.records["bytes"] = [0 if content is None else content.ctypes.data for content in contents]
        self.records["nbytes"] = [0 if content is None else content.size for content in contents]

    def _place(self, names: list[bytes | None]) -> npt.NDArray[np.uint8]:
        """All names in one piece of memory, each with the 0 that ends it."""
        lengths = np.array([0 if name is None else len(name) + 1 for name in names], np.int64)
        memory = np.frombuffer(b"".join(name + b"\0" for name in names if name is not None) + b"\0", np.uint8)
        starts = np.cumsum(lengths) - lengths + memory.ctypes.data
        self.records["path"] = np.where(lengths > 0, starts, 0)
        return memory

    def __reduce__(self) -> tuple[Any, ...]:
        """The records hold addresses, which are this process's alone: what lies there goes along, each once."""
        places = list(zip(*(self.records[name].tolist() for name in ("path", "bytes", "nbytes"))))
        held = {place: _at(*place) for place in dict.fromkeys(places)}
        return type(self), ([held[place] for place in places],), self.records["window"]

    def __setstate__(self, windows: npt.NDArray[np.void]) -> None:
        self.records["window"] = windows

    def __len__(self) -> int:
        return len(self.records)

    def take(self, indices: npt.ArrayLike) -> Items:
        """Those of these indices, which are integers and no mask, in their order. ArgumentError, IndexError."""
        places = real_numbers("indices", indices)
        if places.ndim != 1 or places.size and places.dtype.kind not in "iu":
            raise ArgumentError(f"indices: wanted is a row of integers, not {places.dtype} of shape {places.shape}")
        chosen = Items()
        chosen.records = self.records[places.astype(np.intp)]
        chosen._contents, chosen._names = self._contents, self._names  # what the records point into
        return chosen

    def path(self, index: int) -> str | None:
        """The name of a file, or None for bytes."""
        place = int(self.records["path"][index])
        return os.fsdecode(ctypes.string_at(place)) if place else None

    def header(self, index: int, directory: int = _abi.AT_FDCWD) -> _abi.View:
        """What an object's header says. As `icfs.open`."""
        record = self.records[index]
        if not record["path"]:
            return header_of(ctypes.string_at(int(record["bytes"]), min(int(record["nbytes"]), _abi.HEADER_SIZE)))
        name = ctypes.string_at(int(record["path"]))
        file = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK,
                       dir_fd=None if directory == _abi.AT_FDCWD else directory)
        try:
            return header_of(os.read(file, _abi.HEADER_SIZE))
        finally:
            os.close(file)


def each(sources: Iterable[BatchSource]) -> Iterator[BatchSource]:
    """ArgumentError for a single one, which Python may iterate over by the letter or the byte."""
    is_one = isinstance(sources, (str, os.PathLike, bytes, bytearray, memoryview, mmap.mmap))
    if isinstance(sources, np.ndarray):
        is_one = sources.ndim == 1 and sources.dtype.kind not in "OSU"
    try:
        if not is_one:
            return iter(sources)
    except TypeError:
        pass
    raise ArgumentError("wanted are several paths or objects, in a list for example, not one alone: "
                        f"{type(sources).__name__}")


def content_of(source: Buffer | Image, wanted: Design | None) -> npt.NDArray[np.uint8]:
    """The bytes of an object, where they lie. ArgumentError, also for an Image of fewer frequencies than are wanted."""
    if isinstance(source, Image):
        keep = header_of(source._bytes[:HEADER_SIZE]).layout.design.keep
        if source.design.keep < (keep if wanted is None else min(keep, wanted.keep)):
            raise ArgumentError(f"an Image opened with {source.design.keep} groups of frequencies of {keep}: "
                                "say a `design` that has no more")
        return source._bytes
    try:
        return as_bytes(source)
    except (TypeError, ValueError, BufferError) as error:
        raise ArgumentError(f"neither a path nor an object: {error}") from error


def _at(path: int, place: int, nbytes: int) -> str | bytes:
    """A name or bytes, as the record of an item has them."""
    return os.fsdecode(ctypes.string_at(path)) if path else ctypes.string_at(place, nbytes)


def _name(path: str | os.PathLike[str]) -> bytes:
    name = os.fsencode(path)
    if b"\0" in name:
        raise ArgumentError("a path with a 0 in it")
    return name


class Batch(NamedTuple):
    """`values` and `chroma` as in Tensors, with a first axis for the images. `regions`: what of each image is shown, a
    row (left, top, width, height) each; it lies at the upper left, the rest is padding. `orientations`: EXIF's, 1..8,
    not applied. `errors`: of the images that failed, by their index; their values and rows are 0. `flags`: of each,
    TRUNCATED where its source ended early, DAMAGED where data of it stood for nothing; what was missing is as its decoder
    filled it in."""

    values: Array
    chroma: Optional[Array]
    regions: npt.NDArray[np.uint32]
    orientations: npt.NDArray[np.uint8]
    errors: dict[int, Exception]
    flags: npt.NDArray[np.uint16]


def bind(spec: Spec, items: Items, design: Design | None = None, directory: int = _abi.AT_FDCWD) -> Bound:
    """The spec for images of the shape that the first of these items has which is sound and of a fitting size. If none
    is, what is wrong with the first of all is raised. ArgumentError for a spec that contradicts itself."""
    first: Exception | None = None
    for index in range(len(items)):
        try:
            layout = items.header(index, directory).layout
            if design is not None:
                layout = _abi.layout_of(design._to_c(), layout.source_width, layout.source_height, layout.ncomponents)
            return Bound(spec, layout)
        except (CorruptError, UnsupportedError, LimitError, ShapeError, OSError) as error:
            if first is None:
                name_file(error, items.path(index))
                first = error
    raise first or ArgumentError("a batch of nothing")


def _spread(name: str, values: Any, shape: tuple[int, ...]) -> Array:
    """One for each image, or one for all. ArgumentError."""
    given = real_numbers(name, values)
    try:
        return np.broadcast_to(given, shape)
    except ValueError as error:
        raise ArgumentError(f"{name}: {error}") from error


def _integers(name: str, values: Any, shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """As `_spread`. Floats may be whole numbers."""
    given = _spread(name, values, shape)
    if given.dtype == np.int64:
        return given
    with np.errstate(invalid="ignore"):  # NaN and infinities become some number, which differs
        found = given.astype(np.int64)
    if not (found == given).all():
        raise ArgumentError(f"{name}: no whole numbers")
    return found


def _corners(records: npt.NDArray[np.void], corners: npt.ArrayLike | Literal["center"] | None) -> None:
    if corners is None:
        return
    if isinstance(corners, str):
        if corners != "center":
            raise ArgumentError(f"corners: {corners!r} is no array, nor \"center\"")
        corners = (CENTER, CENTER)
    places = _integers("corners", corners, (len(records), 2))
    if places.size and not (CENTER <= places.min() and places.max() < _abi.CENTER):
        raise ArgumentError("corners: a place that no image has")
    records["window"]["y"], records["window"]["x"] = np.where(places == CENTER, _abi.CENTER, places).T


def _boxes(records: npt.NDArray[np.void], boxes: npt.ArrayLike | None) -> None:
    if boxes is None:
        return
    found = _integers("boxes", boxes, (len(records), 4))
    if found.size and (found[:, 2:].min() < 0 or found[:, 2:].max() >= 2**32):
        raise ArgumentError("boxes: a side that no image has")
    _corners(records, found[:, :2])
    records["window"]["height"], records["window"]["width"] = found[:, 2:].T


def _flips(records: npt.NDArray[np.void], flips: npt.ArrayLike | None) -> None:
    if flips is not None:
        records["window"]["flip"] = _spread("flips", flips, (len(records),)).astype(bool)


def _outputs(bound: Bound, count: int, out: Out | None) -> Tensors:
    """The caller's arrays, if they are what the library may write to."""
    if out is None:
        return bound.empty(count)
    arrays = (*out, None, None)[:2] if isinstance(out, (tuple, list)) else (out, None)
    for array, shape in zip(arrays, bound.shape):
        if shape is None:
            continue
        if not isinstance(array, np.ndarray) or array.shape != (count, *shape) or array.dtype != bound.type:
            raise ArgumentError(f"out: wanted is an array {(count, *shape)} of {bound.type}")
        if not array.flags.writeable or not array.flags.aligned:
            raise ArgumentError("out: the array cannot be written to")
        if count and not array[0].flags.c_contiguous or count > 1 and array.strides[0] < array[0].nbytes:
            raise ArgumentError("out: the values of an image must lie one behind the other, apart from other images'")
    return Tensors(arrays[0], arrays[1] if bound.shape.chroma else None)


def _stride(array: Array) -> int:
    """From image to image; NumPy may say anything where there is but one."""
    return array.strides[0] if len(array) > 1 else array[:1].nbytes


def _c_batch(bound: Bound, records: npt.NDArray[np.void], outputs: Tensors, directory: int) -> _abi.Batch:
    batch = _abi.Batch(spec=bound.spec, shape=bound.c_shape, dirfd=directory, items=records.ctypes.data,
                       nitems=len(records), out=outputs.values.ctypes.data, out_stride=_stride(outputs.values))
    if outputs.chroma is not None:
        batch.chroma, batch.chroma_stride = outputs.chroma.ctypes.data, _stride(outputs.chroma)
    return batch


def _failures(items: Items, codes: npt.NDArray[np.int32], first: str) -> dict[int, Exception]:
    """The library has a sentence for the first one alone."""
    found: dict[int, Exception] = {}
    for index in np.flatnonzero(codes).tolist():
        code = int(codes[index])
        found[index] = from_code(code, "" if found else first, items.path(index))
    return found


def decode_batch(items: Items | Iterable[BatchSource], spec: Spec | Bound = Spec(), *,
                 corners: npt.ArrayLike | Literal["center"] | None = None, boxes: npt.ArrayLike | None = None,
                 flips: npt.ArrayLike | None = None, design: Design | str | None = None,
                 threads: SupportsIndex | Pool = 1, out: Out | None = None, directory: int | None = None,
                 errors: Literal["raise", "return"] = "raise") -> Batch:
    """Decode images to one tensor. Other Python threads run meanwhile.

    items: several, in a list for example: paths (str or os.PathLike; read by the decoding threads, and no further than is
        needed), or objects as bytes, bytearray, memoryview, mmap, NumPy array or Image; or Items.
    spec: what is wanted of each; or what `bind` made of it, which saves reading a header. All must become of one shape:
        a `size` sees to that, but for frequencies of images with other designs or components.
    corners: where crops begin: (top, left) for all, or a row of them for each, in pixels or blocks of luma, CENTER for
        the middle; "center"; None: (0, 0). Of frequencies with half chroma they must be even.
    boxes: what is resized (`Spec(fit="resize")`), in place of corners: (top, left, height, width) for all, or a row of
        them for each, as torchvision has them, in pixels; as in Window. None: all of each image.
    flips: one truth for each, or for all: mirrored left to right.
    design: read each object as this one, which has the same sampling, block size, chroma, filter, order and bits as it,
        and keeps as much or less.
    threads: a number, or a Pool, which is worth keeping from batch to batch.
    out: arrays to write to, as `decode_batch` gave them or as a pair (values, chroma): reused memory is faster. The
        images' values may lie apart (a stride along the first axis).
    directory: an open one (os.open) that relative paths start from.
    errors: "raise" the first failure, of whichever image; then `out` holds the others. "return" them in
        `Batch.errors`, each image's place zeroed.

    ArgumentError, ShapeError, LimitError, CorruptError, TruncatedError, UnsupportedError, OSError, MemoryError."""
    if errors not in ("raise", "return"):
        raise ArgumentError(f"errors: {errors!r} is none of raise, return")
    wanted = None if design is None else design_of(design)
    items = items if isinstance(items, Items) else Items(items, wanted)
    place = _abi.AT_FDCWD if directory is None else integer("directory", directory)
    if not -2**31 <= place < 2**31:
        raise ArgumentError(f"no open directory: {place}")
    bound = spec if isinstance(spec, Bound) else bind(spec, items, wanted, place)
    outputs = _outputs(bound, len(items), out)
    records = items.records.copy()  # the items may be in use by another thread, too
    if corners is not None and boxes is not None:
        raise ArgumentError("corners are of crops, boxes of what is resized: one of them, not both")
    _corners(records, corners)
    _boxes(records, boxes)
    _flips(records, flips)
    batch = _c_batch(bound, records, outputs, place)
    if wanted is not None:
        batch.design = ctypes.pointer(wanted._to_c())
    sentence = _run(batch, threads)
    failed = _failures(items, records["err"], sentence)
    if failed and errors == "raise":
        raise next(iter(failed.values()))
    regions = np.ascontiguousarray(records["region"]).view(np.uint32).reshape(-1, 4)
    return Batch(outputs.values, outputs.chroma, regions, records["orientation"].copy(), failed, records["flags"].copy())


def _run(batch: _abi.Batch, threads: SupportsIndex | Pool) -> str:
    """The sentence for the first image that failed."""
    if not isinstance(threads, Pool) and integer("threads", threads) != 1:
        with Pool(threads) as pool:
            return _run(batch, pool)
    why = _abi.Why()
    check(lib.ic_batch_decode(threads.pointer if isinstance(threads, Pool) else None, byref(batch), None, byref(why)),
          why)
    return why.sentence()

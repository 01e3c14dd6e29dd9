# SPDX-License-Identifier: MIT
"""The design space: which samples, which frequencies and how many bits of an image are kept."""
from __future__ import annotations

from ctypes import byref, create_string_buffer
from functools import lru_cache
from typing import NamedTuple

from . import _abi
from ._abi import check, lib
from .errors import ArgumentError


class Design(NamedTuple):
    """A point of the design space. `str(design)` is its written form, `Design.parse` reads it.

    Attributes: `sx`, `sy`: samples of the source that one kept sample stands for, across and down (1, 2, 4).
    `block`: side of a block in samples. `keep`: groups of frequencies, 1..2 * block - 1. `bits` of a coefficient, 1..8.
    `chroma`: 1 as fine as luma, 2 half of it both ways. `filter`: 0 drop, 1 box. `order` of pruning: 0 high, 1 low,
    2 columns, 3 rows."""

    sx: int
    sy: int
    block: int
    keep: int
    bits: int
    chroma: int = 2
    filter: int = 0
    order: int = 0

    @classmethod
    def parse(cls, text: str) -> Design:
        """Read `s2x2-b8-k6-q8`. ArgumentError says what was expected."""
        if not isinstance(text, str) or "\0" in text:
            raise ArgumentError(f"{text!r} is no design")
        design, why = _abi.Design(), _abi.Why()
        check(lib.ic_design_parse(text.encode(errors="replace"), byref(design), byref(why)), why)
        return cls._from_c(design)

    @classmethod
    def _from_c(cls, design: _abi.Design) -> Design:
        return cls(design.sx, design.sy, design.block, design.keep, design.bits, design.chroma, design.filter,
                   design.order)

    def _to_c(self) -> _abi.Design:
        """ArgumentError for what is no design."""
        if not all(isinstance(part, int) and 0 <= part <= 255 for part in self):
            raise ArgumentError(f"{tuple(self)} is no design")
        design = _abi.Design(*self)
        if not lib.ic_design_is_valid(byref(design)):
            raise ArgumentError(f"{tuple(self)} is no design")
        return design

    def __str__(self) -> str:
        return _text(self)

    @property
    def frequencies(self) -> tuple[tuple[int, int], ...]:
        """The frequencies of a component in the order of the planes: pairs (u, v), horizontal and vertical."""
        design = self._to_c()
        found = (_abi.Freq * _abi.BLOCK_MAX**2)()
        lib.ic_design_freqs(byref(design), found)
        return tuple((freq.u, freq.v) for freq in found[:lib.ic_design_nfreqs(byref(design))])


@lru_cache(maxsize=64)  # a data set has one design, or a few
def _text(design: Design) -> str:
    text = create_string_buffer(_abi.DESIGN_STRING_SIZE)
    lib.ic_design_print(byref(design._to_c()), text)
    return text.value.decode()


def design_of(value: Design | str) -> Design:
    """A design, given as one or in its written form."""
    return value if isinstance(value, Design) else Design.parse(value)

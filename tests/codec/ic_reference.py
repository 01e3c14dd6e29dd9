#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A decoder of `.ic` files, version 1, written from docs/format.md alone; the numbers in brackets are its sections.

    ic_reference.py IN.ic OUT.ppm

Python's standard library only, and nothing shared with the decoder it is held against. For small images: it is slow.
"""
import math
import struct
import sys
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

MAGIC = b"\x89ICF\r\n\x1a\n"
HEADER_LENGTH = 64
ORDERS = ("oh", "ol", "ox", "oy")

# Rows 0..3 of the matrix for B = 8 [3]; the others mirror them.
ISLOW = (
    (8192, 11363, 10703, 9633, 8192, 6437, 4433, 2260),
    (8192, 9633, 4433, -2259, -8192, -11362, -10704, -6436),
    (8192, 6437, -4433, -11362, -8192, 2261, 10704, 9633),
    (8192, 2260, -10703, -6436, 8192, 9633, -4433, -11363),
)

Grid = list[list[int]]


class Damaged(ValueError):
    """The file contradicts the format."""


class Unsupported(ValueError):
    """The file may be sound, but not of this version."""


# A plane's entry in the table [1.4]: its step s, bits used n, and the means m+ and m-.
Entry = NamedTuple("Entry", [(name, int) for name in "step bits mean_plus mean_minus".split()])

# The header's fields after the magic [1.1], in their order.
FIELDS = """version length source_width source_height width height components orientation x y block groups bits chroma
    filter order flags planes data_offset data_length reserved"""
FORMAT = "<HHIIII10BHIIQQ"


class Header(NamedTuple("Header", [(name, int) for name in FIELDS.split()])):
    """The header, and what follows from it."""

    def size(self, component: int) -> tuple[int, int]:
        """Width and height of a component's grid [1.2]."""
        divisor = self.chroma if component else 1
        return ceil_div(self.width, divisor), ceil_div(self.height, divisor)

    def blocks(self, component: int) -> tuple[int, int]:
        """Blocks across and down [1.2]."""
        width, height = self.size(component)
        return ceil_div(width, self.block), ceil_div(height, self.block)

    def plane_length(self, component: int) -> int:
        """Bytes of one plane [1.3]."""
        across, down = self.blocks(component)
        return ceil_div(across * down * self.bits, 8)

    def frequencies(self) -> list[tuple[int, int]]:
        """The frequencies (u, v) that are kept, in the order of their planes."""
        return [f for group in frequency_groups(self.order, self.block)[:self.groups] for f in group]


class Object(NamedTuple):
    """A file taken apart: `planes[p]` holds the packed codes of plane p."""
    header: Header
    table: list[Entry]
    planes: list[bytes]


def ceil_div(a: int, b: int) -> int:
    return -(-a // b)


def clamp(value: int, low: int, high: int) -> int:
    return low if value < low else high if value > high else value


def wrap(value: int) -> int:
    """Modulo 2^32, two's complement."""
    return ((value + 0x80000000) & 0xFFFFFFFF) - 0x80000000


def frequency_groups(order: int, block: int) -> list[list[tuple[int, int]]]:
    """All 2B-1 groups of a pruning order [1.3]."""
    def diagonal(total: int) -> list[tuple[int, int]]:
        return [(u, total - u) for u in range(block) if 0 <= total - u < block]

    def column(i: int) -> int:
        return (i - 1) // 2 if i % 2 else block - 1 - i // 2

    if ORDERS[order] == "oh":
        return [diagonal(g) for g in range(2 * block - 1)]
    if ORDERS[order] == "ol":
        return [diagonal(2 * block - 2 - g) for g in range(2 * block - 1)]
    groups = [[(column(block - 1), v) for v in range(block)]]
    for i in range(block - 2, -1, -1):
        groups.append([(column(i), v) for v in range(block // 2)])
        groups.append([(column(i), v) for v in range(block // 2, block)])
    return groups if ORDERS[order] == "ox" else [[(v, u) for u, v in group] for group in groups]


def parse_header(data: bytes) -> Header:
    """The header, checked against every formula of [1.1]."""
    if len(data) < HEADER_LENGTH or data[:8] != MAGIC:
        raise Damaged("not an .ic file")
    h = Header(*struct.unpack_from(FORMAT, data, 8))
    if h.version != 1 or h.flags & ~3:
        raise Unsupported("version or flag")
    if not (h.length == HEADER_LENGTH and 1 <= h.source_width <= 65535 and 1 <= h.source_height <= 65535
            and h.components in (1, 3) and 1 <= h.orientation <= 8 and h.x in (1, 2, 4) and h.y in (1, 2, 4)
            and h.block in (1, 2, 4, 8, 16, 32) and 1 <= h.groups <= 2 * h.block - 1 and 1 <= h.bits <= 8
            and h.chroma in (1, 2) and h.filter in (0, 1) and h.order < len(ORDERS) and h.reserved == 0):
        raise Damaged("a field out of its range")
    planes = h.components * len(h.frequencies())
    if not (h.width == ceil_div(h.source_width, h.x) and h.height == ceil_div(h.source_height, h.y)
            and h.planes == planes and h.data_offset == 64 * ceil_div(HEADER_LENGTH + 4 * planes, 64)
            and h.data_length == len(h.frequencies()) * sum(map(h.plane_length, range(h.components)))):
        raise Damaged("a field that contradicts others")
    return h


def parse(data: bytes) -> Object:
    """Header, table and planes of a whole file."""
    header = parse_header(data)
    if len(data) < header.data_offset + header.data_length:
        raise Damaged("truncated")
    end = HEADER_LENGTH + 4 * header.planes
    table = [Entry(*data[at:at + 4]) for at in range(HEADER_LENGTH, end, 4)]
    if not all(e.step and 1 <= e.bits <= 8 and (e.bits > header.bits or e[2:] == (0, 0)) for e in table):
        raise Damaged("an entry of the table out of its range")
    if any(data[end:header.data_offset]):
        raise Damaged("bytes behind the table that are not zero")
    lengths = [header.plane_length(component) for component in range(header.components)]
    ends = list(accumulate(lengths * (header.planes // header.components), initial=header.data_offset))
    return Object(header, table, [data[at:end] for at, end in zip(ends, ends[1:])])


def unpack(plane: bytes, bits: int, count: int) -> list[int]:
    """The first `count` codes of a plane [1.3], two's complement."""
    packed, mask, sign = int.from_bytes(plane, "little"), (1 << bits) - 1, 1 << (bits - 1)
    return [(((packed >> i * bits) & mask) ^ sign) - sign for i in range(count)]


def dequantize(code: int, entry: Entry, bits: int) -> int:
    """The coefficient a code stands for [2]."""
    mean = entry.mean_plus if code >= 0 else entry.mean_minus
    dropped = max(0, entry.bits - bits)
    return clamp(((code * 256 + mean) * 2 ** dropped * entry.step + 128) >> 8, -32768, 32767)


def coefficients(obj: Object, component: int) -> list[list[tuple[int, int, int]]]:
    """For each block of a component its (u, v, coefficient), those that are zero left out."""
    header = obj.header
    across, down = header.blocks(component)
    blocks: list[list[tuple[int, int, int]]] = [[] for _ in range(across * down)]
    for number, (u, v) in enumerate(header.frequencies()):
        p = number * header.components + component
        codes = unpack(obj.planes[p], header.bits, len(blocks))
        value = {code: dequantize(code, obj.table[p], header.bits) for code in set(codes)}
        for block, code in zip(blocks, codes):
            if value[code]:
                block.append((u, v, value[code]))
    return blocks


def basis(block: int) -> Grid:
    """The transform's matrix [3], by frequency: basis(B)[u][x] is M[x][u]."""
    def at(x: int, u: int) -> int:
        if block == 8:
            return ISLOW[x][u] if x < 4 else (-1) ** u * ISLOW[7 - x][u]
        if u == 0:
            return 8192
        return math.floor(8192 * math.sqrt(2) * math.cos((2 * x + 1) * u * math.pi / (2 * block)) + 0.5)
    return [[at(x, u) for x in range(block)] for u in range(block)]


def inverse(block: list[tuple[int, int, int]], matrix: Grid) -> Grid:
    """The samples of one block, by rows [3]."""
    side = len(matrix)
    level = side.bit_length() - 1
    columns: dict[int, list[int]] = {}
    for u, v, c in block:
        row = matrix[v]
        columns[u] = [s + c * m for s, m in zip(columns[u], row)] if u in columns else [c * m for m in row]
    half, shift = 1 << (14 + level), 15 + level
    sums = [[half] * side for _ in range(side)]
    for u, column in columns.items():
        row = matrix[u]
        for y, s in enumerate(column):
            a = clamp(wrap(s + 1024) >> 11, -32768, 32767)
            if a:
                sums[y] = [t + a * m for t, m in zip(sums[y], row)]
    return [[clamp((wrap(t) >> shift) + 128, 0, 255) for t in row] for row in sums]


def samples(obj: Object, component: int) -> Grid:
    """A component's grid of samples, by rows."""
    header = obj.header
    width, height = header.size(component)
    across, _ = header.blocks(component)
    matrix = basis(header.block)
    blocks = [inverse(block, matrix) for block in coefficients(obj, component)]
    return [[s for block in blocks[first:first + across] for s in block[y]][:width]
            for first in range(0, len(blocks), across) for y in range(header.block)][:height]


def upsample(chroma: Grid, width: int, height: int) -> Grid:
    """Half-size chroma on luma's grid [4]."""
    if len(chroma[0]) < 3:
        return [[chroma[y // 2][x // 2] for x in range(width)] for y in range(height)]
    rows = []
    for y in range(height):
        near = chroma[y // 2]
        far = chroma[clamp(y // 2 + (1 if y % 2 else -1), 0, len(chroma) - 1)]
        t = [3 * a + b for a, b in zip(near, far)]
        t = [t[0], *t, t[-1]]   # t[i] of the text is t[i + 1] here
        rows.append([(3 * t[x // 2 + 1] + t[x // 2 + 2] + 7) >> 4 if x % 2 else (3 * t[x // 2 + 1] + t[x // 2] + 8) >> 4
                     for x in range(width)])
    return rows


def to_rgb(luma: int, cb: int, cr: int) -> tuple[int, int, int]:
    b, r = cb - 128, cr - 128
    return (clamp(luma + ((91881 * r + 32768) >> 16), 0, 255),
            clamp(luma + ((-22554 * b - 46802 * r + 32768) >> 16), 0, 255),
            clamp(luma + ((116130 * b + 32768) >> 16), 0, 255))


def to_ppm(data: bytes) -> bytes:
    """A whole file as a PPM."""
    obj = parse(data)
    width, height = obj.header.size(0)
    luma, *chroma = [samples(obj, component) for component in range(obj.header.components)]
    if not chroma:
        pixels = bytes(s for row in luma for s in row for _ in range(3))
    else:
        if obj.header.size(1) != (width, height):
            chroma = [upsample(plane, width, height) for plane in chroma]
        pixels = bytes(s for rows in zip(luma, *chroma) for pixel in zip(*rows) for s in to_rgb(*pixel))
    return b"P6\n%d %d\n255\n" % (width, height) + pixels


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: ic_reference.py IN.ic OUT.ppm")
    try:
        PPM = to_ppm(Path(sys.argv[1]).read_bytes())
    except (Damaged, Unsupported) as error:
        sys.exit(f"ic_reference.py: {sys.argv[1]}: {type(error).__name__}: {error}")
    Path(sys.argv[2]).write_bytes(PPM)

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hold `icfs decode` against ic_reference.py, the decoder written from docs/format.md alone, over the space of designs.

Also what docs/format.md promises of the files themselves: sizes, the prefix property, nesting of Q, refusals.
"""
import itertools
import os
import random
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any, Iterable, NamedTuple, Optional

import ic_reference as ic

SIDES = (1, 2, 4, 8, 16, 32)
SAMPLINGS = tuple(itertools.product((1, 2, 4), repeat=2))
FILTERS = ("drop", "box")
SIZES = ("1x1", "1x1-grayscale", "1x17", "17x1", "2x3", "7x7", "8x8", "9x9", "31x33")
# Under `reference-decoder-whole`; a part of it otherwise, for each case starts the program twice.
WHOLE = "ICFS_TEST_WHOLE" in os.environ
RANDOM_DESIGNS = 100 if WHOLE else 30
RANDOM_OBJECTS = 72 if WHOLE else 24

BUILD = Path(os.environ.get("ICFS_BUILD_ROOT", "build"))
ICFS = BUILD / "src" / "icfs"
MKIMAGES = BUILD / "tests" / "tools" / "mkimages"


class Design(NamedTuple):
    x: int = 1
    y: int = 1
    block: int = 8
    groups: int = 15
    bits: int = 8
    chroma: int = 1
    filter: str = "box"
    order: str = "oh"

    def __str__(self) -> str:
        return (f"s{self.x}x{self.y}-b{self.block}-k{self.groups}-q{self.bits}-c{self.chroma}-f{self.filter}"
                f"-{self.order}")


class Source(NamedTuple):
    """A JPEG, and what an object's header must say of it."""
    path: Path
    width: int
    height: int
    components: int
    orientation: int


def source_of(path: Path, orientation: int = 1) -> Source:
    """The sizes by the JPEG's frame header."""
    data, at = path.read_bytes(), 2
    while not 0xC0 <= data[at + 1] <= 0xCF or data[at + 1] in (0xC4, 0xC8, 0xCC):
        at += 2 + int.from_bytes(data[at + 2:at + 4], "big")
    height, width, components = struct.unpack_from(">HHB", data, at + 5)
    return Source(path, width, height, 1 if components == 1 else 3, orientation)


def random_design(rng: random.Random) -> Design:
    x, y = rng.choice(SAMPLINGS)
    block = rng.choice(SIDES)
    return Design(x, y, block, rng.randint(1, 2 * block - 1), rng.randint(1, 8), rng.randint(1, 2),
                  rng.choice(FILTERS), rng.choice(ic.ORDERS))


def difference(ours: bytes, reference: bytes) -> str:
    """Where two PPMs part."""
    if len(ours) != len(reference):
        return f"{ours[:16]!r} of {len(ours)} bytes, not {reference[:16]!r} of {len(reference)}"
    at = next((i for i, (a, b) in enumerate(zip(ours, reference)) if a != b), None)
    if at is None:
        return ""
    start = ours.index(b"\n255\n") + 5
    if at < start:
        return "header"
    pixel, width = (at - start) // 3, int(ours.split()[1])
    return f"x {pixel % width}, y {pixel // width}, {'RGB'[(at - start) % 3]}: {ours[at]}, reference {reference[at]}"


def dropped(codes: list[int], bits: int) -> tuple[ic.Entry, list[int]]:
    """Section 5.4, 'Bits used' and 'Dropping': from 8-bit codes, n and the means (the step left 0) and the codes."""
    used = next(n for n in range(1, 9) if all(-1 << n - 1 <= q < 1 << n - 1 for q in codes))
    d = max(0, used - bits)

    def mean(of: list[int]) -> int:
        count, places = len(of), sum(q - (q >> d) * 2 ** d for q in of)
        return (256 * places + count * 2 ** (d - 1)) // (count * 2 ** d) if d and of else 0

    means = mean([q for q in codes if q >= 0]), mean([q for q in codes if q < 0])
    return ic.Entry(0, used, *means), [q >> d for q in codes]


def replaced(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new):]


def some(cases: Iterable[Any]) -> Iterable[Any]:
    """All of them, or every fifth: 5 divides no length of the loops that make them, so all of each loop is met."""
    return cases if WHOLE else itertools.islice(cases, 0, None, 5)


class Reference(unittest.TestCase):
    directory: tempfile.TemporaryDirectory
    work: Path
    photo: Source
    gray: Source
    sizes: list[Source]
    odd: list[Source]
    seen: dict[tuple[Path, Design], bytes]

    @classmethod
    def setUpClass(cls) -> None:
        cls.directory = tempfile.TemporaryDirectory()
        cls.work = Path(cls.directory.name)
        cls.seen = {}
        subprocess.run([MKIMAGES, "--classes", "1", "--count", "4", "--size", "40x29", cls.work / "photos"], check=True,
                       stdout=subprocess.DEVNULL)
        subprocess.run([MKIMAGES, "--odd", cls.work / "odd"], check=True, stdout=subprocess.DEVNULL)
        cls.photo = source_of(next((cls.work / "photos").rglob("*-0000.*")))

        def odd(name: str, orientation: int = 1) -> Source:
            return source_of(cls.work / "odd" / (name + ".jpg"), orientation)
        cls.sizes = [odd("size-" + size) for size in SIZES]
        cls.gray = odd("grayscale")
        cls.odd = [cls.gray, odd("exif-orientation-6", 6), odd("cmyk-adobe"), odd("rgb-adobe"), odd("quality-1"),
                   odd("quality-100"), odd("sampling-411"), odd("sampling-440"), odd("sampling-luma-below-chroma")]

    @classmethod
    def tearDownClass(cls) -> None:
        cls.directory.cleanup()

    def encode(self, source: Source, design: Design) -> bytes:
        if (source.path, design) not in self.seen:
            out = self.work / "object.ic"
            out.unlink(missing_ok=True)
            done = subprocess.run([ICFS, "encode", "--design", str(design), source.path, out], capture_output=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.seen[source.path, design] = out.read_bytes()
        return self.seen[source.path, design]

    def ours(self, data: bytes) -> Optional[bytes]:
        """The PPM by `icfs decode`, or None where it refuses."""
        path, out = self.work / "in.ic", self.work / "out.ppm"
        path.write_bytes(data)
        out.unlink(missing_ok=True)
        done = subprocess.run([ICFS, "decode", path, out], capture_output=True)
        self.assertGreaterEqual(done.returncode, 0, "killed by a signal")
        if done.returncode:
            self.assertTrue(done.stderr, "refused in silence")
            return None
        return out.read_bytes()

    def agree(self, data: bytes) -> None:
        ours = self.ours(data)
        self.assertIsNotNone(ours, "icfs refuses it")
        self.assertEqual(difference(ours, ic.to_ppm(data)), "")

    def check(self, source: Source, design: Design) -> None:
        """Same picture by both decoders; header and sizes as the source and the design say."""
        with self.subTest(source=source.path.name, design=str(design)):
            data = self.encode(source, design)
            h = ic.parse_header(data)
            self.assertEqual(
                (h.source_width, h.source_height, h.components, h.orientation, h.flags), (*source[1:], 0))
            self.assertEqual(Design(h.x, h.y, h.block, h.groups, h.bits, h.chroma, FILTERS[h.filter],
                                    ic.ORDERS[h.order]), design)
            self.assertEqual(len(data), h.data_offset + h.data_length)
            end = 64 + 4 * h.planes
            self.assertEqual(data[end:h.data_offset], bytes(h.data_offset - end))
            for entry in ic.parse(data).table:
                self.assertEqual(entry[2:] == (0, 0) or entry.bits > h.bits, True, entry)
            self.agree(data)

    def test_every_block_side_and_order(self) -> None:
        """With all bits and all else in turn."""
        turn = zip(*(itertools.cycle(of) for of in (SAMPLINGS, (1, 2), (*FILTERS, *FILTERS[::-1]))))
        cases = itertools.product(SIDES, ic.ORDERS, range(1, 9))
        for (block, order, bits), ((x, y), chroma, name) in some(zip(cases, turn)):
            groups = 1 + (bits * 37 + block) % (2 * block - 1)
            self.check(self.photo, Design(x, y, block, groups, bits, chroma, name, order))

    def test_whole_blocks(self) -> None:
        """Every group kept, and every sampling."""
        for number, (block, (x, y)) in enumerate(itertools.product(SIDES, SAMPLINGS)):
            self.check(self.photo, Design(x, y, block, 2 * block - 1, 8, 1 + number % 2))

    def test_every_small_size(self) -> None:
        for source, (x, y), chroma in some(itertools.product(self.sizes, SAMPLINGS, (1, 2))):
            self.check(source, Design(x, y, 8, 9, 5, chroma, FILTERS[x == 2]))
        for source, block in some(itertools.product(self.sizes, SIDES)):
            self.check(source, Design(1, 1, block, block, 8, 2))

    def test_odd_sources(self) -> None:
        for source in self.odd:
            self.check(source, Design(groups=6, chroma=2))
            self.check(source, Design(2, 2, 16, 12, 6))

    def test_random_designs(self) -> None:
        rng = random.Random(20240607)
        sources = [self.photo] * 4 + self.sizes
        for _ in range(RANDOM_DESIGNS):
            self.check(rng.choice(sources), random_design(rng))

    def test_random_objects(self) -> None:
        """Tables and planes that no encoder makes: sums past every clamp and past 2^32, all colours; and what a reader
        ignores: bits left over, a tail."""
        rng = random.Random(8192)
        for number, (turn, block) in enumerate(itertools.product(range(RANDOM_OBJECTS // len(SIDES)), SIDES)):
            source = rng.choice([self.photo] + self.sizes)
            design = random_design(rng)._replace(block=block, groups=rng.randint(block, 2 * block - 1))
            with self.subTest(number=number, source=source.path.name, design=str(design)):
                data = self.encode(source, design)
                h = ic.parse_header(data)
                lengths = [h.plane_length(p % h.components) for p in range(h.planes)]
                table, planes = b"", rng.randbytes(h.data_length)
                for _ in range(h.planes):
                    step, used = ((255, 8), (1, 8), (rng.randint(1, 255), rng.randint(1, 8)))[turn % 3]
                    table += bytes((step, used)) + (rng.randbytes(2) if used > h.bits else bytes(2))
                if turn % 6 == 0:       # all codes at one end
                    planes = (b"\x7F", b"\x80", b"\xFF")[turn // 6 % 3] * h.data_length
                elif turn % 6 == 3:     # at either, by planes
                    planes = b"".join(rng.choice((b"\x7F", b"\x80", b"\xFF", b"\x55")) * length for length in lengths)
                self.agree(replaced(replaced(data, 64, table), h.data_offset, planes) + rng.randbytes(turn % 5))

    def test_all_chroma(self) -> None:
        """Every pair of Cb and Cr, by an object whose codes of one sample a block are the samples less 128."""
        ramp = bytes(range(128, 256)) + bytes(range(128))
        header = ic.Header(1, 64, 256, 256, 256, 256, 3, 1, 1, 1, 1, 1, 8, 1, 0, 0, 0, 3, 128, 3 << 16, 0)
        data = (ic.MAGIC + struct.pack(ic.FORMAT, *header) + bytes((1, 8, 0, 0)) * 3).ljust(128, b"\0")
        luma, rising, falling = bytes(1 << 16), ramp * 256, bytes(code for code in ramp for _ in range(256))
        self.agree(data + luma + rising + falling)

    def test_prefix(self) -> None:
        """The table and the planes of K are the heads of those of any larger K."""
        for block, order, source in itertools.product(SIDES, ic.ORDERS, (self.photo, self.sizes[1])):
            design = Design(2, 1, block, 2 * block - 1, 5, 2, "box", order)
            whole = ic.parse(self.encode(source, design))
            for groups in sorted({1, block // 2 or 1, block, max(1, 2 * block - 2)}):
                with self.subTest(source=source.path.name, design=str(design), groups=groups):
                    part = ic.parse(self.encode(source, design._replace(groups=groups)))
                    self.assertEqual(part.table, whole.table[:part.header.planes])
                    self.assertEqual(part.planes, whole.planes[:part.header.planes])

    def test_nesting(self) -> None:
        """The object of Q follows from that of 8 bits."""
        rng = random.Random(54)
        designs = [Design(), Design(block=32, groups=40), Design(2, 2, 4, 7, 8, 2, "drop", "ol")]
        for source in (self.photo, self.sizes[1], self.sizes[-1], self.gray):
            for design in designs + [random_design(rng) for _ in range(2)]:
                whole = ic.parse(self.encode(source, design._replace(bits=8)))
                counts = [across * down for across, down in map(whole.header.blocks, range(whole.header.components))]
                eight = [ic.unpack(plane, 8, counts[p % len(counts)]) for p, plane in enumerate(whole.planes)]
                for bits in range(1, 9):
                    with self.subTest(source=source.path.name, design=str(design), bits=bits):
                        part = ic.parse(self.encode(source, design._replace(bits=bits)))
                        for p, codes in enumerate(eight):
                            entry, packed = dropped(codes, bits)
                            self.assertEqual(part.table[p], entry._replace(step=whole.table[p].step), f"plane {p}")
                            mask = (1 << bits) - 1
                            stream = sum((code & mask) << i * bits for i, code in enumerate(packed))
                            plane = part.planes[p]
                            self.assertEqual(plane, stream.to_bytes(len(plane), "little"), f"plane {p}")

    def test_refusals(self) -> None:
        """Every bit of the header turned over, and every shorter file: refused by both decoders, or by neither."""
        data = self.encode(self.sizes[SIZES.index("31x33")], Design(4, 1, 4, 3, 3, 2, "box", "ox"))
        h = ic.parse_header(data)
        harmless = set()
        for at, bit in itertools.product(range(64), range(8)):
            with self.subTest(byte=at, bit=bit):
                changed = replaced(data, at, bytes((data[at] ^ 1 << bit,)))
                try:
                    expected: Optional[bytes] = ic.to_ppm(changed)
                except (ic.Damaged, ic.Unsupported):
                    expected = None
                else:
                    harmless.add(at)
                self.assertEqual(self.ours(changed), expected)
        # Source width (29 to 32 make the same w), orientation, filter, order, flag 0: these say nothing of sizes.
        self.assertEqual(harmless, {12, 29, 36, 37, 38})
        for length in (0, 1, 7, 8, 10, 63, 64, 67, h.data_offset - 1, h.data_offset, len(data) - 1):
            with self.subTest(length=length):
                self.assertRaises(ic.Damaged, ic.parse, data[:length])
                self.assertIsNone(self.ours(data[:length]))
        whole = self.encode(self.sizes[SIZES.index("31x33")], Design(groups=3))   # all bits: no means
        padding = ic.parse_header(whole).data_offset - 1
        for at, value in ((64, 0), (65, 0), (65, 9), (65, 255), (66, 1), (67, 1), (padding, 1)):
            with self.subTest(at=at, value=value):
                changed = replaced(whole, at, bytes((value,)))
                self.assertRaises(ic.Damaged, ic.parse, changed)
                self.assertIsNone(self.ours(changed))


if __name__ == "__main__":
    if not ICFS.exists():
        print("SKIP: the program icfs is not built")
        sys.exit(77)
    unittest.main()

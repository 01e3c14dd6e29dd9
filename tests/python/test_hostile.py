# SPDX-License-Identifier: MIT
"""Any bytes at all, through Python: an icfs.Error, or a whole picture; what of a batch is sound comes out as if the rest
were not there. Objects of every kind are cut and changed; with ICFS_TEST_DATA, those of its edge cases, too."""
import io
import random
import struct
import subprocess
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from objects import DATA, DESIGNS, ICFS, MKHOSTILE, SPARSE, Folder, jpegs, main, objects, photo, run

import icfs
import icfs.pillow  # noqa: F401

PIXELS = 1 << 20  # what a mutated header may ask for
SPEC = icfs.Spec(size=24, fit="crop or pad", dtype="float16", mean=3, std=5, pixels_max=PIXELS)
FREQUENCIES = icfs.Spec(values="frequencies", components=3, size=4, fit="crop or pad", pixels_max=PIXELS)


def mutations(content, dice, count):
    """Cuts, changed bytes (most in the header and the table), and numbers at their limits."""
    for _ in range(count):
        changed = bytearray(content)
        for _ in range(dice.choice((1, 1, 2, 8))):
            kind, place = dice.randrange(4), dice.randrange(min(len(changed), 64 if dice.random() < 0.7 else 400))
            if kind == 0:
                changed[place] = dice.randrange(256)
            elif kind == 1:
                changed[place] ^= 1 << dice.randrange(8)
            elif kind == 2 and place + 4 <= len(changed):
                value = dice.choice((0, 1, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF))
                changed[place:place + 4] = struct.pack("<I", value)
            elif kind == 3:
                del changed[dice.randrange(1, len(changed) + 1):]
            if not changed:
                break
        yield bytes(changed)


class Hostile(Folder):
    def assert_sound(self, content):
        """Refused as it should be, or whole; returns whether it is whole. Nothing else may be raised."""
        try:
            image = icfs.open(content, pixels_max=PIXELS)
        except icfs.Error:
            return False
        pixels = image.rgb()
        self.assertEqual(pixels.shape, (*image.size[::-1], 3))
        np.testing.assert_array_equal(image.rgbx()[..., :3], pixels)
        for component in range(image.components):
            image.coefficients(component)
        image.tensor(SPEC)
        return True

    def assert_batch(self, contents, sound):
        paths = [self.put(f"{number}.ic", content) for number, content in enumerate(contents)]
        witness = photo()
        for spec in (SPEC, FREQUENCIES):
            bound = icfs.bind(spec, icfs.Items([witness]))
            expected = icfs.decode_batch([witness], bound).values[0]
            for sources in (contents, paths):
                found = icfs.decode_batch([witness, *sources, witness], bound, errors="return", threads=2)
                np.testing.assert_array_equal(found.values[0], expected)
                np.testing.assert_array_equal(found.values[-1], expected)
                for index, error in found.errors.items():
                    self.assertIsInstance(error, icfs.Error)
                    self.assertFalse(found.values[index].any())
                if spec is SPEC:
                    self.assertEqual([index + 1 not in found.errors for index in range(len(contents))], sound)

    def assert_pillow(self, content):
        """As of any plugin: nothing but what programs that read damaged images expect."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                image = Image.open(io.BytesIO(content))
            if image.size[0] * image.size[1] <= PIXELS:
                image.load()
        except (OSError, Image.DecompressionBombError):
            pass

    def assert_all(self, contents):
        sound = [self.assert_sound(content) for content in contents]
        self.assert_batch(contents, sound)
        for content in contents:
            self.assert_pillow(content)
        return sum(sound)

    def test_every_cut(self):
        content = objects()["size-7x7"]
        self.assertEqual(self.assert_all([content[:size] for size in range(len(content) + 1)]), 1)

    def test_every_byte_of_a_header(self):
        content = objects("s1x1-b8-k9-q5-c1")["size-17x1"]
        for value in (0, 1, 0x7F, 0xFF):
            changed = [content[:at] + bytes([value]) + content[at + 1:] for at in range(64)]
            self.assertLess(self.assert_all(changed), 64)

    def test_mutations(self):
        dice = random.Random(6)
        whole = 0
        for design in DESIGNS:
            for name in ("sampling-420", "grayscale", "size-31x33", "size-1x1"):
                whole += self.assert_all(list(mutations(objects(design)[name], dice, 25)))
        self.assertGreater(whole, 20)  # what is changed in the planes is another picture

    def test_those_that_the_library_is_tested_with(self):
        """Of suite hostile: damaged objects of eleven designs, and noise, which is a picture, behind good headers."""
        for seed in range(4):
            content, contents = run(MKHOSTILE, seed, 100), []
            while content:
                size = 4 + struct.unpack_from("<I", content)[0]
                contents.append(content[4:size])
                content = content[size:]
            self.assertEqual(len(contents), 200)
            noise = [self.assert_sound(object) for object in contents[1::2]]
            self.assertTrue(all(noise))
            self.assertGreaterEqual(self.assert_all(contents), 100)

    def test_noise(self):
        dice = random.Random(7)
        magic = photo()[:8]
        self.assertEqual(self.assert_all([dice.randbytes(size) for size in range(0, 400, 7)]), 0)
        self.assertEqual(self.assert_all([magic + dice.randbytes(size) for size in range(0, 400, 7)]), 0)

    def test_large_pictures_of_few_bytes(self):
        """65,535 x 65,535 pixels: refused by each way in, before memory is asked for."""
        dense = bytearray(objects("s1x1-b1-k1-q8")["size-1x1-grayscale"])
        struct.pack_into("<IIII", dense, 12, 65535, 65535, 65535, 65535)
        struct.pack_into("<Q", dense, 48, 65535**2)
        path = self.put("large.ic", bytes(dense))
        self.assertRaises(icfs.LimitError, icfs.open, path)
        self.assertRaises(icfs.TruncatedError, icfs.open, bytes(dense))
        for source in (bytes(dense), path):
            self.assertRaises(icfs.LimitError, icfs.decode_batch, [source])

    def test_sources_of_every_kind(self):
        """And the edge cases of ICFS_TEST_DATA, where it is set."""
        dice = random.Random(8)
        sources = list(jpegs().values())
        if DATA:
            paths = [path for path in sorted(Path(DATA, "edge-cases").rglob("*")) if path.is_file()]
            sources += [path.read_bytes() for path in paths if path.stat().st_size < 1 << 19]
        seen = 0
        for source in sources:
            done = subprocess.run([ICFS, "encode", "--design", SPARSE, "-", "-"], input=source, capture_output=True)
            if done.returncode == 0 and len(done.stdout) < PIXELS // 4:
                seen += 1
                self.assertTrue(self.assert_sound(done.stdout))
                self.assert_all(list(mutations(done.stdout, dice, 3)))
        self.assertGreater(seen, 25)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""DALI's reader and decoders, as they are, on a directory of .ic files: pixels as `icfs decode` shows them."""

import contextlib
import os
import pathlib
import sys
import tempfile
import textwrap
import unittest

import numpy

from nv_objects import main, pictures, run

with contextlib.suppress(ImportError):  # main() says so
    from nvidia.dali import fn, pipeline_def, types

SPARSE = "s2x2-b8-k6-q8"


class Dali(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory(prefix="icfs-dali-")
        self.addCleanup(held.cleanup)
        self.root = pathlib.Path(held.name)
        self.pictures = []
        for number, picture in enumerate(pictures(SPARSE)):
            folder = self.root / ("even", "odd")[number % 2]
            folder.mkdir(exist_ok=True)
            (folder / f"{picture.name}.ic").write_bytes(picture.object)
        for label, folder in enumerate(("even", "odd")):
            self.pictures += [(picture, label) for picture in pictures(SPARSE)
                              if (self.root / folder / f"{picture.name}.ic").exists()]
        self.pictures.sort(key=lambda found: (found[1], found[0].name + ".ic"))

    def decode(self, decode, count):
        """(pixels, label) of so many files, in the order of the reader: by folder and name."""
        @pipeline_def(batch_size=5, num_threads=2, device_id=None)
        def pipeline():
            content, label = fn.readers.file(file_root=str(self.root), file_filters="*.ic")
            return decode(content), label

        pipe = pipeline()
        pipe.build()
        seen = []
        while len(seen) < count:
            images, labels = pipe.run()
            seen += [(numpy.array(images[i]), int(numpy.array(labels[i])[0])) for i in range(len(images))]
        return seen[:count]

    def assert_seen(self, decode, expected):
        seen = self.decode(decode, len(self.pictures))
        for (pixels, label), (picture, folder) in zip(seen, self.pictures, strict=True):
            self.assertEqual(label, folder)
            numpy.testing.assert_array_equal(pixels, expected(picture), picture.name)

    def test_directory(self):
        self.assert_seen(lambda content: fn.decoders.image(content, device="cpu", output_type=types.RGB),
                         lambda picture: picture.displayed)

    def test_without_turning(self):
        self.assert_seen(lambda content: fn.decoders.image(content, device="cpu", adjust_orientation=False),
                         lambda picture: picture.stored)

    def test_blue_first(self):
        self.assert_seen(lambda content: fn.decoders.image(content, device="cpu", output_type=types.BGR),
                         lambda picture: picture.displayed[..., ::-1])

    def test_slices(self):
        """Of each picture the middle, as DALI's decoder of a part cuts it: the rest is not decoded into memory."""
        def middle(picture):
            height, width = picture.displayed.shape[:2]
            return picture.displayed[height // 4:height // 4 + (height + 1) // 2, :width]

        def decode(content):
            shape = fn.cast(fn.decoders.image(content, device="cpu").shape(), dtype=types.INT32)
            return fn.decoders.image_slice(content, device="cpu", start=shape[0:1] // 4, shape=(shape[0:1] + 1) // 2,
                                           axes=[0])

        self.assert_seen(decode, middle)

    def test_a_damaged_file(self):
        """An error of the pipeline's, as of any other format: by number where the parser refuses it, else by name."""
        name = f"even/{self.pictures[0][0].name}.ic"
        content = (self.root / name).read_bytes()
        for bad, message in ((content[:80], "nvImageCodec failure: '#19'"),  # NVIMGCODEC_STATUS_: incomplete,
                             (content[:8] + bytes(200), "nvImageCodec failure: '#14'"),  # unsupported
                             (content[:64] + bytes(len(content) - 64), f"Failed to decode sample #0 : {name}")):
            (self.root / name).write_bytes(bad)
            with self.assertRaises(RuntimeError) as caught:
                self.decode(lambda content: fn.decoders.image(content, device="cpu"), 1)
            self.assertIn(message, str(caught.exception))

    def test_the_example_of_the_manual(self):
        """docs/nvimgcodec.md's program, as it stands there."""
        manual = (pathlib.Path(os.environ["ICFS_SOURCE_ROOT"]) / "docs" / "nvimgcodec.md").read_text()
        program = manual[manual.index("    import sys\n"):manual.index("`file_filters`")]
        (self.root / "example.py").write_text(textwrap.dedent(program))
        shown = run(sys.executable, self.root / "example.py", self.root).decode()
        self.assertEqual(shown, "(4, 64, 64, 3) [0 0 0 0]\n")


if __name__ == "__main__":
    main(nvimgcodec="nvidia-nvimgcodec-cu13 of PyPI", dali="nvidia-dali-cuda130 of PyPI")

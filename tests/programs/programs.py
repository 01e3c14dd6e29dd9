# SPDX-License-Identifier: MIT
"""What the tests of programs share: a tree with sources of several kinds, a mount of it under each design and face, and
the pixels that `icfs decode` shows of a source under a design, which every program must see."""

import functools
import importlib
import io
import itertools
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

import numpy
from PIL import Image

from mounting import ENCODER, MKIMAGES, MountTest, is_candidate, is_jpeg, why_not

EXACT = ("s1x1-b8-k15-q8", "s2x2-b8-k6-q8")  # whole blocks of JPEG's own size: the JPEG holds the design's coefficients
FINE = "s1x1-b16-k12-q6"                     # the JPEG is encoded from the pixels, finely
DESIGNS = (*EXACT, FINE)
FACES = ("jpeg", "bmp")
FINE_BOUND = 5  # of one sample, under FINE and jpeg, for libjpeg-turbo: pixels are rounded once more
ODD = ("sampling-444", "sampling-422", "sampling-420", "progressive-444", "restart-5", "grayscale",
       "grayscale-progressive", "exif-orientation-3", "exif-orientation-6", "size-1x1", "size-7x7", "size-17x1",
       "size-31x33", "size-1x1-grayscale")
DATA = os.environ.get("ICFS_TEST_DATA")
PHOTOGRAPHS = 4  # of DATA, from all over it
ORIENTATION = 0x112
TURNS = {1: [], 2: [Image.FLIP_LEFT_RIGHT], 3: [Image.ROTATE_180], 4: [Image.FLIP_TOP_BOTTOM], 5: [Image.TRANSPOSE],
         6: [Image.ROTATE_270], 7: [Image.TRANSVERSE], 8: [Image.ROTATE_90]}


def run(*line, **options):
    """A program's output; what it writes to stderr is shown where it fails."""
    done = subprocess.run([str(word) for word in line], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                          **options)
    if done.returncode:
        raise AssertionError(f"{line[0]} ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
    return done.stdout


@functools.cache
def encoded(content, design, face):
    """The bytes that are served of a source."""
    return run(ENCODER, "encode", "--design", design, "--face", face, "-", "-", input=content)


@functools.cache
def decoded(content, design):
    """The pixels of a source under a design, as a PPM; for a file that is no source of ours, its own."""
    if content[:3] == b"\xff\xd8\xff":
        shown = run(ENCODER, "decode", "--format", "ppm", "-", "-", input=encoded(content, design, "ic"))
    else:
        shown = content
    pixels = numpy.array(Image.open(io.BytesIO(shown)).convert("RGB"))
    pixels.setflags(write=False)
    return pixels


def orientation(content):
    return Image.open(io.BytesIO(content)).getexif().get(ORIENTATION, 1)


def turned(pixels, orientation_tag):
    """Pixels as a program shows them that heeds the orientation."""
    image = Image.fromarray(pixels)
    for turn in TURNS[orientation_tag]:
        image = image.transpose(turn)
    return numpy.array(image)


def make_tree(folder):
    """A folder a class: photograph-like 4:2:0, a PNG under the name of a JPEG, labels, and a class of odd ones."""
    run(MKIMAGES, "--classes", "2", "--count", "4", "--size", "96x64", folder)
    odd = folder.parent / "odd"
    odd.mkdir(exist_ok=True)
    run(MKIMAGES, "--odd", odd)
    for split, names in (("train", ODD), ("val", ODD[:2])):
        (folder / split / "odd").mkdir()
        for name in names:
            shutil.copy(odd / f"{name}.jpg", folder / split / "odd")
    shutil.rmtree(odd)
    if DATA:
        found = sorted(path for path in pathlib.Path(DATA, "imagenet-1k-sample").rglob("*") if is_candidate(path))
        for number, path in enumerate(found[:: max(1, len(found) // PHOTOGRAPHS)][:PHOTOGRAPHS]):
            shutil.copy(path, folder / "train" / "odd" / f"photograph-{number}.jpg")


class ProgramTest(MountTest):
    """Each test has the tree as `source`, and sees it on `point` under each design and face."""

    def setUp(self):
        super().setUp()
        make_tree(self.source)
        paths = sorted(path.relative_to(self.source) for path in self.source.rglob("*") if path.is_file())
        self.content = {str(path): (self.source / path).read_bytes() for path in paths}
        self.images = [name for name in self.content if is_candidate(name)]
        self.jpegs = [name for name in self.images if is_jpeg(self.source / name)]
        self.assertEqual(len(self.images), len(self.jpegs) + 2)  # a PNG in each split
        self.assertGreater(len(self.content), len(self.images))  # labels
        self.assertGreater(len(self.jpegs), len(ODD) + 6)

    def on_each(self, check, faces=FACES, designs=DESIGNS):
        for design, face in itertools.product(designs, faces):
            with self.subTest(design=design, face=face):
                mount = self.mount(f"design={design}", f"face={face}")
                try:
                    check(design, face)
                finally:
                    self.end(mount)

    def bytes_of(self, name, design, face):
        """What the mount must serve under a name."""
        content = self.content[name]
        return encoded(content, design, face) if name in self.jpegs else content

    def pixels_of(self, name, design):
        return decoded(self.content[name], design)

    def assert_pixels(self, seen, expected, bound, what):
        self.assertEqual(seen.shape, expected.shape, what)
        furthest = int(numpy.abs(seen.astype(int) - expected.astype(int)).max())
        self.assertLessEqual(furthest, bound, what)

    def bound(self, design, face):
        """How far a decoder that is libjpeg-turbo may be from `icfs decode`, in any sample."""
        return FINE_BOUND if face == "jpeg" and design == FINE else 0


def needs(*wanted):
    """Run the tests, or say which program (PROGRAM, PACKAGE) or Python module (MODULE, PACKAGE) is missing."""
    reason = why_not()
    for name, package in wanted:
        if reason:
            break
        if name.startswith("import "):
            try:
                importlib.import_module(name.removeprefix("import "))
            except ImportError as error:
                reason = f"no {name.removeprefix('import ')} for Python ({error}); it comes with {package}"
        elif not shutil.which(name):
            reason = f"no {name}; it comes with the package {package}"
    if reason:
        print("SKIP:", reason)
        sys.exit(77)
    unittest.main(verbosity=2, warnings="ignore")  # those of other people's code

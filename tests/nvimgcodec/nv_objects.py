# SPDX-License-Identifier: MIT
"""What the tests with nvImageCodec and DALI share: finding the extension, objects of every kind, and the pixels that
`icfs decode` shows of them."""

import functools
import io
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest
from importlib.util import find_spec

import numpy
from PIL import Image

EXTENSION = os.environ["ICFS_NVIMGCODEC_EXT"]
BUILD = pathlib.Path(os.environ["ICFS_BUILD_ROOT"])
ICFS = BUILD / "src" / "icfs"
MKIMAGES = BUILD / "tests" / "tools" / "mkimages"
DESIGNS = ("s1x1-b8-k15-q8", "s2x2-b8-k6-q8", "s1x1-b16-k12-q6", "s4x1-b4-k3-q3-c1", "s1x1-b1-k1-q8")
ORIENTATION = 0x112
TURNS = {1: [], 2: [Image.FLIP_LEFT_RIGHT], 3: [Image.ROTATE_180], 4: [Image.FLIP_TOP_BOTTOM], 5: [Image.TRANSPOSE],
         6: [Image.ROTATE_270], 7: [Image.TRANSVERSE], 8: [Image.ROTATE_90]}


def is_installed(module):
    try:
        return find_spec(module) is not None
    except ImportError:  # not even its parent
        return False


def extensions_path():
    """For NVIMGCODEC_EXTENSIONS_PATH: ours, and nvImageCodec's own, which it does not look for once that is set."""
    places = [pathlib.Path(EXTENSION).parent]
    places += [pathlib.Path(place, "extensions") for place in find_spec("nvidia.nvimgcodec").submodule_search_locations]
    return ":".join(map(str, places))


if is_installed("nvidia.nvimgcodec"):
    os.environ["NVIMGCODEC_EXTENSIONS_PATH"] = extensions_path()  # which is read when the package is imported


def run(*line, content=None):
    done = subprocess.run([str(word) for word in line], input=content, capture_output=True, check=False)
    if done.returncode:
        raise AssertionError(f"{line[0]} ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
    return done.stdout


class Picture:
    """A JPEG, and what its object under a design holds."""

    def __init__(self, name, jpeg, design):
        self.name = name
        self.orientation = Image.open(io.BytesIO(jpeg)).getexif().get(ORIENTATION, 1)
        self.object = run(ICFS, "encode", "--design", design, "-", "-", content=jpeg)
        shown = run(ICFS, "decode", "--format", "ppm", "-", "-", content=self.object)
        self.image = Image.open(io.BytesIO(shown)).convert("RGB")

    @functools.cached_property
    def stored(self):
        return numpy.array(self.image)

    @functools.cached_property
    def displayed(self):
        image = self.image
        for turn in TURNS[self.orientation]:
            image = image.transpose(turn)
        return numpy.array(image)


@functools.cache
def jpegs():
    with tempfile.TemporaryDirectory(prefix="icfs-nvimgcodec-") as name:
        run(MKIMAGES, "--odd", name)
        odd = {path.stem: path.read_bytes() for path in sorted(pathlib.Path(name).glob("*.jpg"))}
    wanted = ("sampling-4", "grayscale", "exif-orientation", "size-", "progressive-4")
    kept = {key: content for key, content in odd.items() if key.startswith(wanted)}
    assert len(kept) > 20 and {f"exif-orientation-{tag}" for tag in range(1, 9)} <= set(kept), sorted(kept)
    return kept


@functools.cache
def pictures(design=DESIGNS[0]):
    return [Picture(name, jpeg, design) for name, jpeg in jpegs().items()]


def picture(name, design=DESIGNS[0]):
    return next(found for found in pictures(design) if found.name == name)


def damaged(content, count):
    """Cut, changed in the header, of a later version, and noise behind the magic."""
    dice = random.Random(5)
    yield content[:100]
    yield content[:-1]
    yield content[:8] + dice.randbytes(300)
    for _ in range(count):
        changed = bytearray(content)
        changed[dice.randrange(8, 64)] ^= 1 << dice.randrange(8)
        yield bytes(changed)


def is_sound(content):
    return subprocess.run([ICFS, "decode", "--format", "ppm", "-", "-"], input=content, capture_output=True,
                          check=False).returncode == 0


def main(unless=lambda: None, **modules):
    """Run the tests where there are all of MODULE=PACKAGE, unless there is another reason not to."""
    reason = unless()
    for name, package in modules.items():
        if not reason and not is_installed(f"nvidia.{name}"):
            reason = f"no nvidia.{name} for Python; it comes with {package}"
    if reason:
        print("SKIP:", reason)
        sys.exit(77)
    unittest.main(verbosity=2, warnings="ignore")

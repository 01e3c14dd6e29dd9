# SPDX-License-Identifier: MIT
"""What the tests of the Python package share: objects made by `icfs encode` of pictures of every kind, the decoder that
was written from docs/format.md alone, and one way to say what is missing."""
from __future__ import annotations

import functools
import importlib
import io
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from PIL import Image

ROOT = Path(os.environ["ICFS_SOURCE_ROOT"])
BUILD = Path(os.environ["ICFS_BUILD_ROOT"])
ICFS = BUILD / "src" / "icfs"
MKIMAGES = BUILD / "tests" / "tools" / "mkimages"
MKHOSTILE = BUILD / "tests" / "codec" / "mkhostile"
DATA = os.environ.get("ICFS_TEST_DATA")
PHOTO_SIZE = (301, 245)
SPARSE, DENSE = "s2x2-b8-k6-q8", "s1x1-b8-k15-q8"
DESIGNS = (DENSE, SPARSE, "s1x1-b8-k9-q5-c1", "s4x2-b4-k3-q3", "s1x1-b16-k12-q6", "s1x1-b1-k1-q8",
           "s2x2-b8-k6-q8-fbox-oh", "s1x1-b8-k9-q8-ol", "s1x2-b32-k20-q1-ox")


def run(*line: object, content: bytes | None = None, env: dict[str, str] | None = None) -> bytes:
    done = subprocess.run([str(word) for word in line], input=content, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=env, check=False)
    if done.returncode:
        raise AssertionError(f"{line[0]} ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def encode(jpeg: bytes, design: str = SPARSE) -> bytes:
    return run(ICFS, "encode", "--design", design, "-", "-", content=jpeg)


@functools.cache
def jpegs() -> dict[str, bytes]:
    """Pictures of every kind that is encoded: all samplings, grayscale, all orientations, sizes from one pixel on."""
    with tempfile.TemporaryDirectory(prefix="icfs-python-") as name:
        run(MKIMAGES, "--odd", name)
        found = {path.stem: path.read_bytes() for path in sorted(Path(name).glob("*.jpg"))}
    kept = {}
    for key, content in found.items():
        done = subprocess.run([ICFS, "encode", "--design", SPARSE, "-", "-"], input=content, capture_output=True)
        if done.returncode == 0:
            kept[key] = content
    assert len(kept) > 25, sorted(kept)
    return kept


@functools.cache
def objects(design: str = SPARSE) -> dict[str, bytes]:
    return {name: encode(content, design) for name, content in jpegs().items()}


@functools.cache
def photo_jpegs() -> list[bytes]:
    """Photograph-like ones, all of one size, which is no multiple of anything."""
    with tempfile.TemporaryDirectory(prefix="icfs-python-") as name:
        run(MKIMAGES, "--classes", "4", "--count", "6", "--size", "640x480", name)
        whole = [Image.open(path).convert("RGB") for path in sorted(Path(name).rglob("*.jp*g"))]
    found = []
    for image in (image for image in whole if min(image.size) > max(PHOTO_SIZE)):
        held = io.BytesIO()
        image.crop((0, 0, *PHOTO_SIZE)).save(held, "JPEG", quality=90)
        found.append(held.getvalue())
    return found


@functools.cache
def photo(design: str = SPARSE, number: int = 0) -> bytes:
    return encode(photo_jpegs()[number], design)


class Folder(unittest.TestCase):
    """Each test has a directory of its own."""

    def setUp(self) -> None:
        held = tempfile.TemporaryDirectory(prefix="icfs-python-")
        self.addCleanup(held.cleanup)
        self.dir = Path(held.name)

    def put(self, name: str, content: bytes) -> Path:
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path


def blocks(text, word):
    """The indented passages of a page that hold a word, as they would be typed."""
    found = re.findall(r"(?:^    .*\n|^\n(?=    ))+", text, re.MULTILINE)
    return ["\n".join(line[4:] for line in block.splitlines()) for block in found if word in block]


def main(*modules: tuple[str, str], unless: str | None = None) -> None:
    """Run the tests, or name the (module, package) that is missing, or another reason."""
    for module, package in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            unless = unless or f"no {module} for this Python ({error}); it comes with {package}"
    if unless:
        print("SKIP:", unless)
        sys.exit(77)
    unittest.main(verbosity=2)

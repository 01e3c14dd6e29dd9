# SPDX-License-Identifier: MIT
"""What the suites of the icfs command share: running it, and images to run it on."""

import functools
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import preloading

SOURCE = pathlib.Path(os.environ["ICFS_SOURCE_ROOT"])
BUILD = pathlib.Path(os.environ["ICFS_BUILD_ROOT"])
ICFS = BUILD / "src" / "icfs"
MKIMAGES = BUILD / "tests" / "tools" / "mkimages"
# Starting a process takes five times as long there.
SANITIZED = "ICFS_SANITIZED" in os.environ
WHOLE = "ICFS_TEST_WHOLE" in os.environ
COMMANDS = ["mount", "policy", "designs", "inspect", "encode", "decode", "export", "report", "search", "evaluate",
            "stats", "warm"]


def preload(name):
    """The environment for a run with a library of this folder, named by what it makes of the world."""
    options = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    return os.environ | {"LD_PRELOAD": preloading.word(BUILD / "tests" / "cli" / f"{name}.so"), "ASAN_OPTIONS": options}


def icfs(*args, stdin=b"", **more):
    return subprocess.run([ICFS, *args], input=stdin, capture_output=True, timeout=600 if SANITIZED else 200, **more)


def jpegs(folder, pattern="**/*"):
    """Files that are what their names say; trees for tests hold others too."""
    files = [path for path in sorted(folder.glob(pattern)) if path.suffix.lower() in (".jpg", ".jpeg")]
    return [path for path in files if path.read_bytes()[:3] == b"\xff\xd8\xff"]


def pairs(sources, designs):
    """Every source with a quarter of the designs, each design with its share of sources, and in the long suite every
    source with every design. That the library encodes and decodes all of them, suite codec tests."""
    if WHOLE:
        return list(itertools.product(sources, designs))
    turn = itertools.cycle(designs)
    return [(source, next(turn)) for source in sources for _ in range(max(1, len(designs) // 4))]


class CliTest(unittest.TestCase):
    """Each test has an empty directory; each class has images, made once."""

    @classmethod
    def setUpClass(cls):
        cls.images = pathlib.Path(tempfile.mkdtemp(prefix="icfs-cli-images-"))
        cls.addClassCleanup(shutil.rmtree, cls.images)
        (cls.images / "odd").mkdir()
        (cls.images / "tree").mkdir()
        subprocess.run([MKIMAGES, "--odd", cls.images / "odd"], check=True)
        subprocess.run([MKIMAGES, "--classes", "2", "--count", "2", "--size", "203x151", cls.images / "tree"],
                       check=True)

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="icfs-cli-"))
        self.addCleanup(shutil.rmtree, self.dir)

    def ok(self, *args, stdin=b"", **more):
        """Run, expect success and silence on stderr; returns stdout."""
        done = icfs(*args, stdin=stdin, **more)
        self.assertEqual((done.returncode, done.stderr), (0, b""), args)
        return done.stdout

    def fails(self, message, *args, status=1, stdin=b"", **more):
        """Run, expect this status and exactly this on stderr."""
        done = icfs(*args, stdin=stdin, **more)
        self.assertEqual((done.returncode, done.stderr.decode()), (status, message), args)
        return done.stdout

    def encode(self, source, design, name="out.ic"):
        """The object's bytes; a source that ends early may say so."""
        done = icfs("encode", "--design", design, source, self.dir / name)
        self.assertEqual(done.returncode, 0, done.stderr)
        return (self.dir / name).read_bytes()

    def inspect(self, *args):
        return json.loads(self.ok("inspect", "--json", *args))

    def inspect_all(self, files, *args):
        """Of each file what there is to say, by one process."""
        return [json.loads(line) for line in self.ok("inspect", "--json", *args, *files).splitlines()]

    @functools.cached_property
    def photographs(self):
        """A few of every kind: generated ones, and real ones where there are any."""
        found = jpegs(self.images / "tree")[:4]
        found += [self.images / "odd" / f"{name}.jpg" for name in (
            "sampling-420", "sampling-444", "sampling-422", "sampling-411", "grayscale", "progressive", "cmyk-adobe",
            "rgb-adobe", "size-1x1", "size-31x33", "exif-orientation-6", "restart-1")]
        if "ICFS_TEST_DATA" in os.environ:
            data = pathlib.Path(os.environ["ICFS_TEST_DATA"])
            for folder in ("imagenet-1k-sample", "imagenette/train", "weather/train", "coco128"):
                found += jpegs(data / folder)[::40][:4]
        self.assertGreater(len(found), 12)
        return found


class SetTest(CliTest):
    """A small data set of two classes in `set`, made once for each class of tests; `dir` is canonical."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set = pathlib.Path(tempfile.mkdtemp(prefix="icfs-cli-set-")).resolve()
        cls.addClassCleanup(shutil.rmtree, cls.set)
        subprocess.run([MKIMAGES, "--classes", "2", "--count", "3", "--size", "64x48", cls.set], check=True,
                       stdout=subprocess.DEVNULL)

    def setUp(self):
        super().setUp()
        self.dir = self.dir.resolve()

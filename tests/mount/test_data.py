# SPDX-License-Identifier: MIT
"""Long: many more images and reads than the other suites have time for; real photographs where ICFS_TEST_DATA names a
folder of them."""

import os
import pathlib
import subprocess
import unittest

from mounting import DEFAULT, MKIMAGES, main
from test_changes import Changes
from test_content import Content

DATA = os.environ.get("ICFS_TEST_DATA")
DESIGNS = [DEFAULT, "s2x2-b8-k6-q8", "s4x1-b16-k20-q2"]


class Data(Content):
    def read_all(self, source, objects):
        """All of `source`, each design in its own view of one mount."""
        self.source = pathlib.Path(source)
        mount = self.mount("design=" + DESIGNS[0], "cache=32M")
        for design in DESIGNS:
            counts = self.check_tree(design, "" if design == DESIGNS[0] else f".icfs/view/{design},ic")
            self.assertGreaterEqual(counts["object"], objects)
        return mount

    def test_generated_images(self):
        subprocess.run([MKIMAGES, "--classes", "5", "--count", "30", self.source], check=True,
                       stdout=subprocess.DEVNULL)
        self.read_all(self.source, 100)

    @unittest.skipUnless(DATA, "ICFS_TEST_DATA names no folder")
    def test_imagenette(self):
        self.read_all(pathlib.Path(DATA, "imagenette"), 1900)

    @unittest.skipUnless(DATA, "ICFS_TEST_DATA names no folder")
    def test_weather(self):
        self.read_all(pathlib.Path(DATA, "weather"), 400)

    @unittest.skipUnless(DATA, "ICFS_TEST_DATA names no folder")
    def test_edge_cases(self):
        mount = self.read_all(pathlib.Path(DATA, "edge-cases"), 100)
        self.assertTrue(mount.text("policy"))  # it is still alive

    @unittest.skipUnless(DATA, "ICFS_TEST_DATA names no folder")
    def test_hostile_bytes_under_image_names(self):
        """The fuzzing corpus has no extensions; named as images each is an object or an I/O error."""
        for i, path in enumerate(sorted(pathlib.Path(DATA, "edge-cases").rglob("*"))):
            if path.is_file():
                self.put(f"{i}.jpg", path.read_bytes())
        mount = self.read_all(self.source, 100)
        self.assertTrue(mount.text("policy"))


# Only what is named here: the suites that these classes come from run by themselves.
class ManyReads(Changes):
    pass


def load_tests(loader, standard_tests, pattern):
    suite = unittest.TestSuite()
    own = [name for name in vars(Data) if name.startswith("test_")]
    many = [name for name in vars(Changes) if name.startswith("test_no_mixture")]
    suite.addTests(Data(name) for name in own)
    suite.addTests(ManyReads(name) for name in many)
    return suite


if __name__ == "__main__":
    main()

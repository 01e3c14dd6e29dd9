# SPDX-License-Identifier: MIT
"""scripts/train.py, which knows nothing of icfs, trains on a tree and on a mount of it. Where the design keeps every
coefficient the pixels are equal, and so is what is learnt."""

import os
import pathlib
import sys

from mounting import MKIMAGES, MountTest
from programs import needs, run

TRAIN = pathlib.Path(os.environ["ICFS_SOURCE_ROOT"]) / "scripts" / "train.py"
LOSSLESS = "s1x1-b8-k15-q8"  # of sources that are 4:2:0, with coefficients that fit 8 bits


class Train(MountTest):
    def setUp(self):
        super().setUp()
        run(MKIMAGES, "--classes", "2", "--count", "15", "--size", "96x72", self.source)

    def train(self, data, workers, *options):
        """What the script prints last, by name."""
        line = [sys.executable, TRAIN, data, "--epochs", "1", "--size", "64", "--batch", "8", "--workers", workers,
                "--device", "cpu", *options]
        # One thread: sums in another order would be other sums.
        lines = run(*line, env=dict(os.environ, OMP_NUM_THREADS="1")).decode().splitlines()
        self.assertRegex(lines[0], r"^epoch 1/1: loss \d+\.\d{3}, accuracy [01]\.\d{4}, ")
        told = dict(line.split("=") for line in lines[-4:])
        self.assertEqual(list(told), ["accuracy", "images_per_s", "bytes_read", "wait_share"])
        return {name: float(value) for name, value in told.items()}

    def assert_sane(self, told, tree):
        self.assertTrue(0 <= told["accuracy"] <= 1)
        self.assertGreater(told["images_per_s"], 0)
        self.assertEqual(told["bytes_read"], sum(path.stat().st_size for path in (tree / "train").rglob("*.[jJ]*")))
        self.assertTrue(0 <= told["wait_share"] <= 1)

    def test_a_mount_learns_what_the_tree_learns(self):
        weights = {self.source: self.dir / "tree" / "weights.pt", self.point: self.dir / "mount" / "weights.pt"}
        for path in weights.values():
            path.parent.mkdir()
        self.mount(f"design={LOSSLESS}", "face=jpeg")
        told = {tree: self.train(tree, 0, "--seed", "3", "--save", weights[tree]) for tree in weights}
        for tree in told:
            self.assert_sane(told[tree], tree)
        self.assertEqual(told[self.point]["accuracy"], told[self.source]["accuracy"])
        self.assertEqual(weights[self.point].read_bytes(), weights[self.source].read_bytes())

    def test_workers(self):
        self.mount("design=s2x2-b8-k6-q8", "face=jpeg")
        told = {tree: self.train(tree, 2) for tree in (self.source, self.point)}
        for tree in told:
            self.assert_sane(told[tree], tree)
        self.assertLess(told[self.point]["bytes_read"], told[self.source]["bytes_read"])

    def test_a_checkpoint_goes_on(self):
        self.mount(f"design={LOSSLESS}", "face=bmp")
        first = self.train(self.point, 0, "--save", self.dir / "first.pt")
        again = run(sys.executable, TRAIN, self.point, "--epochs", "0", "--size", "64", "--batch", "8", "--workers",
                    "0", "--device", "cpu", "--init", self.dir / "first.pt").decode()
        self.assertIn(f"accuracy={first['accuracy']:.6f}\n", again)


if __name__ == "__main__":
    needs(("import torch", "python3-torch"), ("import torchvision", "python3-torchvision"))

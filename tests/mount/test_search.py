# SPDX-License-Identifier: MIT
"""Searches of a tree that is mounted: by hand, and by the mount itself."""

import os
import pathlib
import sqlite3
import subprocess
import threading
import time

import mounting
from mounting import ICFS, MKIMAGES, until

FEW = ["--evaluations=12", "--buckets=8"]


class SearchTest(mounting.MountTest):
    def setUp(self):
        super().setUp()
        self.catalog = self.dir / "catalog.db"

    def make(self, *below, classes=3, count=12):
        """A dataset with classes to tell apart."""
        subprocess.run([MKIMAGES, "--classes", str(classes), "--count", str(count), "--size", "120x90",
                        self.source.joinpath(*below)], check=True, stdout=subprocess.DEVNULL)

    def sql(self, query):
        with sqlite3.connect(self.catalog, timeout=20) as db:
            return db.execute(query).fetchall()

    def search(self, *args):
        return subprocess.Popen([ICFS, "search", f"--catalog={self.catalog}", *FEW, *args], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def design_of(self, *below):
        return os.getxattr(self.point.joinpath(*below), "user.icfs.design").decode()

    def an_image(self, *below):
        """The path, below the root, of a source that is served as an object."""
        folder = self.source.joinpath(*below)
        path = next(p for p in sorted(folder.rglob("*.jpg")) if mounting.is_jpeg(p))
        return path.relative_to(self.source).with_suffix(".ic")

    def test_two_budgets_in_one_tree_end_with_two_policies(self):
        budgets = {"dense": "max-loss = 0%\nobjective = accuracy\n", "sparse": "max-bytes = 3%\n"}
        for name, lines in budgets.items():
            self.make(name)
            self.put(f"{name}/.icpolicy", f"[policy]\ndesign = auto\n{lines}".encode())
        mount = self.mount()
        images = {name: self.an_image(name) for name in budgets}
        full = {name: (self.point / image).stat().st_size for name, image in images.items()}
        process = self.search("--per-directory", self.source)
        self.assertEqual(process.communicate(timeout=120)[1], b"")
        self.assertEqual(process.returncode, 0)
        chosen = {pathlib.Path(path).name: design for path, design in self.sql("SELECT directory, design FROM choice")}
        self.assertEqual(set(chosen), set(budgets))
        self.assertNotEqual(chosen["dense"], chosen["sparse"])
        for name, image in images.items():
            self.assertTrue(until(lambda: self.design_of(image) == chosen[name], 5), name)
            self.assertEqual(len((self.point / image).read_bytes()), (self.point / image).stat().st_size)
            text = (self.point / name / ".icfs" / "policy").read_text()
            self.assertIn(f"{name}/.icpolicy, line 3", text.partition("budget: ")[2])
        self.assertLess((self.point / images["sparse"]).stat().st_size, full["sparse"] * 0.04)
        self.assertIn("budget: max-bytes=3% objective=accuracy\n", (self.point / "sparse/.icfs/policy").read_text())
        self.assertNotIn("budget: ", mount.text("policy"))  # the root says nothing, and is not auto

    def test_a_search_that_ends_switches_the_mount_under_its_readers(self):
        self.make()
        self.mount("design=auto")
        image = self.an_image()
        before, read, wrong, done = (self.point / image).read_bytes(), set(), [], threading.Event()

        def go_on_reading():
            while not done.is_set():
                try:
                    read.add((self.point / image).read_bytes())
                except OSError as error:
                    wrong.append(error)

        readers = [threading.Thread(target=go_on_reading) for _ in range(2)]
        with (self.point / image).open("rb", buffering=0) as old:
            head = old.read(64)
            process = self.search("--max-bytes=10%", self.source)
            for reader in readers:
                reader.start()
            _, errors = process.communicate(timeout=120)
            ended = time.monotonic()
            chosen = self.sql("SELECT design FROM choice")
            # A second, and what a machine under load takes on top.
            switched = until(lambda: self.design_of(image) == chosen[0][0], 5)
            took = time.monotonic() - ended
            until(lambda: len(read) > 1)
            done.set()
            for reader in readers:
                reader.join()
            self.assertEqual((process.returncode, errors), (0, b""))
            self.assertTrue(switched, f"still {self.design_of(image)} after {took} s")
            self.assertEqual(head + old.read(), before)
        self.assertEqual(wrong, [])
        after = (self.point / image).read_bytes()
        self.assertEqual(read, {before, after})
        self.assertLess(len(after), len(before) * 0.15)


if __name__ == "__main__":
    mounting.main()

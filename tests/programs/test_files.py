# SPDX-License-Identifier: MIT
"""Programs for files: cp, rsync, tar, find, du, cmp and file, mmap, and many readers at once, see the names, sizes,
times and bytes that `icfs encode` makes."""

import concurrent.futures
import hashlib
import mmap
import multiprocessing
import os
import pathlib
import random
import subprocess

from programs import ProgramTest, needs, run

READERS = 32


def digests(folder, names, seed):
    """One reader: each file once, in an order of its own."""
    order = list(names)
    random.Random(seed).shuffle(order)
    return {name: hashlib.sha256(pathlib.Path(folder, name).read_bytes()).digest() for name in order}


class Files(ProgramTest):
    def assert_copy(self, folder, design, face):
        """Every name, time and byte, and every mode but for the leave to write, which a mount never gives."""
        copied = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        self.assertEqual(copied, set(self.content))
        for name in self.content:
            self.assertEqual((folder / name).read_bytes(), self.bytes_of(name, design, face), name)
            copy, source = os.stat(folder / name), os.stat(self.source / name)
            self.assertEqual(copy.st_mode, source.st_mode & ~0o222, name)
            self.assertEqual(int(copy.st_mtime), int(source.st_mtime), name)

    def fresh(self, name, design, face):
        folder = self.dir / f"{name}-{design}-{face}"
        folder.mkdir()
        return folder

    def test_cp(self):
        def check(design, face):
            copy = self.fresh("cp", design, face)
            run("cp", "-a", f"{self.point}/.", copy)
            self.assert_copy(copy, design, face)

        self.on_each(check)

    def test_rsync(self):
        def check(design, face):
            copy = self.fresh("rsync", design, face)
            run("rsync", "-a", f"{self.point}/", copy)
            self.assert_copy(copy, design, face)
            for again in ("-ai", "-aic"):  # by size and time, then by content: nothing is left to copy
                self.assertEqual(run("rsync", again, "--dry-run", f"{self.point}/", copy), b"")

        self.on_each(check)

    def test_tar(self):
        def check(design, face):
            copy = self.fresh("tar", design, face)
            archive = self.dir / "tree.tar"
            run("tar", "-cf", archive, "-C", self.point, ".")
            run("tar", "-df", archive, "-C", self.point)
            run("tar", "-xpf", archive, "-C", copy)
            self.assert_copy(copy, design, face)

        self.on_each(check)

    def test_find_and_du(self):
        def check(design, face):
            sizes = {name: len(self.bytes_of(name, design, face)) for name in self.content}
            lines = run("find", self.point, "-type", "f", "-printf", "%s %P\n").decode().splitlines()
            self.assertEqual({name: int(size) for size, name in (line.split(" ", 1) for line in lines)}, sizes)
            empty = run("find", self.point, "-type", "f", "-empty")
            self.assertEqual(empty, b"")
            lines = run("du", "-ab", self.point).decode().splitlines()
            told = dict(reversed(line.split("\t", 1)) for line in lines)
            for name, size in sizes.items():
                self.assertEqual(int(told[str(self.point / name)]), size, name)
            blocks = int(run("du", "-s", "--block-size=512", self.point).split()[0])
            self.assertGreaterEqual(blocks * 512, sum(sizes.values()))

        self.on_each(check)

    def test_cmp(self):
        def check(design, face):
            for name in self.content:
                run("cmp", self.point / name, "-", input=self.bytes_of(name, design, face))
            first = self.jpegs[0]
            differs = subprocess.run(["cmp", "-s", self.point / first, self.source / first], check=False)
            self.assertEqual(differs.returncode, 1)

        self.on_each(check)

    def test_file(self):
        def check(design, face):
            names = sorted(self.content)
            told = run("file", "--brief", *(self.point / name for name in names)).decode().splitlines()
            for name, line in zip(names, told, strict=True):
                height, width = self.pixels_of(name, design).shape[:2] if name in self.images else (0, 0)
                if name not in self.images:
                    self.assertIn("text", line, name)
                elif name not in self.jpegs:
                    self.assertIn("PNG image data", line, name)
                elif face == "jpeg":
                    self.assertIn("JPEG image data", line, name)
                    self.assertRegex(line, rf"baseline, precision 8, {width}x{height}, components [13]$", name)
                else:
                    self.assertRegex(line, rf"^PC bitmap, .*, {width} x -?{height} x (8|24)", name)

        self.on_each(check)

    def test_mmap(self):
        def check(design, face):
            for name in self.content:
                with open(self.point / name, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as memory:
                    self.assertEqual(memory[:], self.bytes_of(name, design, face), name)

        self.on_each(check)

    def test_many_readers(self):
        def check(design, face):
            expected = {name: hashlib.sha256(self.bytes_of(name, design, face)).digest() for name in self.content}
            with concurrent.futures.ProcessPoolExecutor(READERS, multiprocessing.get_context("fork")) as pool:
                readers = [pool.submit(digests, self.point, self.content, seed) for seed in range(READERS)]
                self.assertTrue(all(reader.result() == expected for reader in readers))

        self.on_each(check)


if __name__ == "__main__":
    needs(("rsync", "rsync"), ("file", "file"), ("tar", "tar"), ("find", "findutils"))

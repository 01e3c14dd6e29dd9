# SPDX-License-Identifier: MIT
"""Every file of a tree is what `icfs encode` makes of it, under several policies; all else byte for byte."""

import concurrent.futures
import errno
import os
import pathlib
import subprocess
import threading

from mounting import DEFAULT, MKIMAGES, MountTest, encode, images, is_candidate, is_jpeg, least_memory, main

DESIGNS = [DEFAULT, "s2x2-b8-k6-q8", "s1x1-b16-k9-q3", "s4x2-b1-k1-q5", "s1x2-b32-k40-q8-c1-fbox-ox"]


class Content(MountTest):
    def check(self, path, name, design):
        """`name` is served for the source `path`, or, where that cannot be encoded, an I/O error."""
        if not is_candidate(path) or not is_jpeg(path):
            self.assertEqual(self.served(os.path.relpath(path, self.source)), pathlib.Path(path).read_bytes(), path)
            return "file"
        expected = encode(path, design)
        if expected is not None:
            self.assertEqual(self.served(name), expected, path)
            return "object"
        at = os.path.join(self.point, name)
        self.assertGreater(os.stat(at).st_size, 0)  # at size 0 nobody would be told
        with self.assertRaises(OSError) as caught, open(at, "rb") as file:
            file.read()
        self.assertEqual(caught.exception.errno, errno.EIO, path)
        return "failure"

    def check_tree(self, design, below=""):
        """All of the source, read through the mount below `below`; how many of what."""
        work = []
        for folder, _, files in os.walk(self.source):
            for file in files:
                path = os.path.join(folder, file)
                stem = os.path.splitext(os.path.relpath(path, self.source))[0]
                work.append((path, os.path.join(below, stem + ".ic"), design))
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            kinds = list(pool.map(lambda item: self.check(*item), work))
        return {kind: kinds.count(kind) for kind in set(kinds)}

    def test_a_tree_of_classes(self):
        subprocess.run([MKIMAGES, "--classes", "3", "--count", "5", self.source], check=True,
                       stdout=subprocess.DEVNULL)
        self.mount("design=" + DESIGNS[0])
        for design in DESIGNS:
            counts = self.check_tree(design, "" if design == DESIGNS[0] else f".icfs/view/{design},ic")
            self.assertGreaterEqual(counts["object"], 15)
            self.assertNotIn("failure", counts)

    def test_odd_images(self):
        subprocess.run([MKIMAGES, "--odd", self.source], check=True)
        mount = self.mount()
        for design in (DESIGNS[0], DESIGNS[2]):
            counts = self.check_tree(design, "" if design == DESIGNS[0] else f".icfs/view/{design},ic")
            self.assertGreater(counts["object"], 30)
            self.assertGreater(counts["failure"], 3)
            self.assertGreater(counts["file"], 2)
        self.assertGreater(mount.stats()["icfs_requests_total{kind=\"read\"}"], 30)

    def test_a_failure_is_told_once_and_remembered(self):
        self.put("cut.jpg", images()[0][:25])
        mount = self.mount()
        self.assertEqual(os.stat(self.point / "cut.ic").st_size, 25)
        for _ in range(3):
            with self.assertRaises(OSError) as caught:
                self.served("cut.ic")
            self.assertEqual(caught.exception.errno, errno.EIO)
        self.assertEqual(len(mount.log_lines("cut.jpg")), 1)
        self.assertTrue(os.getxattr(self.point / "cut.ic", "user.icfs.error"))

    def test_limits(self):
        self.put("large.jpg", images()[-1])
        self.put("small.jpg", images()[0])
        self.mount("pixels=10000")
        self.assert_object("small.ic", images()[0])
        with self.assertRaises(OSError):
            self.served("large.ic")
        self.assertIn(b"pixel", os.getxattr(self.point / "large.ic", "user.icfs.error"))

    def test_memory_that_was_used_is_free_again(self):
        """Of sources and of what is made of them, several times the limit goes through it."""
        for i in range(6):
            self.put(f"{i}.jpg", images()[i])
        limit = max(least_memory(self.source / f"{i}.jpg") for i in range(6))
        for i in range(6):
            self.put(f"{i}.jpg", images()[i] + bytes(limit // 2))
        self.mount(f"memory={limit}")
        for i in range(6):
            self.assertGreater(len(self.served(f"{i}.ic")), 0)
            self.assertGreater(len(self.served(f".icfs/view/s2x2-b8-k6-q8/{i}.ic")), 0)

    def test_parts_of_a_file(self):
        self.put("a.jpg", images()[-1])
        self.put("a.bin", os.urandom(300000))
        self.mount("cache=0")
        whole = self.served("a.ic")
        with open(self.point / "a.ic", "rb") as file:
            for offset, length in ((0, 1), (63, 2), (len(whole) - 1, 10), (len(whole), 10), (len(whole) + 5000, 1)):
                self.assertEqual(os.pread(file.fileno(), length, offset), whole[offset:offset + length])
        self.assertEqual(self.served("a.bin"), (self.source / "a.bin").read_bytes())

    def test_each_object_is_made_once(self):
        for i in range(40):
            self.put(f"{i}.jpg", images()[i % 6])
        mount = self.mount()
        failures = []

        def read_all():
            try:
                for i in range(40):
                    self.served(f"{i}.ic")
            except Exception as error:
                failures.append(error)

        readers = [threading.Thread(target=read_all) for _ in range(16)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        self.assertEqual(failures, [])
        stats = mount.stats()
        self.assertEqual(stats["icfs_cache_misses_total"], 40)
        self.assertEqual(stats["icfs_object_made_bytes_total"], sum(len(self.served(f"{i}.ic")) for i in range(40)))

    def test_warm_reads_ask_nothing(self):
        self.put("a.jpg", images()[0])
        mount = self.mount()
        self.names()
        self.served("a.ic")
        before = mount.stats()
        for _ in range(20):
            self.served("a.ic")
        after = mount.stats()
        for kind in ("read", "getattr", "other"):
            key = f'icfs_requests_total{{kind="{kind}"}}'
            self.assertLessEqual(after[key] - before[key], 2, kind)

    def test_the_cache_is_bounded(self):
        for i in range(30):
            self.put(f"{i}.jpg", images()[i % 6])
        mount = self.mount("cache=64K")
        for i in range(30):
            self.served(f"{i}.ic")
        stats = mount.stats()
        largest = max(os.stat(self.point / f"{i}.ic").st_size for i in range(30))
        self.assertLessEqual(stats["icfs_cache_bytes"], max(65536, 65536 * 7 / 8 + largest))
        self.assertEqual(stats["icfs_cache_limit_bytes"], 65536)


if __name__ == "__main__":
    main()

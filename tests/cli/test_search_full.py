# SPDX-License-Identifier: MIT
"""icfs with its catalog on a disk that is full or read-only. It is a tmpfs, in a namespace of its own."""

import os
import signal
import subprocess
import sys
import unittest

from cli import ICFS
from searching import FEW, Searching

UNSHARE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
INSIDE = "ICFS_TEST_HAS_NAMESPACE"


class Disks(Searching):
    def setUp(self):
        super().setUp()
        self.disk = self.dir / "disk"
        self.disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", self.disk], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.disk])
        self.catalog = self.disk / "catalog.db"
        os.environ["ICFS_CATALOG"] = str(self.catalog)

    def fill(self):
        with open(self.disk / "ballast", "wb", buffering=0) as file:
            size = 65536
            while size:
                try:
                    file.write(b"x" * size)
                except OSError:
                    size //= 2

    def remount(self, mode):
        subprocess.run(["mount", "-o", f"remount,{mode}", self.disk], check=True)

    def refusal(self):
        return f"icfs: {self.catalog}: can be read, but not written: Read-only file system\n"

    def test_a_disk_that_is_full_from_the_beginning(self):
        self.ok("search", "pin", "s1x1-b8-k3-q8", self.dir)
        self.fill()
        done = subprocess.run([ICFS, "search", *FEW, self.set], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, rf"^icfs: {self.catalog}: (database or disk is full|disk I/O error|No space left.*)\n$")
        (self.disk / "ballast").unlink()
        self.assertEqual(self.sql("SELECT design FROM choice"), [("s1x1-b8-k3-q8",)])
        self.assertIn("12 evaluations made", self.search(self.set))

    def test_a_disk_that_fills_is_waited_for(self):
        process = self.begin(60)
        self.fill()
        process.send_signal(signal.SIGCONT)
        line = process.stderr.readline().decode()
        self.assertRegex(line, r"^icfs: warning: .*; waiting for it, since a measurement is to be written\n$")
        (self.disk / "ballast").unlink()
        text, errors = process.communicate(timeout=100)
        self.assertEqual((process.returncode, errors), (0, b""))
        self.assertIn(b"run 1: 60 evaluations made, 0 known before, 0 without a result\n", text)
        self.assertEqual(self.sql("SELECT count(*), count(DISTINCT measurement) FROM planned"), [(60, 60)])

    def test_a_read_only_disk(self):
        self.search(self.set)
        before = self.sql("SELECT count(*) FROM measurement")
        self.remount("ro")
        self.fails(self.refusal(), "search", *FEW, "--max-bytes=20%", self.set)
        self.remount("rw")
        self.assertEqual(self.sql("SELECT count(*) FROM measurement"), before)
        self.assertRegex(self.search("--max-bytes=20%", self.set), r"run 2: \d+ evaluations made, [1-9]\d* known before")

    def test_what_only_reads_does_so_on_a_read_only_disk(self):
        self.search(self.set)
        self.ok("search", "pin", "s2x2-b8-k6-q4", self.set)
        (self.set / ".icpolicy").write_text("[policy]\ndesign = auto\n")
        self.addCleanup((self.set / ".icpolicy").unlink)
        reading = [("policy", self.set), ("search", *FEW, "--dry-run", self.set), ("export", "-n", self.set, self.dir / "out"),
                   ("warm", "-n", f"--store={self.dir}/store", self.set), ("report", "1")]
        reading += [("search", *words.split()) for words in ("status", "history", "show 1", "frontier", "export",
                                                             "export --what=times")]
        said = [self.ok(*line) for line in reading]
        self.assertIn(b"s2x2-b8-k6-q4", said[0])
        self.remount("ro")
        for line, expected in zip(reading, said):
            self.assertEqual(self.ok(*line), expected, line)

    def test_what_has_to_write_says_that_it_cannot(self):
        self.ok("search", "pin", "s2x2-b8-k6-q4", self.set)
        other = self.dir / "other.db"
        other.write_bytes(self.catalog.read_bytes())
        self.remount("ro")
        for line in (("pin", "s1x1-b8-k3-q8", self.set), ("rollback", self.set), ("merge", other), (self.set,)):
            self.fails(self.refusal(), "search", *line)
        self.ok("search", "merge", f"--catalog={other}", self.catalog)
        self.remount("rw")
        self.assertIn(b": nothing is chosen", self.ok("search", "rollback", self.set))


if __name__ == "__main__":
    if INSIDE not in os.environ:
        done = subprocess.run([*UNSHARE, "sh", "-c", "mount -t tmpfs none /mnt"], capture_output=True, text=True)
        if done.returncode:
            print("SKIP: no small disk can be made here:", done.stderr.strip())
            sys.exit(77)
        os.environ[INSIDE] = "1"
        os.execvp(UNSHARE[0], [*UNSHARE, sys.executable, __file__])
    unittest.main(verbosity=2)

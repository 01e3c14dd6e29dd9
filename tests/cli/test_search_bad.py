# SPDX-License-Identifier: MIT
"""icfs search on what it cannot search, and with catalogs that it cannot use: a message, an exit status, nothing lost."""

import os
import pathlib
import shutil
import signal
import sqlite3
import time
import unittest

from cli import icfs
from searching import FEW, Searching

CLASSES = "classes are the subdirectories, or those of train/ and test/"


class BadInput(Searching):
    def put(self, name, content=None):
        """A file; by default a photograph, another one for each name."""
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        sources = [p for p in sorted(self.set.rglob("*.jpg")) if p.read_bytes()[:3] == b"\xff\xd8\xff"]
        path.write_bytes(sources[sum(map(ord, name)) % len(sources)].read_bytes() if content is None else content)
        return path

    def refuses(self, words, *args):
        """It fails with these words, and no search has begun."""
        self.fails(f"icfs: {words}\n", "search", *FEW, *args)
        self.assertEqual(self.sql("SELECT (SELECT count(*) FROM run), (SELECT count(*) FROM choice)"), [(0, 0)])

    def test_what_is_no_dataset(self):
        (self.dir / "empty").mkdir()
        self.refuses(f"{self.dir}/empty: there is no image in it", self.dir / "empty")
        self.refuses(f"{self.dir}/none: No such file or directory", self.dir / "none")
        self.refuses(f"{self.put('file.jpg')}: Not a directory", self.dir / "file.jpg")
        self.put("loose/a.jpg")
        self.put("loose/b.jpg")
        self.refuses(f"{self.dir}/loose: there are no classes: {CLASSES}", self.dir / "loose")
        self.put("one/cats/a.jpg")
        self.put("one/cats/b.jpg")
        self.refuses(f"{self.dir}/one: there is one class: {CLASSES}", self.dir / "one")
        self.put("single/cats/a.jpg")
        (self.dir / "single/dogs").mkdir()
        self.refuses(f"{self.dir}/single: of 1 readable images none is left to select by", self.dir / "single")

    def test_images_that_cannot_be_read(self):
        for name in ("a", "b", "c"):
            self.put(f"half/cats/{name}.jpg")
            self.put(f"half/dogs/{name}.jpg", b"\xff\xd8\xff\xe0 and no more")
            self.put(f"all/cats/{name}.jpg", b"\xff\xd8\xff\xe0 and no more")
            self.put(f"all/dogs/{name}.jpg", b"")
        self.refuses(f"{self.dir}/half: the class dogs has no readable images to train on", self.dir / "half")
        self.refuses(f"{self.dir}/all: there is no image in it", self.dir / "all")
        # Among good ones they are left out, whatever they are; nothing waits for a pipe.
        mixed = self.dir / "mixed"
        shutil.copytree(self.set, mixed)
        classes = sorted({p.parent for p in mixed.rglob("*.jpg")})
        whole = next(p for p in sorted(classes[0].rglob("*.jpg")) if p.read_bytes()[:3] == b"\xff\xd8\xff").read_bytes()
        for i, name in enumerate(classes):
            (name / "nothing.jpg").write_bytes(b"")
            (name / "text.jpg").write_text("no image")
            (name / "noise.jpg").write_bytes(whole[:300] + bytes(range(256)) * 8)
            (name / "gone.jpg").symlink_to("nowhere")
            (name / "folder.jpg").mkdir()
            os.mkfifo(name / f"pipe{i}.jpg")
        text = self.search("--max-bytes=25%", mixed)
        self.assertRegex(text, r"\n  2\d of \d+ images cannot be decoded and are left out, among them \S+\.jpg\n")
        self.assertIn("12 evaluations made, 0 known before, 0 without a result\n", text)
        self.assertEqual(len(self.sql("SELECT id FROM choice")), 1)

    def test_limits_that_nothing_meets(self):
        done = icfs("search", *FEW, "--max-bytes=10", self.set)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr.decode(), r"^icfs: no design is within max-bytes=10 objective=accuracy: the least are "
                                               r"\d+ bytes and \S+ s an image\n$")
        self.assertEqual(self.sql("SELECT count(*) FROM choice"), [(0,)])

    def test_limits_that_nothing_evaluated_meets(self):
        """Some designs may be within them, by their cost; none of those tried is by its accuracy."""
        done = icfs("search", *FEW, "--max-bytes=1%", "--max-loss=0%", self.set)
        self.assertEqual((done.returncode, done.stderr), (1, b""))
        self.assertIn(f"{self.set}: nothing is within the limits; the nearest is s", done.stdout.decode())
        self.assertEqual(self.sql("SELECT count(*) FROM choice"), [(0,)])
        self.assertEqual(self.sql("SELECT count(*) FROM measurement"), [(12,)])
        self.assertEqual(self.sql("SELECT count(*) FROM run WHERE ended_s IS NOT NULL"), [(1,)])
        self.assertRegex(self.search("--max-bytes=1%", self.set), r"run 2: \d evaluations made, \d+ known before")

    def test_catalogs_that_cannot_be_used(self):
        self.fails(f"icfs: {self.catalog}: no catalog: No such file or directory\n", "search", "status")
        self.assertFalse(self.catalog.exists())
        self.catalog.write_bytes(b"no database at all " * 100)
        self.fails(f"icfs: {self.catalog}: file is not a database\n", "search", self.set)
        self.catalog.unlink()
        self.sql("PRAGMA application_id = 0x69636673")
        self.sql("PRAGMA user_version = 99")
        self.fails(f"icfs: {self.catalog}: catalog version 99 is from a newer icfs; this one knows 3\n", "search", self.set)
        self.assertEqual(self.sql("PRAGMA user_version"), [(99,)])
        self.ok("policy", "--set=auto", self.dir)
        self.assertIn("what searches chose cannot be read: "
                      f"{self.catalog}: catalog version 99 is from a newer icfs; this one knows 3; so the default",
                      self.ok("policy", self.dir).decode())

    def test_a_damaged_catalog(self):
        self.search(self.set)
        self.sql("PRAGMA wal_checkpoint(TRUNCATE)")
        whole = self.catalog.read_bytes()
        self.assertGreater(len(whole), 8 * 4096)
        for at, length in ((4096, len(whole) - 4096), (100, 2000), (len(whole) // 2, 4096)):
            damaged = whole[:at] + b"\x5a" * length + whole[at + length:]
            self.catalog.write_bytes(damaged)
            for command in (["search", *FEW, "--max-bytes=30%", self.set], ["search", "status"], ["search", "export"]):
                done = icfs(*command)
                self.assertIn(done.returncode, (0, 1), command)  # where the damage is not met
                if done.returncode:
                    self.assertRegex(done.stderr.decode(), rf"^icfs: {self.catalog}: .*(malformed|damaged|no catalog|not)")
                self.assertEqual(len(self.catalog.read_bytes()), len(damaged))

    def lock(self, kind, timeout=60):
        db = sqlite3.connect(self.catalog, isolation_level=None, timeout=timeout)
        self.addCleanup(db.close)
        db.execute(f"BEGIN {kind}")
        return db

    def lock_beside(self, process):
        """Where it stands still within a transaction, it goes on to the end of that."""
        while True:
            try:
                return self.lock("IMMEDIATE", timeout=0)
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
                process.send_signal(signal.SIGCONT)
                time.sleep(0.002)
                process.send_signal(signal.SIGSTOP)

    def test_a_locked_catalog(self):
        self.ok("search", "pin", "s1x1-b8-k3-q8", self.dir)
        db = self.lock("IMMEDIATE")  # for longer than anything waits
        self.fails(f"icfs: {self.catalog}: database is locked\n", "search", *FEW, self.set)
        db.execute("ROLLBACK")
        self.assertIn("12 evaluations made", self.search(self.set))

    def test_a_catalog_that_is_locked_for_a_while(self):
        """What was measured meanwhile is waited for, and written."""
        process = self.begin(60)
        db = self.lock_beside(process)
        process.send_signal(signal.SIGCONT)
        line = process.stderr.readline().decode()
        self.assertEqual(line, f"icfs: warning: {self.catalog}: database is locked; waiting for it, since a measurement is "
                               "to be written\n")
        db.execute("ROLLBACK")
        text, errors = process.communicate(timeout=100)
        self.assertEqual((process.returncode, errors), (0, b""))
        self.assertIn(b"run 1: 60 evaluations made, 0 known before, 0 without a result\n", text)

    def test_a_signal_while_a_locked_catalog_is_waited_for(self):
        process = self.begin(60)
        db = self.lock_beside(process)
        process.send_signal(signal.SIGCONT)
        self.assertIn("waiting for it", process.stderr.readline().decode())
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=100)
        self.assertEqual((process.returncode, errors.decode()), (
            -signal.SIGINT, f"icfs: stopped: {self.catalog}: database is locked; what was written is kept, and the same "
            "command goes on\n"))
        db.execute("ROLLBACK")
        self.assertRegex(self.ok("search", "--evaluations=60", self.set).decode(), r"^run 1: \d+ evaluations made, [1-9]")


if __name__ == "__main__":
    unittest.main()

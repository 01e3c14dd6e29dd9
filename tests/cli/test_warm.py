# SPDX-License-Identifier: MIT
"""icfs warm: what it stores, that it goes on where it ended, and what it says."""

import os
import re
import shutil
import signal
import subprocess
import time
import unittest

from cli import ICFS, CliTest, icfs, jpegs, preload
from opens import Opens

DESIGN = "s2x2-b8-k6-q8"


class Warm(CliTest):
    def setUp(self):
        super().setUp()
        self.tree = self.dir / "tree"
        shutil.copytree(self.images / "tree", self.tree)
        # More files than MKIMAGES makes: each is a source of its own.
        for path in jpegs(self.tree):
            for i in range(8):
                shutil.copy(path, path.with_name(f"{path.stem}-{i}{path.suffix}"))
        self.paths = jpegs(self.tree)
        self.store = self.dir / "store"
        self.bounds = ("--store-keep-free", "0")

    def warm(self, *args, store=None, status=0):
        done = icfs("warm", "--store", store or self.store, *self.bounds, *args)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout.decode()

    def plan(self, *args, **more):
        """Objects, bytes, and what is there already."""
        text = self.warm("--dry-run", *args, self.tree, **more)
        found = re.fullmatch(r"(\d+) objects to store, (\d+) bytes; (\d+) are there\n", text)
        self.assertTrue(found, text)
        return tuple(int(number) for number in found.groups())

    def bytes_of_store(self):
        return sum(path.stat().st_size for path in self.store.iterdir())

    def check(self):
        text = self.warm("--check")
        found = re.fullmatch(r"(\d+) of (\d+) records verified, (\d+) bytes; 0 damaged\n", text)
        self.assertTrue(found and found[1] == found[2], text)
        return int(found[1])

    def test_the_bytes_that_were_told_are_those_that_are_there(self):
        n = len(self.paths)
        for design in ("s2x2-b8-k6-q8", "s1x1-b16-k31-q3", "s4x4-b1-k1-q1-c1"):
            files, nbytes, there = self.plan("--design", design)
            self.assertEqual((files, there), (n, 0))
            before = self.bytes_of_store()
            text = self.warm("--design", design, self.tree)
            self.assertEqual(text, f"{n} objects to store, {nbytes} bytes; 0 are there\n"
                                   f"{n} objects stored; 0 cannot be\n")
            frame = 0 if before else 128
            self.assertEqual(self.bytes_of_store() - before, nbytes + frame)
            self.assertEqual(self.plan("--design", design), (0, 0, n))
        self.assertEqual(self.check(), 3 * n)
        # What is denser covers what is sparser, and not the other way round.
        self.assertEqual(self.plan("--design", "s2x2-b8-k2-q3")[2], n)
        self.assertEqual(self.plan("--design", "s2x2-b8-k7-q1")[2], 0)

    def test_without_a_plan_each_source_is_opened_once(self):
        folder = self.paths[0].parent
        names = {path.name for path in self.paths if path.parent == folder}
        n = len(self.paths)
        for options, times in (("--dry-run",), 1), (("-d", "s1x1-b8-k3-q8"), 2), (("-d", DESIGN, "--no-plan"), 1):
            opens = Opens(folder)
            text = self.warm(*options, self.tree)
            counts = opens.end()
            self.assertEqual({name: counts[name] for name in names}, dict.fromkeys(names, times), options)
        self.assertEqual(text, f"{n} objects stored; 0 cannot be; 0 were there\n")
        self.assertEqual(self.warm("-d", DESIGN, "--no-plan", self.tree), f"0 objects stored; 0 cannot be; {n} were there\n")
        self.assertEqual(self.check(), 2 * n)
        done = icfs("warm", "--store", self.store, "--no-plan", "--dry-run", self.tree)
        self.assertEqual((done.returncode, done.stdout), (2, b""))
        self.assertIn(b"--no-plan", done.stderr)

    def test_policies(self):
        folders = sorted({path.parent for path in self.paths})
        self.assertGreater(len(folders), 1)
        (self.tree / ".icpolicy").write_text("[policy]\nface = orig\n")
        (folders[-1] / ".icpolicy").write_text("[policy]\ndesign = s2x2-b8-k3-q2\nface = jpeg\n")
        n = len([path for path in self.paths if path.parent == folders[-1]])
        self.assertEqual(self.plan()[0], n)
        self.warm(self.tree)
        self.assertEqual(self.plan("--design", "s2x2-b8-k3-q8")[2], n)
        file = self.dir / "policy"
        file.write_text("[policy]\ndesign = s4x4-b8-k1-q8\n")
        (self.tree / ".icpolicy").unlink()
        self.assertEqual(self.plan("--policy", file)[0::2], (len(self.paths) - n, n))

    def test_shards(self):
        counts = [self.plan("--shard", f"{i}/3")[0] for i in (1, 2, 3)]
        self.assertEqual(sum(counts), len(self.paths))
        self.assertGreater(min(counts), 0)
        for i, count in enumerate(counts, 1):
            self.assertIn(f"{count} objects stored", self.warm("--shard", f"{i}/3", self.tree))
        self.assertEqual(self.check(), len(self.paths))
        for text in ("0/3", "4/3", "1", "1/0", "/3", "1/3x", "-1/3"):
            self.assertIn(b"expected I/N", icfs("warm", "--store", self.store, "--shard", text, self.tree).stderr)

    def test_damaged_sources(self):
        (self.tree / "cut.jpg").write_bytes(self.paths[0].read_bytes()[:-900])
        (self.tree / "bad.jpg").write_bytes(self.paths[0].read_bytes()[:300])
        (self.tree / "text.jpg").write_text("no JPEG")
        done = icfs("warm", "--store", self.store, *self.bounds, "-d", DESIGN, self.tree)
        self.assertEqual(done.returncode, 1)
        lines = done.stderr.decode().splitlines()
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0], r"^icfs: warning: bad\.(jpg|ic): ")
        self.assertIn(f"{len(self.paths) + 1} objects stored; 1 cannot be\n", done.stdout.decode())

    def test_sources_that_change_while_they_are_read(self):
        for path in self.paths:
            path.rename(path.with_suffix(".jpg"))
        done = icfs("warm", "--store", self.store, *self.bounds, "-d", DESIGN, self.tree, env=preload("changing"))
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"\n0 objects stored; {len(self.paths)} cannot be\n", done.stdout.decode())
        self.assertIn("it changed meanwhile", done.stderr.decode())
        self.assertEqual(self.check(), 0)

    def run_and_signal(self, number, after):
        process = subprocess.Popen([ICFS, "warm", "--store", self.store, *self.bounds, "-j2", "-d", "s1x1-b16-k31-q8",
                                    self.tree], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(after)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        return process.returncode, errors.decode()

    def grow(self):
        """Enough sources that a run lasts."""
        for path in self.paths:
            for i in range(12):
                os.link(path, path.with_name(f"{path.stem}-link-{i}{path.suffix}"))
        self.paths = jpegs(self.tree)

    def test_killed_in_a_loop(self):
        self.grow()
        there = 0
        for i in range(12):
            self.run_and_signal(signal.SIGKILL, 0.03 * (i % 5))
            if self.store.exists():
                now = self.check()
                self.assertGreaterEqual(now, there)
                there = now
        self.warm("-d", "s1x1-b16-k31-q8", self.tree)
        self.assertEqual(self.check(), len(self.paths))
        self.assertEqual(self.plan("-d", "s1x1-b16-k31-q8")[0], 0)

    def test_interrupted(self):
        self.grow()
        status, errors = self.run_and_signal(signal.SIGINT, 0.1)
        if status != 0:  # a fast machine is done by then
            self.assertEqual(status, -signal.SIGINT)
            self.assertIn(errors, ("", "icfs: interrupted; the same command goes on from here\n"))
        self.warm("-d", "s1x1-b16-k31-q8", self.tree)
        self.assertEqual(self.check(), len(self.paths))

    def test_check(self):
        self.warm("-d", DESIGN, self.tree)
        [segment] = self.store.glob("*.seg")
        content = bytearray(segment.read_bytes())
        content[len(content) // 2] ^= 1
        segment.write_bytes(content)
        text = self.warm("--check", status=1)
        self.assertIn("; 1 damaged\n", text)
        self.assertEqual(self.check(), len(self.paths) - 1)  # it is forgotten
        self.assertIn("1 objects to store", self.warm("-d", DESIGN, self.tree))
        self.assertEqual(self.check(), len(self.paths))

    def test_evict(self):
        self.warm("-d", DESIGN, self.tree)
        self.assertIn("0 files given up", self.warm("--evict", "1G"))
        self.assertEqual(self.warm("--evict", "0"), "1 files given up; 0 bytes are left\n")
        self.assertEqual(self.bytes_of_store(), 0)

    def test_what_is_gone(self):
        other = self.dir / "other"
        shutil.copytree(self.tree, other)
        n = len(self.paths)
        self.warm("-d", DESIGN, self.tree, other)
        self.warm("-d", "s4x4-b16-k9-q8", self.tree)
        self.assertEqual(self.check(), 3 * n)
        drop = ("--drop-gone", "-d", "s2x2-b8-k1-q1")  # the design says nothing of what is gone
        self.assertIn("0 records of sources that are gone; 0 files given up\n", self.warm(*drop, other, self.tree))
        removed, changed, renamed, link = self.paths[:4]
        removed.unlink()
        os.utime(changed, ns=(1, 1))
        renamed.rename(renamed.with_name("renamed.jpg"))
        link.rename(self.dir / "outside.jpg")
        link.symlink_to(self.dir / "outside.jpg")
        (self.tree / ".icpolicy").write_text("[policy]\nface = orig\n")
        followed = ("--follow", "--drop-gone", "--shard", "1/1000000")
        self.assertIn("6 records of sources that are gone; 0 files", self.warm(*followed, self.tree, other))
        self.assertEqual(self.check(), 3 * n - 6)
        self.assertIn("2 records of sources that are gone", self.warm("-n", "--drop-gone", self.tree, other))
        self.assertEqual(self.plan("-d", DESIGN)[2], n - 4)
        # Of what is not named, nothing is known to be there.
        self.assertIn(f"{n} records of sources that are gone", self.warm("-n", "--drop-gone", self.tree))
        self.assertEqual(self.check(), 2 * (n - 4))
        empty = self.dir / "empty"
        empty.mkdir()
        self.assertIn("; 1 files given up\n", self.warm("--drop-gone", empty))
        self.assertEqual(self.bytes_of_store(), 0)

    def test_what_cannot_be_looked_at_is_not_gone(self):
        self.warm("-d", DESIGN, self.tree)
        n = self.check()
        self.paths[0].unlink()
        at = os.open(self.tree, os.O_PATH)
        for _ in range(20):  # beyond what a path may have
            os.mkdir("d" * 250, dir_fd=at)
            at, above = os.open("d" * 250, os.O_PATH, dir_fd=at), at
            os.close(above)
        os.close(at)
        done = icfs("warm", "--store", self.store, *self.bounds, "--drop-gone", self.tree)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"cannot be gone through, so nothing is given up: File name too long\n", done.stderr)
        self.assertEqual(self.check(), n)

    def test_bounds(self):
        nbytes = self.plan("-d", "s1x1-b8-k15-q8")[1]
        size = nbytes // 3
        done = icfs("warm", "--store", self.store, *self.bounds, "--store-size", str(size), "-d", "s1x1-b8-k15-q8",
                    self.tree)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"warning: they take more than --store-size", done.stderr)
        self.assertIn(b"takes nothing more: no room within its bounds", done.stderr)
        self.assertLessEqual(self.bytes_of_store(), size)
        self.assertGreater(self.bytes_of_store(), size // 3)
        # What an earlier run left makes room for what is asked for now.
        time.sleep(1.1)
        small = self.dir / "small"
        small.mkdir()
        for path in self.paths[:4]:
            shutil.copy(path, small)
        self.warm("--store-size", str(size), "-d", "s1x1-b16-k31-q8", small)
        self.assertIn("; 4 are there", self.warm("-n", "-d", "s1x1-b16-k31-q8", small))

    def test_a_store_that_is_read_only_is_not_said_to_be_filled(self):
        self.warm("-d", DESIGN, self.tree)
        shutil.copy(self.paths[0], self.tree / "new.jpg")
        script = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'
        unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
        if subprocess.run([*unshare, "true"], stderr=subprocess.DEVNULL).returncode:
            self.skipTest("no file systems of its own for a process here")
        done = subprocess.run([*unshare, "sh", "-c", script, "sh", self.store, ICFS, "warm", "--store", self.store,
                               *self.bounds, "-d", DESIGN, self.tree], capture_output=True, text=True)
        self.assertIn("1 objects to store", done.stdout, done.stderr)
        self.assertEqual((done.returncode, done.stderr), (1, f"icfs: store {self.store}: read only\n"))

    def test_wrong_lines(self):
        for line, message in (([self.tree], "expected --store"), (["--store", self.store], "expected DATASET"),
                              (["--store", self.store, "--drop-gone"], "expected DATASET"),
                              (["--store", self.store, "--evict", "x", self.tree], "--evict: 'x' is no whole number")):
            done = icfs("warm", *line)
            self.assertEqual(done.returncode, 2)
            self.assertIn(message, done.stderr.decode())
        self.fails(f"icfs: {self.dir}/none: No such file or directory\n", "warm", "--store", self.store,
                   self.dir / "none")
        self.fails("icfs: store /dev/null: Not a directory\n", "warm", "--store", "/dev/null", self.tree)
        done = icfs("warm", "--store", self.tree / "store", self.tree)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"lies in the source", done.stderr)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: MIT
"""Outputs are there complete, or not at all."""

import os
import resource
import signal
import stat
import subprocess
import unittest

from cli import ICFS, CliTest, icfs, preload


def small_files_only():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))


class Outputs(CliTest):
    def setUp(self):
        super().setUp()
        self.source = self.images / "odd" / "sampling-420.jpg"

    def test_a_failed_write_leaves_what_was_there(self):
        out = self.dir / "a.ic"
        out.write_bytes(b"before")
        self.fails(f"icfs: {out}: cannot be written: File too large\n", "encode", self.source, out,
                   preexec_fn=small_files_only)
        self.assertEqual((out.read_bytes(), os.listdir(self.dir)), (b"before", ["a.ic"]))
        self.fails(f"icfs: {self.dir}/b.ic: cannot be written: File too large\n", "encode", self.source,
                   self.dir / "b.ic", preexec_fn=small_files_only)
        self.assertEqual(os.listdir(self.dir), ["a.ic"])

    def test_a_failed_picture_leaves_nothing(self):
        self.encode(self.source, "s1x1-b8-k15-q8", "a.ic")
        for name in ("a.ppm", "a.png"):
            done = icfs("decode", self.dir / "a.ic", self.dir / name, preexec_fn=small_files_only)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"icfs: {self.dir}/{name}: cannot be written: ", done.stderr.decode())
            self.assertEqual(os.listdir(self.dir), ["a.ic"])

    def test_a_kill_leaves_nothing(self):
        try:
            os.close(os.open(self.dir, os.O_TMPFILE | os.O_WRONLY))
        except OSError as error:
            self.skipTest(f"{self.dir} has no files without a name: {error}")
        line = [ICFS, "encode", self.source, self.dir / "a.ic"]
        for content in None, b"before":
            if content:
                (self.dir / "a.ic").write_bytes(content)
            done = subprocess.run(line, env=preload("killed"))
            self.assertEqual(done.returncode, -signal.SIGKILL)
            self.assertEqual([path.read_bytes() for path in self.dir.iterdir()], [content] if content else [])

    def test_without_files_that_have_no_name(self):
        wanted = self.ok("encode", self.source, "-")
        for content in None, b"before":
            done = icfs("encode", self.source, self.dir / "a.ic", env=preload("no_unnamed"))
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertEqual([path.read_bytes() for path in self.dir.iterdir()], [wanted])
            self.fails(f"icfs: {self.dir}/a.ic: cannot be written: File too large\n", "encode", self.source, self.dir / "a.ic",
                       env=preload("no_unnamed"), preexec_fn=small_files_only)
            self.assertEqual([path.read_bytes() for path in self.dir.iterdir()], [wanted])

    def test_places_that_cannot_be_written_to(self):
        for out, reason in [
            (self.dir / "none" / "a.ic", "No such file or directory"),
            (self.dir, "Is a directory"),
            ("/dev/full", "No space left on device"),
        ]:
            self.fails(f"icfs: {out}: cannot be written: {reason}\n", "encode", self.source, out)
        with open("/dev/full", "wb") as full:
            done = subprocess.run([ICFS, "encode", self.source, "-"], stdout=full, stderr=subprocess.PIPE)
            self.assertEqual((done.returncode, done.stderr), (
                1, b"icfs: standard output: cannot be written: No space left on device\n"))

    def test_permissions_links_and_long_names(self):
        old = os.umask(0o027)
        self.addCleanup(os.umask, old)
        target = self.dir / ("n" * 252 + ".ic")
        self.ok("encode", self.source, target)
        self.assertEqual(stat.S_IMODE(target.stat().st_mode), 0o640)
        target.chmod(0o604)
        link = self.dir / "link.ic"
        link.symlink_to(target.name)
        self.ok("encode", "-d", "s4x4-b8-k1-q1", self.source, link)
        self.assertTrue(link.is_symlink())
        self.assertEqual(stat.S_IMODE(target.stat().st_mode), 0o604)
        self.assertEqual(self.inspect(target)["design"], "s4x4-b8-k1-q1")

    def test_a_name_of_another_face_is_warned_of(self):
        for face, name, is_told in (("ic", "a.jpg", True), ("jpeg", "a.IC", True), ("bmp", "a.jpeg", True),
                                    ("jpeg", "a.jpg", False), ("bmp", "a.bmp", False), ("ic", "a.ic", False),
                                    ("ic", "a.tmp", False), ("ic", "a", False)):
            done = icfs("encode", "--face", face, self.source, self.dir / name)
            expected = f"icfs: warning: {self.dir}/{name}: is made under the face {face}, which --face says, not the name\n"
            self.assertEqual((done.returncode, done.stderr.decode()), (0, expected if is_told else ""))

    def test_a_source_is_never_written_over(self):
        source = self.dir / "a.jpg"
        source.write_bytes(self.source.read_bytes())
        (self.dir / "link.jpg").hardlink_to(source)
        for out in (source, self.dir / "link.jpg"):
            self.fails(f"icfs: {out}: is the input too; icfs does not write over a source\n", "encode", source, out)
        self.assertEqual(source.read_bytes(), self.source.read_bytes())


if __name__ == "__main__":
    unittest.main()

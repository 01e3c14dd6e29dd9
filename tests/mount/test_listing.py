# SPDX-License-Identifier: MIT
"""Listings: whatever a program seeks to, whatever changes meanwhile, whatever the source's file system does."""

import ctypes
import errno
import os
import subprocess
import sys
import time
import unittest

from mounting import DEFAULT, ICFS, PATIENCE, MountTest, encode, images, main, preloaded, until

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.getdents64.restype = ctypes.c_ssize_t
BOUND = 2.5  # seconds in which what nothing tells of is seen
ODD = preloaded("odd_source")


def page(fd, size=2048):
    """The names of what getdents64(2) gives at once, with the offsets behind them."""
    buffer = ctypes.create_string_buffer(size)
    n = LIBC.getdents64(fd, buffer, size)
    if n < 0:
        raise OSError(ctypes.get_errno(), "getdents64")
    found, at = [], 0
    while at < n:
        length = int.from_bytes(buffer.raw[at + 16:at + 18], "little")
        name = buffer.raw[at + 19:at + length].split(b"\0")[0].decode()
        found.append((name, int.from_bytes(buffer.raw[at + 8:at + 16], "little")))
        at += length
    return found


def rest(fd):
    names = []
    while entries := page(fd):
        names += [name for name, _ in entries]
    return names


class Listing(MountTest):
    def open(self, *below):
        fd = os.open(self.point.joinpath(*below), os.O_RDONLY | os.O_DIRECTORY)
        self.addCleanup(os.close, fd)
        return fd

    def test_any_offset(self):
        for i in range(8):
            self.put(f"{i}.jpg", images()[i])
        mount = self.mount()
        for below in ((), (".icfs",), (".icfs", "view")):
            fd = self.open(*below)
            for offset in (50_000_000, 1 << 40, (1 << 63) - 1, 11, 12, 3):
                os.lseek(fd, offset, os.SEEK_SET)
                self.assertLessEqual(len(rest(fd)), 8)
            os.lseek(fd, 0, os.SEEK_SET)
            self.assertGreater(len(rest(fd)), 2)
        self.assertEqual(len(self.names()), 8)
        self.assertIsNone(mount.process.poll())

    def test_what_was_there_throughout_is_told(self):
        """A listing that goes on after files before its place went, and after the kernel gave up what it kept."""
        for i in range(1500):
            self.put(f"{i:04}.txt", b"text")
        self.mount()
        time.sleep(0.1)  # until the directory's time tells the next change
        self.assertEqual(len(self.names()), 1500)
        self.assertEqual(len(self.names()), 1500)  # from what the kernel kept
        fd = self.open()
        told = [name for name, _ in page(fd)]
        for i in range(0, 40):
            (self.source / f"{i:04}.txt").unlink()
        until(lambda: len(self.names()) == 1460)  # another listing, for which the kernel reads it anew
        told += rest(fd)
        self.assertEqual(len({f"{i:04}.txt" for i in range(40, 1500)} - set(told)), 0)

    def rewinds(self):
        """Whether a listing that began before a change shows it when it is rewound."""
        fd = self.open()
        rest(fd)
        (self.source / "a.jpg").rename(self.source / "b.jpg")
        until(lambda: "b.ic" in self.names())
        os.lseek(fd, 0, os.SEEK_SET)
        told = rest(fd)
        (self.source / "b.jpg").rename(self.source / "a.jpg")
        until(lambda: "a.ic" in self.names())
        time.sleep(0.1)
        return sorted(told) == [".", "..", "b.ic"]

    def test_rewinding_shows_what_is_there(self):
        self.put("a.jpg", images()[0])
        for options in ((), ("nowatch",)):
            mount = self.mount(*options)
            time.sleep(0.1)
            self.assertTrue(self.rewinds())
            self.assertTrue(self.rewinds())
            self.names()
            self.assertEqual(self.names(), ["a.ic"])
            self.assertEqual(mount.end(), (0, ""))

    def test_rewinding_what_was_not_read_to_its_end(self):
        """The kernel keeps what it has read; other names behind that would be a mixture."""
        for i in range(200):
            self.put(f"d/{i:03}.jpg", images()[0])
        for jpeg_first in (True, False):
            faces = ["jpeg", "ic"] if jpeg_first else ["ic", "jpeg"]
            (self.source / ".icpolicy").write_text(f"[policy]\nface = {faces[0]}\n")
            mount = self.mount("catalog=none")
            time.sleep(0.1)
            fd = self.open("d")
            page(fd)
            (self.source / ".icpolicy").write_text(f"[policy]\nface = {faces[1]}\n")
            self.assertTrue(until(lambda: f"face: {faces[1]}\n" in mount.text("policy")))
            for _ in range(2):
                os.lseek(fd, 0, os.SEEK_SET)
                self.assertEqual(len(rest(fd)), 202)
            ending = ".ic" if jpeg_first else ".jpg"
            self.assertEqual({name[3:] for name in self.names("d")}, {ending})
            self.assertEqual(mount.end(), (0, ""))

    def test_files_that_cannot_be_read_are_listed(self):
        self.put("broken.jpg", images()[0])
        self.put("good.jpg", images()[1])
        mount = self.mount(prefix=ODD)
        for _ in range(3):
            self.assertEqual(len(self.names()), 2)
            subprocess.run(["ls", "-l", self.point], capture_output=True)
        self.assertEqual(self.names(), ["broken.jpg", "good.ic"])
        self.assertEqual(len(mount.log_lines("broken.jpg: Input/output error")), 1)
        with self.assertRaises(OSError) as caught:
            os.stat(self.point / "broken.jpg")
        self.assertEqual(caught.exception.errno, errno.EIO)

    def test_longer_names_than_can_be_served(self):
        self.put("good.jpg", images()[1])
        (self.dir / "long.jpg").write_bytes(images()[0])
        self.put("long-name", encode(self.dir / "long.jpg"))
        for face in "ic", "jpeg", "bmp":
            mount = self.mount(f"face={face}", prefix=ODD)
            self.assertEqual(len(self.names()), 1)
            self.assertEqual(mount.end(), (0, ""))

    def test_times_that_no_clock_has(self):
        """As seconds they fit in 64 bits, as nanoseconds not."""
        for seconds in (-(1 << 40), -9223372037, 9223372037, 1 << 40):
            name = f"{seconds}".replace("-", "minus")
            self.put(f"{name}/a.jpg", images()[0])
            os.utime(self.source / name / "a.jpg", (seconds, seconds))
            os.utime(self.source / name, (seconds, seconds))
        mount = self.mount()
        expected = encode(self.source / self.names()[0] / "a.jpg")
        for name in self.names():
            for _ in range(2):
                self.assertEqual(self.names(name), ["a.ic"])
                self.assertEqual(self.served(f"{name}/a.ic"), expected)
        self.assertIsNone(mount.process.poll())

    def test_times_of_a_directory(self):
        """One that was never opened is not watched."""
        (self.source / "d").mkdir()
        self.mount()
        os.listdir(self.point)
        before = os.stat(self.point / "d").st_mtime_ns
        time.sleep(0.02)
        self.put("d/new.txt", b"new")
        wanted = os.stat(self.source / "d").st_mtime_ns
        self.assertNotEqual(before, wanted)
        self.assertTrue(until(lambda: os.stat(self.point / "d").st_mtime_ns == wanted, BOUND))

    def test_a_policy_that_changes_while_names_are_looked_up(self):
        """Whoever reads it first, a request or the watch, the kernel forgets what was served before."""
        for i in range(8):
            self.put(f"{i}.jpg", images()[i])
        self.mount()
        look_up = "import os, sys\nfor i in range(1 << 60): os.path.exists(f'{sys.argv[1]}/none-{os.getpid()}-{i}')"
        lookers = [subprocess.Popen([sys.executable, "-c", look_up, self.point]) for _ in range(10)]
        try:
            for i in range(24):
                design = ("s2x2-b8-k6-q8", DEFAULT)[i % 2]
                if i % 2:
                    (self.source / ".icpolicy").unlink()
                else:
                    self.replace(".icpolicy", f"[policy]\ndesign = {design}\n".encode())
                view = self.point / ".icfs" / "view" / design
                sizes = [os.stat(view / f"{k}.ic").st_size for k in range(8)]
                got = until(lambda: [os.stat(self.point / f"{k}.ic").st_size for k in range(8)] == sizes, PATIENCE)
                self.assertTrue(got, f"edit {i}")
        finally:
            for looker in lookers:
                looker.kill()
                looker.wait()

    def test_a_policy_that_stays_bad_is_told_of_once(self):
        self.put("a.jpg", images()[0])
        (self.source / ".icpolicy").mkdir()
        mount = self.mount("nowatch")
        for i in range(20):
            os.path.exists(self.point / f"none-{i}")
        self.names()
        self.assertEqual(len(mount.log_lines("stays in force")), 1)

    def test_a_policy_that_goes_after_it_was_bad(self):
        self.put("a.jpg", images()[0])
        wanted = {design: len(encode(self.source / "a.jpg", design)) for design in (DEFAULT, "s4x4-b8-k3-q4")}
        self.put(".icpolicy", b"[policy]\ndesign = s4x4-b8-k3-q4\n")
        mount = self.mount("nowatch")
        self.assertEqual(os.stat(self.point / "a.ic").st_size, wanted["s4x4-b8-k3-q4"])
        os.unlink(self.source / ".icpolicy")
        (self.source / ".icpolicy").mkdir()
        self.assertTrue(until(lambda: mount.log_lines("stays in force") or os.path.exists(self.point / "none")))
        self.assertEqual(os.stat(self.point / "a.ic").st_size, wanted["s4x4-b8-k3-q4"])
        (self.source / ".icpolicy").rmdir()
        self.assertTrue(until(lambda: os.stat(self.point / "a.ic").st_size == wanted[DEFAULT]))

    def test_two_mounts_in_their_source(self):
        """Neither shows the other, for each would wait for the other."""
        self.put("a.jpg", images()[0])
        points = [self.source / name for name in ("one", "two")]
        for point in points:
            point.mkdir()
            self.mount(point=point)
        for point in points:
            self.assertEqual(subprocess.run(["find", ".", "-type", "f"], cwd=point, capture_output=True, timeout=60).stdout,
                             b"./a.ic\n")
            self.assertEqual(os.listdir(point), ["a.ic"])
            for other in ("one", "two"):
                self.assertFalse((point / other).exists())
        done = subprocess.run([ICFS, "mount", self.source, points[0]], capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"one: icfs is mounted there already", done.stderr)
        # By what the kernel calls it mounts of icfs are known: that is not for a user to say.
        for name, status in ("subtype=mine", 2), ("fsname=mine", 1):
            done = subprocess.run([ICFS, "mount", "-o", name, self.source, points[0]], capture_output=True,
                                  timeout=60)
            self.assertEqual(done.returncode, status)
        target = self.dir / "export"
        subprocess.run([ICFS, "export", self.source, target], check=True, capture_output=True, timeout=60)
        self.assertEqual(sorted(path.name for path in target.rglob("*.ic")), ["a.ic"])


if __name__ == "__main__":
    main()

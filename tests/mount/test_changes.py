# SPDX-License-Identifier: MIT
"""What changes in the source while it is mounted: seen within the bound, and never as a mixture."""

import errno
import os
import shutil
import signal
import struct
import threading
import time

from mounting import DEFAULT, MountTest, encode, images, main, until

READS = int(os.environ.get("ICFS_TEST_READS", "4000"))  # the long suite asks for 100,000


class Changes(MountTest):
    def replaced_source(self, name):
        """Read it again and again until it shows the new object."""
        return until(lambda: self.shows(name, self.new))

    def test_files_that_appear_and_vanish(self):
        self.put("sub/a.jpg", images()[0])
        self.mount()
        self.wait_for_names(["a.ic"], "sub")
        self.assertFalse((self.point / "sub/b.ic").exists())  # the kernel now remembers that it is not there
        self.put("sub/b.jpg", images()[1])
        self.assertTrue(until((self.point / "sub/b.ic").exists))
        self.assert_object("sub/b.ic", images()[1])
        self.wait_for_names(["a.ic", "b.ic"], "sub")
        os.unlink(self.source / "sub/a.jpg")
        self.assertTrue(until(lambda: not (self.point / "sub/a.ic").exists()))
        self.wait_for_names(["b.ic"], "sub")
        os.rename(self.source / "sub/b.jpg", self.source / "sub/c.jpg")
        self.assertTrue(until((self.point / "sub/c.ic").exists))
        self.assertTrue(until(lambda: not (self.point / "sub/b.ic").exists()))
        shutil.rmtree(self.source / "sub")
        self.assertTrue(until(lambda: not (self.point / "sub").exists()))

    def test_names_that_depend_on_a_neighbour(self):
        self.put("cat.jpg", images()[0])
        self.mount()
        self.wait_for_names(["cat.ic"])
        self.put("cat.jpeg", images()[1])
        self.wait_for_names(["cat.jpeg.ic", "cat.jpg.ic"])
        self.assertTrue(until(lambda: not (self.point / "cat.ic").exists()))
        self.assert_object("cat.jpg.ic", images()[0])
        os.unlink(self.source / "cat.jpeg")
        self.wait_for_names(["cat.ic"])
        self.assertTrue(until((self.point / "cat.ic").exists))
        self.put("cat.ic", b"real")
        self.assertTrue(until(lambda: self.shows("cat.ic", b"real")))
        self.assertTrue(until((self.point / "cat.jpg.ic").exists))

    def test_a_file_that_turns_into_an_image_and_back(self):
        self.put("x.jpg", b"")
        self.mount()
        self.wait_for_names(["x.jpg"])
        self.put("x.jpg", images()[0])
        self.wait_for_names(["x.ic"])
        self.assert_object("x.ic", images()[0])
        self.put("x.jpg", b"text now")
        self.wait_for_names(["x.jpg"])
        self.assertEqual(self.served("x.jpg"), b"text now")

    def test_a_source_that_is_replaced_or_written_over(self):
        self.put("a.jpg", images()[0])
        self.put("label.txt", b"one")
        self.mount()
        self.assert_object("a.ic", images()[0])
        self.assertEqual(self.served("label.txt"), b"one")
        self.replace("a.jpg", images()[1])
        self.replace("label.txt", b"twotwo")
        self.new = encode(self.source / "a.jpg")
        self.assertTrue(self.replaced_source("a.ic"))
        self.assertTrue(until(lambda: self.shows("label.txt", b"twotwo")))
        self.put("a.jpg", images()[2])
        self.new = encode(self.source / "a.jpg")
        self.assertTrue(self.replaced_source("a.ic"))

    def test_who_holds_the_old_file_gets_old_bytes_or_an_error(self):
        self.put("big.bin", b"1" * 3000000)
        self.put("a.jpg", images()[-1])
        self.mount("cache=0")
        old = self.served("a.ic")
        with open(self.point / "big.bin", "rb", 0) as big, open(self.point / "a.ic", "rb", 0) as object_file:
            self.assertEqual(big.read(10), b"1" * 10)
            self.replace("big.bin", b"2" * 3000000)
            self.replace("a.jpg", images()[0])
            with self.assertRaises(OSError) as caught:
                os.pread(big.fileno(), 1000, 2500000)
            self.assertEqual(caught.exception.errno, errno.ESTALE)
            self.assertEqual(os.fstat(object_file.fileno()).st_size, len(old))
            self.reads_old_bytes(object_file, old)
        self.assertTrue(until(lambda: self.shows("big.bin", b"2" * 3000000)))

    def reads_old_bytes(self, file, old):
        """All of them, or so many as the kernel still has and then an error: what it dropped nobody can make again."""
        got = b""
        try:
            while len(got) < len(old):
                part = file.read(len(old) - len(got))
                self.assertTrue(part, f"the end after {len(got)} of {len(old)} bytes")
                got += part
        except OSError as error:
            self.assertEqual(error.errno, errno.ESTALE)
        self.assertTrue(old.startswith(got))

    def test_permissions_follow(self):
        path = self.put("a.jpg", images()[0])
        os.chmod(path, 0o644)
        self.mount()
        self.assertEqual(os.stat(self.point / "a.ic").st_mode & 0o777, 0o444)
        os.chmod(path, 0o600)
        self.assertTrue(until(lambda: os.stat(self.point / "a.ic").st_mode & 0o777 == 0o400))

    def test_a_directory_that_is_replaced(self):
        self.put("d/a.jpg", images()[0])
        self.mount()
        self.assert_object("d/a.ic", images()[0])
        os.rename(self.source / "d", self.source / "e")
        self.put("d/a.jpg", images()[1])
        self.new = encode(self.source / "d/a.jpg")
        self.assertTrue(self.replaced_source("d/a.ic"))
        self.assert_object("e/a.ic", images()[0])

    def test_without_a_watch_the_bound_holds(self):
        """A hard link elsewhere writes without an event here; what then holds is the timeout."""
        self.put("here/a.jpg", images()[0])
        (self.source / "far").mkdir()
        os.link(self.source / "here/a.jpg", self.source / "far/a.jpg")
        mount = self.mount("staleness=0.3")
        self.assert_object("here/a.ic", images()[0])
        self.put("far/a.jpg", images()[1])
        self.new = encode(self.source / "here/a.jpg")
        self.assertTrue(self.replaced_source("here/a.ic"))
        self.assertIn("0.3", mount.text("policy"))

    def test_what_inotify_cannot_tell_of(self):
        """As on a network file system: everything is seen within the timeout."""
        bound = 0.3
        self.put("d/a.jpg", images()[0])
        self.put("d/label.txt", b"one")
        mount = self.mount("nowatch", f"staleness={bound}")
        self.assertIn("within 0.3 s", (self.point / "d/.icfs/policy").read_text())
        self.assertNotIn("inotify", mount.text("policy"))
        self.assert_object("d/a.ic", images()[0])
        self.assertFalse((self.point / "d/b.ic").exists())
        for step in (lambda: self.put("d/b.jpg", images()[1]), lambda: self.replace("d/a.jpg", images()[2]),
                     lambda: os.unlink(self.source / "d/label.txt"),
                     lambda: self.put("d/.icpolicy", b"[policy]\ndesign = s2x2-b8-k6-q8\n")):
            step()
            time.sleep(bound + 0.05)  # the promise itself, and a request that was under way
            design = "s2x2-b8-k6-q8" if (self.source / "d/.icpolicy").exists() else DEFAULT
            for name in ("a", "b"):
                self.assert_object(f"d/{name}.ic", (self.source / f"d/{name}.jpg").read_bytes(), design)
            self.assertEqual((self.point / "d/label.txt").exists(), (self.source / "d/label.txt").exists())
            self.assertEqual(len(self.names("d")), len(os.listdir(self.source / "d")))

    def test_events_that_were_lost(self):
        """More changes than the kernel's queue holds, while the daemon is not scheduled."""
        self.put("d/a.jpg", images()[0])
        self.put("d/e/b.jpg", images()[1])
        self.put("d/label.txt", b"one")
        mount = self.mount()
        self.assert_object("d/a.ic", images()[0])
        self.assert_object("d/e/b.ic", images()[1])
        with open("/proc/sys/fs/inotify/max_queued_events") as file:
            limit = int(file.read())
        mount.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, mount.process.pid, os.WSTOPPED)  # no thread of it takes an event from here on
        for _ in range(limit):  # two that differ, for equal ones in a row become one
            os.utime(self.source / "d/a.jpg")
            os.utime(self.source / "d/label.txt")
        self.replace("d/a.jpg", images()[2])
        self.put("d/e/.icpolicy", b"[policy]\ndesign = s2x2-b8-k6-q8\n")
        os.unlink(self.source / "d/label.txt")
        mount.process.send_signal(signal.SIGCONT)
        self.new = encode(self.source / "d/a.jpg")
        self.assertTrue(self.replaced_source("d/a.ic"))
        self.assertTrue(until(lambda: not (self.point / "d/label.txt").exists()))
        self.new = encode(self.source / "d/e/b.jpg", "s2x2-b8-k6-q8")
        self.assertTrue(self.replaced_source("d/e/b.ic"))
        self.assertTrue(until(lambda: len(mount.log_lines("events of changes were lost")) == 1))

    def read_while(self, name, change, allowed, reads):
        """Read `name` `reads` times while `change` runs again and again; what was read is always one of `allowed`."""
        stop = threading.Event()
        wrong, counts = [], {"read": 0, "stale": 0, "changes": 0}
        lock = threading.Lock()
        path = self.point / name

        def read():
            while not stop.is_set() and not wrong:
                try:
                    with open(path, "rb") as file:
                        content = file.read()
                    kind = "read"
                except OSError as error:
                    if error.errno not in (errno.ESTALE, errno.ENOENT):
                        wrong.append(error)
                    content, kind = None, "stale"
                if content is not None and content not in allowed:
                    wrong.append((len(content), content.count(0)))
                with lock:
                    counts[kind] += 1

        readers = [threading.Thread(target=read) for _ in range(4)]
        for reader in readers:
            reader.start()
        while (counts["read"] < reads or counts["changes"] < 20) and not wrong:
            change(counts["changes"])
            counts["changes"] += 1
            seen = sum(counts.values())
            until(lambda: sum(counts.values()) > seen + 40 or wrong, 0.2)
        stop.set()
        for reader in readers:
            reader.join()
        self.assertEqual(wrong, [])

    def test_no_mixture_of_objects(self):
        sources = images()[:3] + images()[-1:]
        allowed = []
        for source in sources:
            allowed.append(encode(self.put("x", source, self.dir)))
        self.put("a.jpg", sources[0])
        self.mount("cache=64K")
        self.read_while("a.ic", lambda n: self.replace("a.jpg", sources[n % 4]), allowed, READS)
        self.new = encode(self.source / "a.jpg")
        self.assertTrue(self.replaced_source("a.ic"))

    def test_no_mixture_of_files(self):
        contents = [struct.pack("<I", i) * (50000 + 7000 * i) for i in range(1, 5)]
        self.put("a.bin", contents[0])
        self.mount()
        self.read_while("a.bin", lambda n: self.replace("a.bin", contents[n % 4]), contents, READS)
        final = (self.source / "a.bin").read_bytes()
        self.assertTrue(until(lambda: self.shows("a.bin", final)))

    def test_no_mixture_of_a_file_of_one_size(self):
        contents = [bytes([65 + i]) * 200000 for i in range(4)]
        self.put("a.bin", contents[0])
        self.mount()
        self.read_while("a.bin", lambda n: self.replace("a.bin", contents[n % 4]), contents, READS // 2)


if __name__ == "__main__":
    main()

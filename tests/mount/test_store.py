# SPDX-License-Identifier: MIT
"""The store below a mount: what is served with it is what is served without, and sources are decoded once."""

import concurrent.futures
import contextlib
import os
import pathlib
import signal
import subprocess
import unittest

from mounting import (DEFAULT, ENCODER, ICFS, MKIMAGES, Mount, MountTest, hurry, images, is_jpeg, least_memory, main,
                      until)

MADE = "icfs_object_made_bytes_total"
HITS = "icfs_store_hits_total"
DESIGN = "s2x2-b8-k9-q8"
SPARSER = ("s2x2-b8-k9-q8", "s2x2-b8-k9-q3", "s2x2-b8-k4-q8", "s2x2-b8-k1-q1")


def encode(path, design, face="ic", metadata="drop"):
    """The bytes that the command makes, or None where it fails."""
    done = subprocess.run([ENCODER, "encode", "--design", design, "--face", face, "--metadata", metadata, path, "-"],
                          capture_output=True)
    return done.stdout if done.returncode == 0 else None


class Store(MountTest):
    def setUp(self):
        super().setUp()
        self.store = self.dir / "store"
        self.paths = []
        for i in range(6):
            self.paths.append(pathlib.Path(self.put(f"train/{i}.jpg", images()[i]).decode()))
        with_comment = images()[0][:2] + b"\xff\xfe\x00\x09comment" + images()[0][2:]
        self.paths.append(pathlib.Path(self.put("train/comment.jpg", with_comment).decode()))

    def with_store(self, *options):
        return self.mount(f"store={self.store}", "store_keep_free=0", *options)

    def again(self, mount, *options):
        self.assertEqual(mount.end(), (0, ""))
        return self.with_store(*options)

    def warms(self, mount, condition):
        """Wait for what is warmed at idle priority."""
        return until(lambda: hurry(mount.process.pid) or condition())

    def name(self, path, design, face="ic"):
        relative = path.relative_to(self.source)
        view = pathlib.Path(".icfs/view", f"{design},{face}")
        return str(view / (relative.with_suffix(".ic") if face == "ic" else relative))

    def check_all(self, designs=SPARSER, faces=("ic", "jpeg", "bmp")):
        for path in self.paths:
            for design in designs:
                for face in faces:
                    self.assertEqual(self.served(self.name(path, design, face)), encode(path, design, face),
                                     (path, design, face))

    def test_each_source_is_decoded_once_for_all_designs(self):
        mount = self.with_store()
        for path in self.paths:
            self.assertEqual(self.served(self.name(path, DESIGN)), encode(path, DESIGN))
        until(lambda: mount.stats()["icfs_store_records"] == len(self.paths))
        read = mount.stats()["icfs_source_read_bytes_total"]
        self.check_all()
        self.assertEqual(mount.stats()["icfs_source_read_bytes_total"], read)
        for _ in range(2):
            mount = self.again(mount)
            self.check_all()
            stats = mount.stats()
            self.assertEqual((stats[MADE], stats["icfs_source_read_bytes_total"]), (0, 0))
            self.assertEqual(stats["icfs_store_misses_total"], 0)
            self.assertGreater(stats[HITS], 50)
            self.assertEqual(stats["icfs_store_records"], len(self.paths))

    def test_a_denser_design_takes_the_place_of_a_sparser_one(self):
        mount = self.with_store()
        self.check_all(("s2x2-b8-k2-q4",), ("ic",))
        self.check_all((DESIGN,), ("jpeg",))
        mount = self.again(mount)
        self.check_all()
        self.assertEqual(mount.stats()[MADE], 0)
        self.assertEqual(mount.stats()["icfs_store_records"], len(self.paths))

    def test_metadata(self):
        options = ("face=jpeg", "metadata=keep", f"design={DESIGN}")
        mount = self.with_store(*options)
        for _ in range(2):
            for path in self.paths:
                served = self.served(str(path.relative_to(self.source)))
                self.assertEqual(served, encode(path, DESIGN, "jpeg", "keep"), path)
                self.assertEqual(b"comment" in served, path.stem == "comment")
            mount = self.again(mount, *options)
        self.assertEqual(mount.stats()[MADE], 0)

    def test_sources_that_end_early(self):
        path = pathlib.Path(self.put("cut.jpg", images()[0][:-400]).decode())
        mount = self.with_store()
        for _ in range(2):
            self.assertEqual(self.served(self.name(path, DESIGN)), encode(path, DESIGN))
            self.assertEqual(self.served(self.name(path, DESIGN, "jpeg")), path.read_bytes())
            with self.assertRaises(OSError):
                (self.point / self.name(path, DESIGN, "bmp")).read_bytes()
            mount = self.again(mount)
        self.served(self.name(path, DESIGN))
        self.assertEqual(mount.stats()[MADE], 0)

    def test_a_source_that_changes(self):
        mount = self.with_store()
        self.check_all((DESIGN,), ("ic",))
        self.replace("train/0.jpg", images()[3])
        name = self.name(self.paths[0], DESIGN)
        expected = encode(self.paths[0], DESIGN)
        self.assertTrue(until(lambda: self.shows(name, expected)))
        self.assertEqual(mount.end(), (0, ""))
        self.replace("train/1.jpg", images()[4])
        mount = self.with_store()
        self.check_all()
        self.assertGreater(mount.stats()[MADE], 0)

    def test_damage_is_made_good(self):
        mount = self.with_store()
        self.check_all((DESIGN,), ("ic",))
        self.assertEqual(mount.end(), (0, ""))
        [segment] = self.store.glob("*.seg")
        content = bytearray(segment.read_bytes())
        for at in range(200, len(content) - 400, 1500):
            content[at] ^= 0x55
        segment.write_bytes(content)
        mount = self.with_store()
        self.check_all()
        self.assertGreater(mount.stats()["icfs_store_corrupt_total"], 0)
        self.assertGreater(len(mount.log_lines("is damaged; it is made again")), 0)
        mount = self.again(mount)
        self.check_all()
        self.assertEqual(mount.stats()[MADE], 0)

    def test_two_mounts_share_it(self):
        other = self.dir / "other"
        other.mkdir()
        log = self.dir / "other.log"
        first = self.with_store()
        second = Mount(self.source, other, log, [f"store={self.store}", "store_keep_free=0"])
        self.addCleanup(self.end, second)
        self.check_all((DESIGN,), ("ic",))
        point, self.point = self.point, other

        def sees_all():
            self.check_all((DESIGN,), ("ic",))
            self.served(self.name(self.paths[0], "s4x4-b8-k1-q8"))  # a miss, so it looks
            return second.stats()["icfs_store_records"] >= len(self.paths)

        self.assertTrue(until(sees_all))
        self.check_all()
        self.point = point
        self.check_all()
        self.assertEqual((first.end(), second.end()), ((0, ""), (0, "")))

    def test_killed(self):
        for round in range(5):
            mount = self.with_store()
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                reading = [pool.submit(self.served, self.name(path, f"s1x{1 << round % 3}-b8-k{round + 3}-q8"))
                           for path in self.paths]
                reading[round].exception()
                mount.process.send_signal(signal.SIGKILL)
                for future in reading:
                    future.exception()
            mount.wait()
            subprocess.run(["fusermount3" if os.geteuid() else "umount", *(["-u"] if os.geteuid() else []), self.point],
                           check=True)
        mount = self.with_store()
        self.check_all((DEFAULT,))
        self.check_all()
        self.assertEqual(mount.stats()["icfs_store_corrupt_total"], 0)

    def store_nbytes(self):
        """Of files that are there while they are counted: segments are dropped in the background."""
        nbytes = 0
        for path in self.store.iterdir():
            with contextlib.suppress(FileNotFoundError):
                nbytes += path.stat().st_size
        return nbytes

    def test_bounds(self):
        mount = self.with_store("store_size=128K", "cache=0")
        for design in ("s1x1-b8-k15-q8", "s1x1-b16-k31-q8", "s1x1-b4-k7-q8", "s1x2-b8-k15-q8"):
            self.check_all((design,), ("ic",))
            self.assertLessEqual(self.store_nbytes(), 128 << 10)
        self.assertTrue(until(lambda: mount.stats()["icfs_store_dropped_total"] > 0))
        self.assertEqual(mount.stats()["icfs_store_limit_bytes"], 128 << 10)

    def test_places(self):
        for store, reason in ((self.source / "inside", "lies in the source, which is never written to"),
                              (self.source, "lies in the source, which is never written to"),
                              (self.dir / "none/at/all", "No such file or directory"), ("/dev/null", "Not a directory")):
            with self.assertRaises(RuntimeError) as caught:
                self.mount(f"store={store}")
            self.assertEqual(str(caught.exception), f"no mount: icfs: store {store}: {reason}\n")
        self.assertEqual(os.listdir(self.source), ["train"])
        for option in ("store=", "store_size=x", "store_keep_free=-1"):
            with self.assertRaises(RuntimeError):
                self.mount(option)

    def test_a_warm_store_needs_no_source(self):
        subprocess.run([ICFS, "warm", "--store", self.store, "--store-keep-free", "0", "--design", DESIGN, self.source],
                       check=True, stdout=subprocess.DEVNULL)
        mount = self.with_store()
        self.check_all()
        stats = mount.stats()
        self.assertEqual((stats[MADE], stats["icfs_source_read_bytes_total"]), (0, 0))

    def test_a_mount_warms_itself(self):
        (self.source / "train" / ".icpolicy").write_text(f"[policy]\ndesign = {DESIGN}\n")
        mount = self.with_store("warm")
        self.assertTrue(self.warms(mount, lambda: mount.log_lines("warming the store is done")))
        self.assertIn(f"{len(self.paths)} objects stored, 0 there before, 0 failed", mount.log_lines("is done")[0])
        self.assertTrue(self.warms(mount, lambda: mount.stats()["icfs_store_records"] == len(self.paths)))
        self.check_all()
        self.assertEqual(mount.stats()[MADE], 0)
        mount = self.again(mount, "warm")
        self.assertTrue(self.warms(mount, lambda: mount.log_lines("0 objects stored, 7 there before, 0 failed")))

    def test_warming_follows_policies(self):
        mount = self.with_store("warm", f"design={DESIGN}")
        done = "warming the store is done: %d objects stored, %d there before, 0 failed"
        n = len(self.paths)
        self.assertTrue(self.warms(mount, lambda: mount.log_lines(done % (n, 0))))
        os.listdir(self.point / "train")  # so that it is watched
        for i, design in enumerate(("s2x2-b4-k4-q8", "s2x2-b16-k9-q8")):
            (self.source / "train" / ".icpolicy").write_text(f"[policy]\ndesign = {design}\n")
            self.assertTrue(self.warms(mount, lambda: len(mount.log_lines(done % (n, 0))) == 2 + i),
                            mount.log_lines("warming"))
            self.assertTrue(self.warms(mount, lambda: mount.stats()["icfs_store_records"] == (2 + i) * n))
        (self.source / "train" / ".icpolicy").unlink()
        self.assertTrue(self.warms(mount, lambda: mount.log_lines(done % (0, n))), mount.log_lines("warming"))
        # One that has long been there is not a change, though nobody has read it before.
        (self.source / "old").mkdir()
        (self.source / "old" / ".icpolicy").write_text("[policy]\nface = orig\n")
        mount = self.again(mount, "warm", f"design={DESIGN}")
        self.assertTrue(self.warms(mount, lambda: mount.log_lines(done % (0, n))))
        os.listdir(self.point / "old")
        self.assertTrue(mount.log_lines("old/.icpolicy: read"))
        self.check_all()
        self.assertEqual(mount.stats()[MADE], 0)
        self.assertEqual(len(mount.log_lines("warming the store is done")), 1)

    def test_limits_are_those_of_what_is_asked_for(self):
        """A store is given eight bits of each object, which may take more memory than the limit allows."""
        path, sparse, dense = self.paths[0], "s1x1-b8-k15-q1", "s1x1-b8-k15-q8"
        limit = least_memory(path, sparse)
        self.assertGreater(least_memory(path, dense), limit)
        mount = self.with_store(f"memory={limit}")
        self.assertEqual(self.served(self.name(path, sparse)), encode(path, sparse))
        self.assertEqual(mount.stats()["icfs_store_records"], 0)

    def test_what_is_stored_is_presented_within_the_limit(self):
        """As what is not: a JPEG that takes too much to present is served as it is."""
        subprocess.run([MKIMAGES, "--classes", "2", "--count", "2", "--size", "1200x900", self.dir / "large"], check=True,
                       stdout=subprocess.DEVNULL)
        large = next(path for path in (self.dir / "large").rglob("*.*") if is_jpeg(path))
        path, design = self.put("large.jpg", large.read_bytes()).decode(), "s1x1-b2-k3-q8-c1"
        limit = least_memory(path, design, "jpeg")
        self.assertLess(least_memory(path, design), limit)
        subprocess.run([ICFS, "warm", "--store", self.store, "--store-keep-free=0", "-d", design, self.source], check=True,
                       stdout=subprocess.DEVNULL)
        name = os.path.relpath(path, self.source)
        for memory, is_made in ((limit, True), (limit - 1, False)):
            mount = self.with_store(f"memory={memory}", "face=jpeg", f"design={design}", "catalog=none")
            self.assertEqual(self.served(name) != pathlib.Path(path).read_bytes(), is_made)
            self.assertEqual(mount.end(), (0, ""))

    def test_a_mount_over_its_own_source_warms_itself(self):
        point, self.point = self.point, self.source
        mount = self.mount(f"store={self.store}", "store_keep_free=0", "warm", point=self.source)
        self.assertTrue(self.warms(mount, lambda: mount.log_lines("warming the store is done")))
        self.assertIn(f"{len(self.paths)} objects stored", mount.log_lines("is done")[0])
        self.assertEqual(mount.end(), (0, ""))
        self.point = point

    def test_a_mount_ends_while_it_warms_itself(self):
        for i in range(400):
            self.put(f"many/{i}.jpg", images()[i % 6])
        mount = self.with_store("warm", "design=s1x1-b16-k31-q8")
        self.assertTrue(self.warms(mount, lambda: mount.stats()["icfs_store_records"] > 10))
        self.assertEqual(mount.end(), (0, ""))
        mount = self.with_store("warm", "design=s1x1-b16-k31-q8")
        self.assertTrue(self.warms(mount, lambda: mount.log_lines("warming the store is done")))
        self.assertTrue(self.warms(mount, lambda: mount.stats()["icfs_store_records"] == 400 + len(self.paths)))

    def test_warm_needs_a_store(self):
        with self.assertRaises(RuntimeError) as caught:
            self.mount("warm")
        self.assertEqual(str(caught.exception), "no mount: icfs: warm: needs a store to fill\n")

    def test_permissions(self):
        mount = self.with_store()
        self.check_all((DESIGN,), ("ic",))
        self.assertEqual(mount.end(), (0, ""))
        self.assertEqual(self.store.stat().st_mode & 0o777, 0o700)
        self.assertEqual({path.stat().st_mode & 0o777 for path in self.store.iterdir()}, {0o600})

    def test_without(self):
        self.assertNotIn("icfs_store", self.mount().text("stats"))


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""The faces jpeg, bmp and orig: the tree keeps its names, every file is what `icfs encode --face` makes of it, sizes are
exact, and nothing is made before somebody asks for that file."""

import concurrent.futures
import contextlib
import errno
import io
import mmap
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import unittest

from mounting import (DEFAULT, ENCODER, ICFS, MKIMAGES, MountTest, extended_attributes, images, is_candidate, is_jpeg,
                      least_memory, main, until)
from opens import Opens

DATA = os.environ.get("ICFS_TEST_DATA")
DESIGNS = [DEFAULT, "s2x2-b8-k6-q8", "s1x1-b16-k9-q5", "s4x2-b1-k1-q5", "s2x2-b8-k6-q8-c1-fbox"]
MADE = "icfs_cache_misses_total"


def encode(source, design, face, metadata="drop"):
    """The object that the command makes, or None where it fails."""
    line = [ENCODER, "encode", "--design", design, "--face", face, "--metadata", metadata, source, "-"]
    done = subprocess.run(line, capture_output=True)
    return done.stdout if done.returncode == 0 else None


def decode(source, design):
    """The pixels of the .ic object, as a PPM."""
    made = subprocess.run([ENCODER, "encode", "--design", design, source, "-"], capture_output=True, check=True)
    return subprocess.run([ENCODER, "decode", "--format", "ppm", "-", "-"], input=made.stdout, capture_output=True,
                          check=True).stdout


class Faces(MountTest):
    def remount(self, mount, *options):
        self.assertEqual(mount.end(), (0, ""))
        return self.mount(*options)

    def below(self, design, face):
        return f".icfs/view/{design},{face}"

    def fails(self, name):
        """Listed with a size that is not zero, and an I/O error."""
        path = self.point / name
        self.assertGreater(os.stat(path).st_size, 0)
        with self.assertRaises(OSError) as caught:
            path.read_bytes()
        self.assertEqual(caught.exception.errno, errno.EIO, name)

    def check(self, path, design, face):
        name = os.path.join(self.below(design, face), os.path.relpath(path, self.source))
        source = pathlib.Path(path).read_bytes()
        if face == "orig" or not is_candidate(path) or not is_jpeg(path):
            self.assertEqual(self.served(name), source, name)
            return "file"
        expected = encode(path, design, face)
        if expected is not None:
            self.assertEqual(self.served(name), expected, name)
            return "object"
        if face == "jpeg":
            self.assertEqual(self.served(name), source, name)
            return "as it is"
        self.fails(name)
        return "failure"

    def check_tree(self, design, face, source=None):
        work = [os.path.join(folder, file) for folder, _, files in os.walk(source or self.source) for file in files]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            kinds = list(pool.map(lambda path: self.check(path, design, face), work))
        return {kind: kinds.count(kind) for kind in set(kinds)}

    def make_tree(self, count=5):
        subprocess.run([MKIMAGES, "--classes", "2", "--count", str(count), self.source], check=True,
                       stdout=subprocess.DEVNULL)
        return sorted(str(path.relative_to(self.source)) for path in self.source.rglob("*"))

    def test_a_tree_of_classes(self):
        self.make_tree()
        self.mount()
        for design, face in [(d, f) for d in DESIGNS for f in ("jpeg", "bmp")] + [(DEFAULT, "orig")]:
            counts = self.check_tree(design, face)
            self.assertGreaterEqual(counts["object" if face != "orig" else "file"], 10, (design, face))
            self.assertFalse({"failure", "as it is"} & set(counts))

    def test_odd_images(self):
        subprocess.run([MKIMAGES, "--odd", self.source], check=True)
        mount = self.mount()
        for design in (DESIGNS[0], DESIGNS[2]):
            self.assertGreater(self.check_tree(design, "jpeg")["as it is"], 3)
            self.assertGreater(self.check_tree(design, "bmp")["failure"], 3)
        self.assertEqual(set(self.check_tree(DEFAULT, "orig")), {"file"})
        self.assertTrue(mount.text("stats"))

    def test_names_are_the_sources_own(self):
        wanted = self.make_tree()
        for face in ("jpeg", "bmp", "orig"):
            mount = self.mount("face=" + face)
            found = sorted(str(path.relative_to(self.point)) for path in self.point.rglob("*"))
            self.assertEqual(found, wanted, face)
            self.assertFalse(any(name.endswith(".ic") for name in found))
            self.assertRegex(mount.text("policy"), f"face: {face}\n  [^\n]*\n  rule: -o face={face}\n")
            self.assertEqual(mount.end(), (0, ""))

    def test_two_mounts_share_a_catalog(self):
        """Both at once; what one has encoded, the other knows the size of."""
        self.make_tree()
        names = [path.relative_to(self.source) for path in self.source.rglob("*.jp*g") if is_jpeg(path)]
        other = self.dir / "other"
        other.mkdir()
        first, second = self.mount("face=jpeg"), self.mount("face=jpeg", point=other)
        sizes = [(self.point / name).stat().st_size for name in names]
        self.assertEqual(first.stats()[MADE], len(names))
        with contextlib.closing(sqlite3.connect(self.dir / "catalog.db")) as catalog:
            self.assertTrue(until(lambda: catalog.execute("SELECT count(*) FROM object_size").fetchone()[0] >= len(names)))
        self.assertEqual([(other / name).stat().st_size for name in names], sizes)
        self.assertEqual(second.stats()[MADE], 0)
        self.assertEqual([len((other / name).read_bytes()) for name in names], sizes)

    def test_orig_alone_is_a_view(self):
        self.put("a.jpg", images()[0])
        self.mount("face=orig")
        self.assertEqual(self.served(".icfs/view/orig/a.jpg"), images()[0])
        self.assertEqual(self.served("a.jpg"), images()[0])
        self.assertIn("orig", self.names(".icfs", "view"))

    def test_a_policy_says_the_face(self):
        self.put("a/.icpolicy", b"[policy]\ndesign = s2x2-b8-k6-q8\nface = jpeg\n")
        path = self.put("a/x.jpg", images()[0])
        self.put("x.jpg", images()[0])
        self.mount()
        self.assertEqual(self.names("a"), [".icpolicy", "x.jpg"])
        self.assertEqual(self.names(), ["a", "x.ic"])
        self.assertEqual(self.served("a/x.jpg"), encode(path, "s2x2-b8-k6-q8", "jpeg"))
        for face in ("bmp", "orig", "jpeg"):
            self.put("a/.icpolicy", f"[policy]\ndesign = s2x2-b8-k6-q8\nface = {face}\n".encode())
            expected = encode(path, "s2x2-b8-k6-q8", face)
            self.assertTrue(until(lambda: self.shows("a/x.jpg", expected)), face)
        self.put("a/.icpolicy", b"[policy]\nface = ic\n")
        self.wait_for_names([".icpolicy", "x.ic"], "a")

    def test_extended_attributes(self):
        self.put("a.jpg", images()[0])
        self.put("cut.jpg", images()[1][:-400])
        self.mount("face=jpeg", "metadata=keep")
        path = self.point / "a.jpg"
        self.assertEqual(extended_attributes(path), {"user.icfs.design": DEFAULT, "user.icfs.face": "jpeg", "user.icfs.metadata": "keep",
                                "user.icfs.rule": "the default", "user.icfs.source": "a.jpg"})
        self.assertEqual(extended_attributes(self.point / "cut.jpg"), {"user.icfs.source": "cut.jpg"})

    def test_metadata(self):
        path = pathlib.Path(os.fsdecode(self.put("a.jpg", b"\xff\xd8\xff\xfe\0\x0ea comment :)" + images()[0][2:])))
        self.put("keep/.icpolicy", b"[policy]\nmetadata = keep\n")
        shutil.copy(path, self.source / "keep/a.jpg")
        mount = self.mount("face=jpeg")
        kept, dropped = encode(path, DEFAULT, "jpeg", "keep"), encode(path, DEFAULT, "jpeg")
        self.assertIn(b"a comment :)", kept)
        self.assertNotIn(b"a comment", dropped)
        self.assertEqual(self.served("keep/a.jpg"), kept)
        self.assertEqual(self.served("a.jpg"), dropped)
        self.assertIn("metadata: keep\n  rule: keep/.icpolicy, line 2\n",
                      (self.point / "keep/.icfs/policy").read_text())
        self.assertIn("metadata: drop\n  rule: the default\n", mount.text("policy"))
        self.put("keep/.icpolicy", b"[policy]\nmetadata = drop\n")
        self.assertTrue(until(lambda: self.shows("keep/a.jpg", dropped)))

    # --- What costs what ---

    def test_a_listing_makes_nothing(self):
        self.make_tree(8)
        mount = self.mount("face=jpeg")
        found = 0
        for _, folders, files in os.walk(self.point):
            found += len(files)
        subprocess.run(["find", self.point, "-type", "f"], check=True, stdout=subprocess.DEVNULL)
        with os.scandir(self.point / "train") as entries:
            self.assertTrue(all(entry.is_dir() for entry in entries if not entry.name.startswith(".")))
        self.assertGreater(found, 16)
        self.assertEqual(mount.stats()[MADE], 0)
        self.assertEqual(mount.stats()["icfs_source_read_bytes_total"], 0)

    def test_a_look_makes_once_and_the_read_nothing(self):
        for i in range(6):
            self.put(f"{i}.jpg", images()[i])
        mount = self.mount("face=jpeg")
        sizes = [os.stat(self.point / f"{i}.jpg").st_size for i in range(6)]
        self.assertEqual(mount.stats()[MADE], 6)
        self.assertEqual([len(self.served(f"{i}.jpg")) for i in range(6)], sizes)
        self.assertEqual(mount.stats()[MADE], 6)

    def test_a_look_opens_a_source_once(self):
        """To see what it is, and to make what is served."""
        for i in range(6):
            self.put(f"{i}.jpg", images()[i])
        self.put("none.jpg", b"no JPEG")
        self.mount("face=jpeg")
        names = os.listdir(self.source)
        opens = Opens(self.source)
        for name in names:
            self.assertGreater(os.stat(self.point / name).st_size, 0)
        self.assertEqual(opens.end(), dict.fromkeys(names, 1))

    def test_sizes_survive_a_remount(self):
        for i in range(6):
            self.put(f"{i}.jpg", images()[i])
        self.put("cut.jpg", images()[0][:-300])
        mount = self.mount("face=jpeg")
        sizes = {name: os.stat(self.point / name).st_size for name in self.names()}
        self.assertEqual(sizes["cut.jpg"], len(images()[0]) - 300)
        self.assertEqual(len(mount.log_lines("cut.jpg")), 1)
        mount = self.remount(mount, "face=jpeg")
        subprocess.run(["ls", "-l", self.point], check=True, stdout=subprocess.DEVNULL)
        self.assertEqual({name: os.stat(self.point / name).st_size for name in self.names()}, sizes)
        self.assertEqual(mount.stats()[MADE], 0)
        self.assertGreaterEqual(mount.stats()["icfs_sizes_remembered_total"], 7)
        self.assertEqual({name: len(self.served(name)) for name in self.names()}, sizes)
        self.assertEqual(mount.stats()[MADE], 6)  # nothing can be made of the one that is cut
        self.assertEqual(mount.log_lines("cut.jpg"), [])

    def test_sizes_that_were_remembered_within_wider_limits(self):
        """Readers meet the source, as without a memory, and the memory stays that of the wider limits."""
        self.put("large.jpg", images()[-1])
        self.put("small.jpg", images()[4])
        large, small = (least_memory(self.source / name, face="jpeg") for name in ("large.jpg", "small.jpg"))
        self.assertLess(small, large)
        mount = self.mount("face=jpeg")
        made = {name: self.served(name) for name in self.names()}
        for limit, expected in ((large - 1, {**made, "large.jpg": images()[-1]}), (large, made)):
            mount = self.remount(mount, "face=jpeg", f"memory={limit}")
            self.assertEqual({name: os.stat(self.point / name).st_size for name in self.names()},
                             {name: len(content) for name, content in expected.items()})
            self.assertEqual(mount.stats()[MADE], int(limit < large))  # tried, to see whether a store has it
            self.assertEqual({name: self.served(name) for name in self.names()}, expected)
            self.assertEqual(len(mount.log_lines("large.jpg: served as it is: making it needs")), int(limit < large))

    def test_limits_that_only_making_tells_of(self):
        from PIL import Image
        with Image.open(io.BytesIO(images()[0])) as image:
            image.save(self.source / "a.jpg", progressive=True)
        source = (self.source / "a.jpg").read_bytes()
        mount = self.mount("face=jpeg")
        made = self.served("a.jpg")
        self.assertNotEqual(made, source)
        mount = self.remount(mount, "face=jpeg", "scans=2")
        with self.assertRaises(OSError) as caught:
            self.served("a.jpg")
        self.assertEqual(caught.exception.errno, errno.ESTALE)
        self.assertTrue(until(lambda: self.shows("a.jpg", source)))
        self.assertEqual(len(mount.log_lines("it was made before within wider limits, or from a store")), 1)
        self.remount(mount, "face=jpeg")
        self.assertEqual(self.served("a.jpg"), made)

    def test_without_a_catalog(self):
        self.put("a.jpg", images()[0])
        mount = self.mount("face=jpeg", "catalog=none")
        self.assertEqual(self.served("a.jpg"), encode(self.source / "a.jpg", DEFAULT, "jpeg"))
        self.assertFalse((self.dir / "catalog.db").exists())
        self.assertEqual(mount.end(), (0, ""))
        (self.dir / "catalog.db").write_bytes(b"no database " * 100)
        mount = self.mount("face=jpeg,design=auto")  # the default place
        self.assertEqual(len(mount.log_lines("no catalog")), 1)
        self.assertIn("catalog.db: file is not a database; so the default", (self.point / ".icfs/policy").read_text())
        self.assertEqual(self.served("a.jpg"), encode(self.source / "a.jpg", DEFAULT, "jpeg"))
        self.assertEqual(mount.end(), (0, ""))
        with self.assertRaisesRegex(RuntimeError, "catalog.db: file is not a database"):
            self.mount(f"catalog={self.dir}/catalog.db")

    def test_a_named_catalog(self):
        self.put("a.jpg", images()[0])
        mount = self.mount("face=jpeg", f"catalog={self.dir}/other.db")
        os.stat(self.point / "a.jpg")
        self.assertEqual(mount.end(), (0, ""))
        self.assertEqual((self.dir / "other.db").stat().st_mode & 0o777, 0o600)

    def test_a_wrong_size_is_never_served(self):
        self.put("a.jpg", images()[0])
        self.put("b.jpg", images()[1])
        self.put("cut.jpg", images()[2][:-300])
        expected = {name: encode(self.source / name, DEFAULT, "jpeg") for name in ("a.jpg", "b.jpg")}
        expected["cut.jpg"] = images()[2][:-300]
        mount = self.mount("face=jpeg")
        for name in expected:
            os.stat(self.point / name)
        self.assertEqual(mount.end(), (0, ""))
        with sqlite3.connect(self.dir / "catalog.db") as db:
            db.execute("UPDATE object_size SET nbytes = nbytes + 1000 * (1 - 2 * (source % 2)), as_is = 0")
        db.close()
        mount = self.mount("face=jpeg")
        for name, content in expected.items():
            self.assertNotEqual(os.stat(self.point / name).st_size, len(content))
            with self.assertRaises(OSError) as caught:
                (self.point / name).read_bytes()
            self.assertEqual(caught.exception.errno, errno.ESTALE, name)
            self.assertTrue(until(lambda: self.shows(name, content)), name)
        mount = self.remount(mount, "face=jpeg")
        for name, content in expected.items():
            self.assertEqual(os.stat(self.point / name).st_size, len(content))
        self.assertEqual(mount.stats()[MADE], 0)

    def test_a_wrong_size_that_cannot_be_corrected(self):
        folder = self.dir / "kept"
        folder.mkdir()
        self.put("a.jpg", images()[0])
        expected = encode(self.source / "a.jpg", DEFAULT, "jpeg")
        mount = self.mount("face=jpeg", f"catalog={folder}/catalog.db")
        os.stat(self.point / "a.jpg")
        self.assertEqual(mount.end(), (0, ""))
        with contextlib.closing(sqlite3.connect(folder / "catalog.db")) as db, db:
            db.execute("UPDATE object_size SET nbytes = nbytes + 1000")
        mount = self.mount("face=jpeg", f"catalog={self.read_only_view(folder)}/catalog.db")
        self.assertEqual(os.stat(self.point / "a.jpg").st_size, len(expected) + 1000)
        with self.assertRaises(OSError) as caught:
            (self.point / "a.jpg").read_bytes()
        self.assertEqual(caught.exception.errno, errno.ESTALE)
        self.assertTrue(until(lambda: self.shows("a.jpg", expected)))
        self.assertEqual(len(mount.log_lines("the catalog is not used any more: Read-only file system")), 1)

    def test_a_source_that_changes(self):
        self.put("a.jpg", images()[0])
        other = self.dir / "other.jpg"
        mount = self.mount("face=jpeg")
        os.stat(self.point / "a.jpg")
        for content in (images()[5], images()[1][:-300], b"\xff\xd8\xff no JPEG", images()[2], b"text"):
            other.write_bytes(content)
            self.replace("a.jpg", content)
            expected = encode(other, DEFAULT, "jpeg") or content
            self.assertTrue(until(lambda: self.shows("a.jpg", expected)))
        mount = self.remount(mount, "face=jpeg")
        self.replace("a.jpg", images()[3])
        self.assertTrue(until(lambda: self.shows("a.jpg", encode(self.source / "a.jpg", DEFAULT, "jpeg"))))

    def test_limits(self):
        self.put("large.jpg", images()[-1])
        self.mount("pixels=10000")
        self.assertEqual(self.served(self.below(DEFAULT, "jpeg") + "/large.jpg"), images()[-1])
        self.fails(self.below(DEFAULT, "bmp") + "/large.jpg")

    # --- Programs ---

    def test_pixels(self):
        from PIL import Image
        self.make_tree(4)
        self.mount()
        for design, face, exact in ((DEFAULT, "jpeg", True), ("s2x2-b8-k6-q8", "jpeg", True),
                                    ("s1x1-b8-k4-q5", "jpeg", False), ("s1x1-b16-k31-q8", "jpeg", False),
                                    ("s2x2-b8-k6-q8", "bmp", True), ("s1x1-b16-k9-q3-c1", "bmp", True)):
            for path in sorted(path for path in self.source.rglob("*.jp*g") if is_jpeg(path))[:6]:
                name = self.point / self.below(design, face) / path.relative_to(self.source)
                with Image.open(name) as image:
                    self.assertEqual(image.format, face.upper())
                    pixels = image.convert("RGB")
                wanted = decode(path, design)
                head = b"P6\n%d %d\n255\n" % pixels.size
                self.assertTrue(wanted.startswith(head), name)
                wanted, pixels = wanted[len(head):], pixels.tobytes()
                differences = [abs(a - b) for a, b in zip(wanted, pixels)]
                if exact:
                    self.assertEqual(max(differences), 0, name)
                self.assertLess(sum(differences) / len(differences), 2, name)

    def test_programs(self):
        self.make_tree(4)
        mount = self.mount("face=jpeg", "design=s2x2-b8-k6-q8")
        copy = self.dir / "copy"
        subprocess.run(["cp", "-a", self.point, copy], check=True)
        with open(self.dir / "tree.tar", "wb") as out:
            subprocess.run(["tar", "-C", self.point, "-c", "."], check=True, stdout=out)
        names = [path.relative_to(copy) for path in copy.rglob("*") if path.is_file()]
        for name in names:
            subprocess.run(["cmp", copy / name, self.point / name], check=True)
            with open(self.point / name, "rb") as file:
                if os.fstat(file.fileno()).st_size:
                    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                        self.assertEqual(mapped[:], (copy / name).read_bytes())
        done = subprocess.run(["tar", "-C", self.point, "-d", "-f", self.dir / "tree.tar"], capture_output=True)
        self.assertEqual(done.returncode, 0, done.stdout)
        subprocess.run(["find", self.point, "-size", "+0", "-newermt", "1970-01-02"], check=True,
                       stdout=subprocess.DEVNULL)
        usage = [subprocess.run(["du", "-ab", "--exclude=.ic*", "train/bark"], cwd=folder, check=True,
                                capture_output=True, text=True).stdout.splitlines() for folder in (self.point, copy)]
        usage = [sorted(line for line in lines if "." in line) for lines in usage]  # of files, not of the folder
        self.assertGreater(len(usage[0]), 2)
        self.assertEqual(usage[0], usage[1])
        if shutil.which("file"):
            told = subprocess.run(["file", "-b", *sorted((self.point / "train/bark").glob("*.jp*g"))], check=True,
                                  capture_output=True, text=True).stdout.splitlines()
            self.assertGreater(sum("JPEG image data" in line and "baseline" in line for line in told), 1)
        self.assertTrue(mount.stats())

    def test_32_readers_at_once(self):
        for i in range(60):
            self.put(f"{i}.jpg", images()[i % 6])
        expected = [encode(self.source / f"{i}.jpg", DEFAULT, "jpeg") for i in range(6)]
        mount = self.mount("face=jpeg")

        def read_all(seed):
            order = list(range(60))
            random.Random(seed).shuffle(order)
            return all(self.served(f"{i}.jpg") == expected[i % 6] for i in order)

        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            self.assertTrue(all(pool.map(read_all, range(32))))
        self.assertEqual(mount.stats()[MADE], 60)

    @unittest.skipUnless(DATA, "ICFS_TEST_DATA names no folder")
    def test_edge_cases(self):
        self.source = pathlib.Path(DATA, "edge-cases")
        mount = self.mount()
        for design, face in ((DEFAULT, "jpeg"), ("s2x2-b8-k6-q8", "jpeg"), ("s2x2-b8-k6-q8", "bmp"), (DEFAULT, "orig")):
            counts = self.check_tree(design, face)
            self.assertGreater(sum(counts.values()), 100)
        self.assertTrue(mount.text("policy"))  # it is still alive

    @unittest.skipUnless(DATA, "ICFS_TEST_DATA names no folder")
    def test_hostile_bytes_under_image_names(self):
        """The fuzzing corpus has no extensions."""
        for i, path in enumerate(sorted(pathlib.Path(DATA, "edge-cases").rglob("*"))):
            if path.is_file():
                self.put(f"{i}.jpg", path.read_bytes())
        mount = self.mount()
        for design, face, other in ((DEFAULT, "jpeg", "as it is"), ("s2x2-b8-k6-q8", "bmp", "failure")):
            counts = self.check_tree(design, face)
            self.assertGreater(counts["object"], 100)
            self.assertGreater(counts[other], 100)
        self.assertTrue(mount.text("policy"))
        for face in ("jpeg", "bmp"):
            self.assertGreater(self.compare_pictures(self.below("s1x1-b8-k15-q8-c1", face)), 100)

    def compare_pictures(self, below):
        """How many were made; each shows what it showed before."""
        from PIL import Image, ImageChops, ImageStat
        ncompared, unread = 0, []
        for source in self.source.iterdir():
            served = self.point / below / source.name
            if not is_jpeg(source):
                continue
            try:
                if served.read_bytes() == source.read_bytes():
                    continue
            except OSError:
                continue
            try:
                with Image.open(source) as image:
                    before = image.convert("RGB")
            except OSError:
                unread.append(source.name)
                continue
            with Image.open(served) as image:
                difference = ImageChops.difference(before, image.convert("RGB"))
            self.assertLess(max(ImageStat.Stat(difference).mean), 2, source.name)
            ncompared += 1
        self.assertLessEqual(len(unread), 1, unread)  # Pillow refuses one for its EXIF data, which are dropped
        return ncompared

    def test_a_damaged_source(self):
        """Decoders go on behind codes that stand for nothing, each in its way, and say nothing."""
        self.make_tree(2)
        sources = sorted(path for path in self.source.rglob("*.jp*g") if is_jpeg(path))
        for source in sources:
            content = bytearray(source.read_bytes())
            middle = (content.rindex(b"\xff\xda") + len(content)) // 2
            content[middle:middle + 8] = bytes.fromhex("fefefefefefefefe")
            source.write_bytes(content)
        self.mount()
        told = [subprocess.run([ICFS, "inspect", "--json", self.point / self.below(DEFAULT, "ic") /
                                source.relative_to(self.source).with_suffix(".ic")], check=True, capture_output=True,
                               text=True).stdout for source in sources]
        damaged = [source for source, text in zip(sources, told) if '"damaged": true' in text]
        self.assertGreater(len(damaged), 1)
        for source in damaged:
            name = source.relative_to(self.source)
            self.assertEqual(self.served(f"{self.below(DEFAULT, 'jpeg')}/{name}"), source.read_bytes())
            self.fails(f"{self.below(DEFAULT, 'bmp')}/{name}")


if __name__ == "__main__":
    main()

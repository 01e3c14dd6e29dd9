# SPDX-License-Identifier: MIT
"""A tree of .ic files, shipped without its JPEGs: every face, every sparser design, and nothing that a file does not hold."""

import errno
import os
import subprocess

from mounting import DEFAULT, ENCODER, MountTest, encode, images, main, until

OWN = "s2x2-b8-k6-q8"


def made(source, *options):
    return subprocess.run([ENCODER, "encode", *options, source, "-"], check=True, capture_output=True).stdout


class IcSources(MountTest):
    def setUp(self):
        super().setUp()
        self.jpegs = {}
        for i, image in enumerate(images()[:4]):
            self.jpegs[f"c{i}"] = self.dir / f"c{i}.jpg"
            self.jpegs[f"c{i}"].write_bytes(image)
            self.put(f"train/c{i}.ic", encode(self.jpegs[f"c{i}"], OWN))
        self.put("train/labels.csv", b"c0,1\n")

    def attribute(self, name, what):
        return os.getxattr(self.point / name, f"user.icfs.{what}").decode()

    def assert_error(self, name):
        path = self.point / name
        self.assertGreater(os.stat(path).st_size, 0)
        with self.assertRaises(OSError) as caught:
            path.read_bytes()
        self.assertEqual(caught.exception.errno, errno.EIO)

    def test_a_mount_without_options_simply_works(self):
        self.mount()
        self.assertEqual(self.names("train"), ["c0.ic", "c1.ic", "c2.ic", "c3.ic", "labels.csv"])
        for stem, jpeg in self.jpegs.items():
            self.assertEqual(self.served(f"train/{stem}.ic"), encode(jpeg, OWN))
        self.assertEqual(self.served("train/labels.csv"), b"c0,1\n")
        self.assertEqual(self.attribute("train/c0.ic", "design"), OWN)
        self.assertEqual(self.attribute("train/c0.ic", "rule"), "its own design, since no rule says one")
        self.assertIn(".ic files here: under their own design", (self.point / "train/.icfs/policy").read_text())
        self.assertNotIn(".ic files", self.point.joinpath(".icfs/policy").read_text())

    def test_pictures_without_options(self):
        for face in ("jpeg", "bmp"):
            mount = self.mount(f"face={face}")
            self.assertEqual(self.names("train"), ["c0.jpg", "c1.jpg", "c2.jpg", "c3.jpg", "labels.csv"])
            for stem, jpeg in self.jpegs.items():
                self.assertEqual(self.served(f"train/{stem}.jpg"), made(jpeg, "-d", OWN, "--face", face))
            self.assertFalse((self.point / "train/c0.ic").exists())
            self.end(mount)

    def test_they_have_no_metadata_to_keep(self):
        self.put("train/d.jpg", images()[4])
        self.mount("face=jpeg", "metadata=keep", f"design={OWN}")
        self.assertEqual(self.served("train/c0.jpg"), made(self.jpegs["c0"], "-d", OWN, "--face", "jpeg"))
        self.assertEqual([self.attribute(f"train/{name}.jpg", "metadata") for name in ("c0", "d")], ["drop", "keep"])
        self.assertEqual(self.attribute("train/c0.jpg", "rule"), f"-o design={OWN}")  # of today, not one before it

    def test_sparser_designs_in_views(self):
        self.mount()
        for design in (OWN, "s2x2-b8-k6-q3", "s2x2-b8-k2-q8", "s2x2-b8-k1-q1"):
            for face, suffix in (("ic", ".ic"), ("jpeg", ".jpg"), ("bmp", ".jpg")):
                for stem, jpeg in self.jpegs.items():
                    self.assertEqual(self.served(f".icfs/view/{design},{face}/train/{stem}{suffix}"),
                                     made(jpeg, "-d", design, "--face", face), (design, face))
        self.assertEqual(self.names(".icfs/view/orig/train"), self.names("train"))
        self.assertEqual(self.served(".icfs/view/orig/train/c1.ic"), encode(self.jpegs["c1"], OWN))

    def test_a_design_that_they_do_not_hold_is_an_error_and_said(self):
        mount = self.mount("design=s2x2-b8-k7-q8")
        self.assertEqual(self.names("train"), ["c0.ic", "c1.ic", "c2.ic", "c3.ic", "labels.csv"])
        self.assert_error("train/c0.ic")
        for view in (DEFAULT + ",ic", DEFAULT + ",jpeg", "s4x4-b8-k1-q1,bmp"):
            for name in self.names(".icfs/view", view, "train")[:4]:
                self.assert_error(f".icfs/view/{view}/train/{name}")
        self.assertIn("its design s2x2-b8-k6-q8 does not hold what s2x2-b8-k7-q8 asks for",
                      self.attribute("train/c0.ic", "error"))
        self.assertEqual(len(mount.log_lines("train/c0.ic: its design")), 1)
        self.assertIn("those whose design holds this one", (self.point / "train/.icfs/policy").read_text())
        self.assertEqual(self.served("train/labels.csv"), b"c0,1\n")

    def test_a_policy_file_says_a_design(self):
        self.put("train/.icpolicy", b"[policy]\ndesign = s2x2-b8-k3-q8\n")
        self.mount("face=jpeg")
        self.assertEqual(self.served("train/c2.jpg"), made(self.jpegs["c2"], "-d", "s2x2-b8-k3-q8", "--face=jpeg"))
        self.put("train/.icpolicy", b"[policy]\ndesign = auto\n")
        own = made(self.jpegs["c2"], "-d", OWN, "--face=jpeg")
        self.wait_for_names([".icpolicy", "c0.jpg", "c1.jpg", "c2.jpg", "c3.jpg", "labels.csv"], "train")
        self.assertTrue(until(lambda: self.shows("train/c2.jpg", own)))

    def test_beside_jpegs(self):
        self.put("mix/a.jpg", images()[0])
        self.put("mix/a.ic", encode(self.jpegs["c1"], OWN))
        self.put("mix/b.jpg", images()[2])
        self.put("mix/c.jpeg.ic", encode(self.jpegs["c3"], OWN))
        mount = self.mount()
        self.assertEqual(self.names("mix"), ["a.ic", "a.jpg.ic", "b.ic", "c.jpeg.ic"])
        self.assertEqual(self.served("mix/a.ic"), encode(self.jpegs["c1"], OWN))
        self.assert_object("mix/a.jpg.ic", images()[0])
        view = f".icfs/view/{OWN},jpeg/mix"
        self.assertEqual(self.names(view), ["a.ic", "a.jpg", "b.jpg", "c.jpeg"])
        self.assertEqual(self.served(f"{view}/a.ic"), encode(self.jpegs["c1"], OWN))
        self.assertEqual(self.served(f"{view}/c.jpeg"), made(self.jpegs["c3"], "-d", OWN, "--face=jpeg"))
        self.assertEqual(len(mount.log_lines("mix/a.ic: served as it is: its name as a picture is taken")), 1)

    def test_names_follow_changes(self):
        self.mount("face=jpeg")
        picture = made(self.jpegs["c0"], "-d", OWN, "--face=jpeg")
        self.assertEqual(self.served("train/c0.jpg"), picture)
        self.put("train/c0.jpg", images()[3])
        self.wait_for_names(["c0.ic", "c0.jpg", "c1.jpg", "c2.jpg", "c3.jpg", "labels.csv"], "train")
        other = made(self.jpegs["c3"], "-d", DEFAULT, "--face=jpeg")
        self.assertTrue(until(lambda: self.shows("train/c0.jpg", other)))
        (self.source / "train/c0.jpg").unlink()
        self.wait_for_names(["c0.jpg", "c1.jpg", "c2.jpg", "c3.jpg", "labels.csv"], "train")
        self.assertTrue(until(lambda: self.shows("train/c0.jpg", picture)))

    def test_damaged_ones_are_errors_and_never_pictures(self):
        good = encode(self.jpegs["c0"], OWN)
        self.put("bad/short.ic", good[:-1])
        self.put("bad/header.ic", good[:20] + b"\xff\xff" + good[22:])
        self.put("bad/head.ic", good[:40])
        self.put("bad/version.ic", good[:8] + b"\x02" + good[9:])
        self.put("bad/table.ic", good[:64] + b"\0" + good[65:])
        self.put("bad/tail.ic", good + b"tail")
        self.put("bad/text.ic", b"an .ic file of somebody else")
        self.put("bad/empty.ic", b"")
        mount = self.mount()
        stems = ["empty", "head", "header", "short", "table", "tail", "text", "version"]
        self.assertEqual(self.names("bad"), [f"{stem}.ic" for stem in stems])
        for stem in ("head", "header", "short", "table", "version"):
            self.assert_error(f"bad/{stem}.ic")
            self.assertTrue(self.attribute(f"bad/{stem}.ic", "error"))
            self.assertEqual(len(mount.log_lines(f"bad/{stem}.ic: ")), 1)
        self.assertEqual(self.served("bad/tail.ic"), good)
        self.assertEqual(self.served("bad/text.ic"), b"an .ic file of somebody else")
        self.assertEqual(self.served("bad/empty.ic"), b"")
        for face in ("jpeg", "bmp"):
            view = f".icfs/view/{OWN},{face}/bad"
            self.assertEqual(self.names(view), sorted(
                [f"{stem}.ic" for stem in ("empty", "text")] +
                [f"{stem}.jpg" for stem in ("head", "header", "short", "table", "tail", "version")]))
            for stem in ("head", "header", "short", "table", "version"):
                self.assert_error(f"{view}/{stem}.jpg")
                self.assert_error(f"{view}/{stem}.jpg")  # what was found out stays found out
            self.assertEqual(self.served(f"{view}/tail.jpg"), made(self.jpegs["c0"], "-d", OWN, "--face", face))
        self.assertEqual(self.served(".icfs/view/orig/bad/short.ic"), good[:-1])

    def test_limits_hold_as_for_jpegs(self):
        self.mount("pixels=100")
        for view, name in ((f"{OWN},ic", "c0.ic"), (f"{OWN},jpeg", "c0.jpg"), (f"{OWN},bmp", "c0.jpg")):
            self.assert_error(f".icfs/view/{view}/train/{name}")
        self.assertIn("over the limit", self.attribute("train/c0.ic", "error"))

    def test_sizes_are_remembered(self):
        mount = self.mount("face=jpeg")
        sizes = {name: os.stat(self.point / "train" / name).st_size for name in self.names("train")}
        self.end(mount)
        mount = self.mount("face=jpeg")
        self.assertEqual({name: os.stat(self.point / "train" / name).st_size for name in self.names("train")}, sizes)
        self.assertEqual(mount.stats()["icfs_object_made_bytes_total"], 0)
        self.assertEqual(self.served("train/c0.jpg"), made(self.jpegs["c0"], "-d", OWN, "--face=jpeg"))


if __name__ == "__main__":
    main()

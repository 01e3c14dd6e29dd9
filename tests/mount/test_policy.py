# SPDX-License-Identifier: MIT
"""Policies of a mount: precedence and inheritance, changes while mounted, bad files."""

import itertools
import os
import threading
import time
import unittest

from mounting import DEFAULT, MountTest, images, main, until


def policy(design=None, face=None):
    lines = ["[policy]"] + ([f"design = {design}"] if design else []) + ([f"face = {face}"] if face else [])
    return "\n".join(lines).encode() + b"\n"


class Policy(MountTest):
    def design(self, name):
        return os.getxattr(self.point / name, "user.icfs.design").decode()

    def wait_for_design(self, name, design):
        until(lambda: self.design(name) == design)
        self.assertEqual(self.design(name), design)

    def test_precedence(self):
        image = images()[0]
        for folder in ("", "train/", "train/cats/", "val/", "val/deep/"):
            self.put(folder + "a.jpg", image)
        tree = self.dir / "tree.ini"
        tree.write_text("[policy]\ndesign = s1x1-b4-k7-q8\n[val]\ndesign = s1x1-b4-k3-q8\n[val/deep]\ndesign=auto\n")
        mount = self.mount(f"policy={tree}", "design=s4x4-b8-k15-q8")
        for name, design in (("a.ic", "s1x1-b4-k7-q8"), ("val/a.ic", "s1x1-b4-k3-q8"), ("val/deep/a.ic", DEFAULT),
                             ("train/cats/a.ic", "s1x1-b4-k7-q8"), (".icfs/view/s2x2-b8-k6-q8/val/a.ic", "s2x2-b8-k6-q8")):
            self.assertEqual(self.design(name), design)
            self.assert_object(name, image, design)
        self.put("train/.icpolicy", policy("s2x1-b8-k9-q8"))
        self.wait_for_design("train/cats/a.ic", "s2x1-b8-k9-q8")
        self.assertEqual(self.design("a.ic"), "s1x1-b4-k7-q8")
        for folder, words in (("train/cats", "train/.icpolicy, line 2"), ("val", "tree.ini"), ("val/deep", "auto"),
                              (".icfs/view/s2x2-b8-k6-q8/val", "view")):
            self.assertIn(words, (self.point / folder / ".icfs/policy").read_text())
        self.assertIn("the default", mount.text("policy"))  # of the face

    def test_options_alone(self):
        self.put("a.jpg", images()[0])
        mount = self.mount("design=auto")
        self.assertIn("auto", mount.text("policy"))
        self.assert_object("a.ic", images()[0], DEFAULT)

    def test_a_policy_that_comes_changes_and_goes(self):
        self.put("sub/deep/a.jpg", images()[0])
        self.put("b.jpg", images()[1])
        self.mount()
        self.assert_object("sub/deep/a.ic", images()[0])
        number = os.stat(self.point / "sub/deep/a.ic").st_ino
        for design in ("s2x2-b8-k6-q8", "s1x1-b16-k3-q2"):
            self.put("sub/.icpolicy", policy(design))
            self.wait_for_design("sub/deep/a.ic", design)
            self.assert_object("sub/deep/a.ic", images()[0], design)
            self.assertNotEqual(os.stat(self.point / "sub/deep/a.ic").st_ino, number)
        self.replace("sub/.icpolicy", policy("s1x1-b2-k3-q7"))
        self.wait_for_design("sub/deep/a.ic", "s1x1-b2-k3-q7")
        os.unlink(self.source / "sub/.icpolicy")
        self.wait_for_design("sub/deep/a.ic", DEFAULT)
        self.assertEqual(os.stat(self.point / "sub/deep/a.ic").st_ino, number)
        self.assertEqual(self.design("b.ic"), DEFAULT)

    def test_names_that_a_policy_brings(self):
        """Whoever asked for them before they were there finds them at once."""
        for i in range(4):
            self.put(f"a/{i}.jpg", images()[i])
        self.mount("staleness=300")
        endings = {"": "ic", "[policy]\nface = jpeg\n": "jpg"}
        for i, text in enumerate(("[policy]\nface = jpeg\n", "") * 2):  # of each file, one name before and one behind
            name = self.point / "a" / f"{i}.{endings[text]}"
            self.assertFalse(name.exists())
            (self.source / ".icpolicy").write_text(text)
            self.assertTrue(until(name.exists, 10), name)

    def test_a_directory_that_is_moved_takes_the_policy_of_its_new_place(self):
        self.put("here/a/x.jpg", images()[0])
        self.put("there/.icpolicy", policy("s2x2-b8-k6-q8"))
        self.mount()
        self.assertEqual(self.design("here/a/x.ic"), DEFAULT)
        self.assertEqual(self.names("there"), [".icpolicy"])
        os.rename(self.source / "here/a", self.source / "there/a")
        self.wait_for_names([".icpolicy", "a"], "there")
        self.wait_for_design("there/a/x.ic", "s2x2-b8-k6-q8")
        self.assert_object("there/a/x.ic", images()[0], "s2x2-b8-k6-q8")
        self.assertEqual(self.names("here"), [])

    def test_a_policy_that_goes_bad_stays_as_it_was(self):
        self.put("a.jpg", images()[0])
        self.put(".icpolicy", policy("s2x2-b8-k6-q8"))
        mount = self.mount()
        self.assertEqual(self.design("a.ic"), "s2x2-b8-k6-q8")
        self.put(".icpolicy", b"[policy]\ndesign = s3x3-b8-k6-q8\n")
        self.assertTrue(until(lambda: ".icpolicy:2" in mount.text("policy")))
        self.assertIn("the last good version stays in force", mount.text("policy"))
        self.assert_object("a.ic", images()[0], "s2x2-b8-k6-q8")
        self.assertEqual(len(mount.log_lines(".icpolicy:2")), 1)
        self.put(".icpolicy", policy("s1x1-b4-k4-q4"))
        self.wait_for_design("a.ic", "s1x1-b4-k4-q4")
        self.assertNotIn("problem", mount.text("policy"))

    @unittest.skipUnless(os.geteuid() == 0, "dropping the kernel's caches takes root")
    def test_the_last_good_policy_outlives_what_the_kernel_forgets(self):
        self.put("d/a.jpg", images()[0])
        self.put("d/.icpolicy", policy("s2x2-b8-k6-q8"))
        mount = self.mount()

        def forget():
            with open("/proc/sys/vm/drop_caches", "w") as file:
                file.write("2")
            return mount.stats()['icfs_nodes'] <= 4  # the root, .icfs, stats

        self.assertEqual(self.design("d/a.ic"), "s2x2-b8-k6-q8")
        self.put("d/.icpolicy", b"[policy]\nbad\n")
        self.assertTrue(until(lambda: mount.log_lines("d/.icpolicy:2")))
        self.assertTrue(until(forget))
        self.assertEqual(self.design("d/a.ic"), "s2x2-b8-k6-q8")
        self.assertTrue(until(forget))
        self.put("d/.icpolicy", policy("s1x1-b4-k4-q4"))  # while nobody uses the directory
        self.wait_for_design("d/a.ic", "s1x1-b4-k4-q4")
        self.assertTrue(until(forget))
        os.unlink(self.source / "d/.icpolicy")
        self.wait_for_design("d/a.ic", DEFAULT)

    def test_a_bad_policy_in_a_directory_that_appears(self):
        mount = self.mount("design=s2x2-b8-k6-q8")
        self.put("new/.icpolicy", b"[policy]\ncolour = blue\n")
        self.put("new/a.jpg", images()[0])
        self.assertTrue(until(lambda: "new" in self.names()))
        text = (self.point / "new/.icfs/policy").read_text()
        self.assertIn("new/.icpolicy:2", text)
        self.assertIn("the inherited policy stays in force", text)
        self.assert_object("new/a.ic", images()[0], "s2x2-b8-k6-q8")
        self.assertEqual(len(mount.log_lines("new/.icpolicy:2")), 1)

    def test_a_bad_policy_stops_the_mount(self):
        for content, line in ((b"[policy]\ndesign = s9x9-b8-k6-q8\n", 2), (b"[policy]\n\ntypo = 1\n", 3),
                              (b"[polizei]\n", 1)):
            self.put("a/b/.icpolicy", content)
            with self.assertRaises(RuntimeError) as caught:
                self.mount()
            self.assertIn(f"a/b/.icpolicy:{line}: ", str(caught.exception))
        tree = self.dir / "tree.ini"
        os.unlink(self.source / "a/b/.icpolicy")
        tree.write_text("[a]\ndesign = nothing\n")
        with self.assertRaises(RuntimeError) as caught:
            self.mount(f"policy={tree}")
        self.assertIn("tree.ini:2: ", str(caught.exception))

    def test_sections_for_nothing_are_told_of(self):
        self.put("a/b/a.jpg", images()[0])
        (self.source / "link").symlink_to("a")
        tree = self.dir / "tree.ini"
        lines = [f"[{name}]\ndesign = s1x1-b4-k3-q8\n" for name in ("policy", "a", "a/b", "A", "a/*", "a/b/a.jpg", "link")]
        tree.write_text("".join(lines))
        mount = self.mount(f"policy={tree}")
        self.assertEqual([line.split("tree.ini:")[1].split(" ")[:2] for line in mount.log_lines("governs nothing")],
                         [["7:", "[A]"], ["9:", "[a/*]"], ["11:", "[a/b/a.jpg]"]])

        def problems(*below):
            return [line for line in self.point.joinpath(*below, ".icfs", "policy").read_text().splitlines()
                    if line.startswith("problem: ")]

        text = "is no directory of the source, so it governs nothing"
        self.assertEqual(problems(), [f"problem: {tree}:{line}: [{name}] {text}"
                                      for line, name in ((7, "A"), (9, "a/*"), (11, "a/b/a.jpg"))])
        self.assertEqual(problems("a"), [])
        (self.source / "A").mkdir()
        self.assertEqual(len(problems()), 2)

    def test_switching_under_readers(self):
        """A reader gets one design or the other, whole, whenever it opens; one who holds a file keeps it as it was."""
        designs = [DEFAULT, "s2x2-b8-k6-q8", "s1x1-b16-k9-q3"]
        for i in range(6):
            self.put(f"{i}.jpg", images()[i])
        self.mount()
        views = {d: [self.served(f".icfs/view/{d}/{i}.ic") for i in range(6)] for d in designs}
        stop = threading.Event()
        failures, reads = [], [0]

        def read():
            while not stop.is_set():
                for i in range(6):
                    with open(self.point / f"{i}.ic", "rb") as file:
                        content = file.read()
                    reads[0] += 1
                    if content not in [views[d][i] for d in designs]:
                        failures.append((i, len(content)))

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        end = time.monotonic() + 60
        for round_number in itertools.count():
            if round_number >= 30 and (reads[0] > 100 or time.monotonic() > end):
                break
            design = designs[round_number % 3]
            self.replace(".icpolicy", policy(design))
            with open(self.point / "0.ic", "rb") as file:
                first = file.read(100)
                until(lambda: self.design("5.ic") == design)
                file.seek(0)
                self.assertEqual(file.read(100), first)
        stop.set()
        for reader in readers:
            reader.join()
        self.assertEqual(failures, [])
        self.assertGreater(reads[0], 100)


if __name__ == "__main__":
    main()

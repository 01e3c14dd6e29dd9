# SPDX-License-Identifier: MIT
"""`auto` on a mount: what the catalog says, while the mount is running."""

import os
import sqlite3
import subprocess
import threading
import time

import mounting
from mounting import ICFS, images, until

CHOOSE = ("INSERT INTO choice (directory, design, is_pin, reason, verified, nbytes, infer_s, chosen_s)"
          " VALUES (?, ?, ?, 'a test says so', 0.875, 1234, 0.002, 1700000000)")


class ChoicesTest(mounting.MountTest):
    def setUp(self):
        super().setUp()
        for i, name in enumerate(("train/cats/a.jpg", "train/dogs/a.jpg", "val/cats/a.jpg")):
            self.put(name, images()[i])

    def choose(self, directory, design, is_pin=0):
        with sqlite3.connect(self.dir / "catalog.db", timeout=60) as db:
            return db.execute(CHOOSE, (str(directory), design, is_pin)).lastrowid

    def comes(self, condition, message):
        self.assertTrue(until(condition), message)

    def design_of(self, path):
        return os.getxattr(path, "user.icfs.design").decode()

    def test_a_choice_is_served_within_a_second(self):
        mount = self.mount("design=auto")
        cat = self.point / "train/cats/a.ic"
        self.assertEqual(self.design_of(cat), "s1x1-b8-k15-q8")
        self.assertIn("no search has chosen yet, so the default", mount.text("policy"))
        before = cat.read_bytes()
        with cat.open("rb", buffering=0) as reader:
            head = reader.read(100)
            self.choose(self.source, "s2x2-b8-k6-q4")
            self.comes(lambda: self.design_of(cat) == "s2x2-b8-k6-q4", "not served")
            self.assertEqual(head + reader.read(), before)  # a reader of before reads on
        after = cat.read_bytes()
        self.assertEqual(len(after), cat.stat().st_size)
        self.assertLess(len(after), len(before) / 4)
        text = mount.text("policy")
        for words in ("auto (-o design=auto); chosen 2023-11-14 22:13 UTC", "accuracy 87.50%", "1234 bytes", "2 ms an image",
                      "a test says so"):
            self.assertIn(words, text)

    def test_two_directories_have_two_choices(self):
        cats, dogs = (self.source / "train" / name for name in ("cats", "dogs"))
        self.mount("design=auto")
        self.choose(cats, "s2x2-b8-k6-q4")
        self.choose(dogs, "s4x4-b8-k3-q8")
        paths = [self.point / "train" / name / "a.ic" for name in ("cats", "dogs")]
        designs = lambda: [self.design_of(path) for path in paths]
        self.comes(lambda: designs() == ["s2x2-b8-k6-q4", "s4x4-b8-k3-q8"], "not served")
        for path in paths:
            self.assertEqual(len(path.read_bytes()), path.stat().st_size)
        self.assertIn(str(cats), (self.point / "train/cats/.icfs/policy").read_text())
        self.assertEqual(self.design_of(self.point / "val/cats/a.ic"), "s1x1-b8-k15-q8")

    def test_pins_win_and_what_is_withdrawn_is_gone(self):
        self.mount("design=auto")
        cat = self.point / "train/cats/a.ic"
        self.choose(self.source, "s1x1-b8-k5-q8", is_pin=1)
        self.comes(lambda: self.design_of(cat) == "s1x1-b8-k5-q8", "the pin is not served")
        self.choose(self.source, "s1x1-b8-k4-q8")
        time.sleep(1.5)
        self.assertEqual(self.design_of(cat), "s1x1-b8-k5-q8")
        with sqlite3.connect(self.dir / "catalog.db", timeout=60) as db:
            db.execute("UPDATE choice SET withdrawn_s = 1700000001 WHERE is_pin")
        self.comes(lambda: self.design_of(cat) == "s1x1-b8-k4-q8", "the pin is still served")

    def test_only_auto_is_chosen(self):
        (self.source / "train/cats/.icpolicy").write_text("[policy]\ndesign = s1x1-b8-k3-q8\n")
        self.mount("design=auto")
        self.choose(self.source, "s4x4-b8-k3-q8")
        self.comes(lambda: self.design_of(self.point / "train/dogs/a.ic") == "s4x4-b8-k3-q8", "not served")
        self.assertEqual(self.design_of(self.point / "train/cats/a.ic"), "s1x1-b8-k3-q8")
        view = self.point / ".icfs/view/s1x1-b8-k2-q8,ic/train/dogs/a.ic"
        self.assertEqual(self.design_of(view), "s1x1-b8-k2-q8")

    def test_a_catalog_that_can_only_be_read(self):
        """Its choices and sizes are served, also those that others write; nothing is remembered, which is said once."""
        folder = self.dir / "kept"
        folder.mkdir()
        choose = lambda design: subprocess.run([ICFS, "search", "pin", f"--catalog={folder}/catalog.db", design, self.source],
                                               check=True, stdout=subprocess.DEVNULL)
        choose("s2x2-b8-k6-q4")
        view = self.read_only_view(folder)
        mount = self.mount("design=auto", f"catalog={view}/catalog.db")
        cat = self.point / "train/cats/a.ic"
        for design in ("s2x2-b8-k6-q4", "s4x4-b8-k3-q8", "s1x1-b8-k3-q8"):
            choose(design)
            self.comes(lambda design=design: self.design_of(cat) == design, "not served")
            self.assertEqual(len(cat.read_bytes()), cat.stat().st_size)
        # Another catalog in its place, whose first choice has the same number as this one's last.
        other = self.dir / "other.db"
        for design in ("s2x1-b8-k4-q8",) * 4:
            subprocess.run([ICFS, "search", "pin", f"--catalog={other}", design, self.source], check=True,
                           stdout=subprocess.DEVNULL)
        os.rename(other, folder / "catalog.db")
        self.comes(lambda: self.design_of(cat) == "s2x1-b8-k4-q8", "not served")
        faces = self.point / ".icfs/view/s1x1-b8-k3-q8,jpeg"
        for path in ("train/cats/a.jpg", "val/cats/a.jpg"):
            self.assertEqual(len((faces / path).read_bytes()), (faces / path).stat().st_size)
        self.assertIn("pinned by hand", mount.text("policy"))
        said = f"sizes are not remembered: {view}/catalog.db: can be read, but not written: Read-only file system"
        self.assertEqual(len(mount.log_lines(said)), 1)
        others = [line for line in mount.log_lines("catalog") if said not in line and "choices changed" not in line]
        self.assertEqual(others, [])

    def test_readers_meet_one_or_the_other(self):
        """While choices come and go, each read is a whole object of some choice."""
        self.mount("design=auto")
        cat = self.point / "train/cats/a.ic"
        designs = ["s1x1-b8-k15-q8", "s2x2-b8-k6-q4", "s1x1-b8-k3-q8"]
        whole = {d: (self.point / f".icfs/view/{d},ic/train/cats/a.ic").read_bytes() for d in designs}
        done, wrong = threading.Event(), []

        def read():
            while not done.is_set():
                try:
                    if (data := cat.read_bytes()) not in whole.values():
                        wrong.append(len(data))
                except OSError as error:
                    wrong.append(error)

        readers = [threading.Thread(target=read) for _ in range(2)]
        for reader in readers:
            reader.start()
        for design in designs[1:] * 2:
            self.choose(self.source, design)
            self.comes(lambda design=design: self.design_of(cat) == design, "not served")
        done.set()
        for reader in readers:
            reader.join()
        self.assertEqual(wrong, [])

    def test_a_choice_that_is_no_design_changes_nothing(self):
        mount = self.mount("design=auto")
        policy = self.point / ".icfs/policy"
        self.assertIn("no search has chosen yet", policy.read_text())
        self.choose(self.source, "cat")
        self.comes(lambda: mount.log_lines("what searches chose cannot be read"), "not said")
        self.comes(lambda: "what searches chose cannot be read" in policy.read_text(), "not told")
        self.assertEqual(self.design_of(self.point / "train/cats/a.ic"), "s1x1-b8-k15-q8")
        self.assertEqual(len(mount.log_lines("what searches chose cannot be read")), 1)


if __name__ == "__main__":
    mounting.main()

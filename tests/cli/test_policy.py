# SPDX-License-Identifier: MIT
"""icfs policy on a source tree: what governs, --set, --face, --clear."""

import json
import os
import threading
import unittest

from cli import CliTest, icfs

NOTE = ("\n  metadata  drop\n          by: the default\n\nA mount sees the .icpolicy files at and below the directory that it mounts, and\n"
        "its own options may say more.\n")


class Policy(CliTest):
    def setUp(self):
        super().setUp()
        self.dir = self.dir.resolve()
        self.below = self.dir / "train" / "cats"
        self.below.mkdir(parents=True)
        self.file = self.dir / ".icpolicy"
        self.catalog = self.dir / "catalog.db"
        os.environ["ICFS_CATALOG"] = str(self.catalog)
        self.addCleanup(os.environ.pop, "ICFS_CATALOG")

    def governs(self, directory, design, design_rule, face_rule="the default"):
        text = self.ok("policy", directory).decode()
        if design_rule.startswith("auto"):
            text = text.replace("\n  budget  max-loss=0.005 objective=time\n          by: the default", "")
        self.assertTrue(text.startswith(f"{directory}\n  design  {design}\n          Every "), text)
        self.assertTrue(text.endswith(f"          by: {face_rule}{NOTE}"), text)
        self.assertIn(f"\n          by: {design_rule}\n  face    ic\n", text)

    def test_the_nearest_file_governs_key_by_key(self):
        self.governs(self.below, "s1x1-b8-k15-q8", "the default")
        self.file.write_text("[policy]\nface = ic\ndesign = s2x2-b8-k6-q8 ; comment\n")
        self.governs(self.below, "s2x2-b8-k6-q8", f"{self.file}, line 3", f"{self.file}, line 2")
        near = self.dir / "train" / ".icpolicy"
        near.write_text("\n[policy]\n\ndesign = s4x4-b8-k6-q8\n")
        self.governs(self.below, "s4x4-b8-k6-q8", f"{near}, line 4", f"{self.file}, line 2")
        self.governs(self.dir, "s2x2-b8-k6-q8", f"{self.file}, line 3", f"{self.file}, line 2")
        near.write_text("[policy]\ndesign = auto\n")
        self.governs(self.below, "s1x1-b8-k15-q8",
                     f"auto ({near}, line 2); no search has chosen yet in the catalog {self.catalog}, so the default",
                     f"{self.file}, line 2")
        self.assertFalse(self.catalog.exists())

    def test_a_budget_governs_key_by_key(self):
        near = self.dir / "train" / ".icpolicy"
        self.ok("policy", "--set=auto", "--max-bytes=12%", "--objective=space=0.5,time", self.dir)
        self.assertEqual(self.file.read_text(),
                         "[policy]\ndesign = auto\nmax-bytes = 12%\nobjective = time,space=0.5\n")
        near.write_text("[policy]\nmax-bytes = 20K\nmax-loss = 0.5%\n")
        self.assertIn("\n  budget  max-loss=0.005 max-bytes=20480 objective=time,space=0.5\n"
                      f"          by: max-loss: {near}, line 3; max-bytes: {near}, line 2; objective: {self.file}, line 4\n",
                      self.ok("policy", self.below).decode())
        self.ok("policy", "--max-time=2ms", self.dir / "train")  # what is there already stays
        self.assertEqual(near.read_text(), "[policy]\nmax-loss = 0.005\nmax-time = 0.002s\nmax-bytes = 20480\n")
        self.assertIn("  budget  max-bytes=12% objective=time,space=0.5\n", self.ok("policy", self.dir).decode())

    def test_a_budget_that_is_misspelt_is_named(self):
        for line, reason in (("max-loss = much", "max-loss: 'much' is not of the form 0.5% or 0.005"),
                             ("max-time = 2", "max-time: '2' is not of the form 2ms, 0.002s or 12%"),
                             ("max-bytes = -1", "max-bytes: '-1' is not of the form 2000, 20K or 12%"),
                             ("max-bytes =", "max-bytes: '' is not of the form 2000, 20K or 12%"),
                             ("objective = speed", "objective: 'speed' is none of time, training, space, accuracy, and "
                              "no list of them with weights, such as time=1,space=0.5"),
                             ("max-lost = 1%", "unknown key 'max-lost'; known: design, face, metadata, max-loss, "
                              "max-time, max-bytes, objective")):
            self.file.write_text(f"[policy]\ndesign = auto\n{line}\n")
            for command in (("policy",), ("search", f"--catalog={self.dir}/catalog.db")):
                done = icfs(*command, self.dir)
                self.assertEqual(done.returncode, 1, line)
                # A long name may have its front cut.
                self.assertRegex(done.stderr.decode(), r"^icfs: \S+\.icpolicy:3: ")
                self.assertTrue(done.stderr.decode().endswith(f".icpolicy:3: {reason}\n"), done.stderr)

    def test_a_loss_of_more_than_all(self):
        for loss, words in (("50", b"icfs: warning: max-loss 50: "), ("1.5", b"icfs: warning: max-loss 1.5: "), ("50%", b""),
                            ("1", b"")):
            done = icfs("policy", "--max-loss", loss, self.dir)
            self.assertEqual((done.returncode, done.stderr[:len(words) or None]), (0, words), loss)

    def test_other_proportions_are_warned_of(self):
        for design, face, is_warned in (("s1x4-b8-k6-q8", "jpeg", True), ("s2x1-b16-k6-q8", "bmp", True),
                                        ("s1x4-b8-k6-q8", "ic", False), ("s1x4-b8-k6-q8", "orig", False),
                                        ("s4x4-b8-k6-q8", "jpeg", False), ("s1x1-b8-k6-q8", "bmp", False)):
            done = icfs("policy", "--set", design, "--face", face, self.dir)
            words = (f"icfs: warning: {self.dir}: {design} samples columns and rows unequally, so under {face} pictures have "
                     "other proportions, and programs that crop see little of them; s1x1, s2x2 and s4x4 keep proportions, and "
                     "'icfs search --keep-proportions' chooses none but these\n")
            self.assertEqual((done.returncode, done.stderr.decode()), (0, words if is_warned else ""))

    def test_a_byte_order_mark(self):
        self.file.write_bytes(b"\xef\xbb\xbf[policy]\ndesign = s2x2-b8-k6-q8\nfaec = jpeg\n")
        self.fails(f"icfs: {self.file}:3: unknown key 'faec'; known: design, face, metadata, max-loss, max-time, max-bytes, "
                   "objective\n", "policy", self.dir)
        self.file.write_bytes(b"\xef\xbb\xbf[policy]\r\ndesign = s2x2-b8-k6-q8\r\n")
        self.governs(self.dir, "s2x2-b8-k6-q8", f"{self.file}, line 2")

    def test_set_face_and_clear(self):
        self.ok("policy", "--set", "s2x2-b8-k6-q8", self.dir)
        self.assertEqual(self.file.read_text(), "[policy]\ndesign = s2x2-b8-k6-q8\n")
        self.ok("policy", "--face=ic", self.dir)
        self.assertEqual(self.file.read_text(), "[policy]\ndesign = s2x2-b8-k6-q8\nface = ic\n")
        self.ok("policy", "--set=auto", self.dir)
        self.assertEqual(self.file.read_text(), "[policy]\ndesign = auto\nface = ic\n")
        text = self.ok("policy", "--face=jpeg", "--metadata=keep", self.dir).decode()
        self.assertIn("\n  face    jpeg\n          A baseline JPEG of the object, ", text)
        self.assertIn(f"\n          by: {self.file}, line 3\n  metadata  keep\n          by: {self.file}, line 4\n",
                      text)
        self.assertEqual(self.file.read_text(), "[policy]\ndesign = auto\nface = jpeg\nmetadata = keep\n")
        text = self.ok("policy", "--clear", self.dir).decode()
        self.assertIn("by: the default", text)
        self.assertFalse(self.file.exists())
        self.ok("policy", "--clear", self.dir)
        self.assertEqual(os.listdir(self.dir), ["train"])

    def test_wrong_values_change_nothing(self):
        self.file.write_text("[policy]\nface = ic\n")
        done = icfs("policy", "--set", "s3x3-b8-k6-q8", self.dir)
        self.assertEqual(done.returncode, 2)
        self.assertTrue(done.stderr.startswith(b"icfs policy: --set: "), done.stderr)
        self.fails("icfs policy: --face: unknown face 'png'; known: ic, jpeg, bmp, orig\nTry 'icfs policy --help'.\n", "policy", "--face",
                   "png", self.dir, status=2)
        self.assertEqual(self.file.read_text(), "[policy]\nface = ic\n")

    def test_bad_files_are_named_with_the_line(self):
        self.file.write_text("[policy]\n\ncolour = red\n")
        reason = "unknown key 'colour'; known: design, face, metadata, max-loss, max-time, max-bytes, objective\n"
        self.fails(f"icfs: {self.file}:3: {reason}", "policy", self.below)
        self.fails(f"icfs: {self.file}:3: {reason}", "policy", "--set=auto", self.dir)
        self.assertEqual(self.file.read_text(), "[policy]\n\ncolour = red\n")
        self.ok("policy", "--clear", self.dir)
        self.file.mkdir()
        self.fails(f"icfs: {self.file}: cannot be read: Is a directory\n", "policy", self.dir)

    def test_places_that_are_no_directory(self):
        self.fails(f"icfs: {self.dir}/none: No such file or directory\n", "policy", self.dir / "none")
        (self.dir / "file").write_text("")
        self.fails(f"icfs: {self.dir}/file: Not a directory\n", "policy", self.dir / "file")
        done = icfs("policy", "--set=auto", "/proc")
        self.assertEqual((done.returncode, done.stderr.count(b"\n")), (1, 1), done.stderr)
        self.assertTrue(done.stderr.startswith(b"icfs: /proc/.icpolicy: cannot be written: "), done.stderr)

    def test_in_a_mount_its_own_words_are_shown(self):
        (self.dir / ".icfs").mkdir()
        (self.dir / ".icfs" / "policy").write_text("what the mount says\n" * 500)
        self.assertEqual(self.ok("policy", self.dir).decode(), "what the mount says\n" * 500)

    def warning(self, directory):
        done = icfs("policy", directory)
        self.assertEqual(done.returncode, 0)
        return done.stderr.decode()

    def label(self, name, text="x"):
        path = self.deep / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    @property
    def deep(self):
        """Where nothing of other tests lies beside or above."""
        return self.dir / "at" / "some" / "depth"

    def test_labels_in_pixels_are_warned_of_under_sampling(self):
        coco = '{"images": [], %s "annotations": [{"image_id": 1, "bbox": [1, 2, 3, 4]}], "categories": []}'
        cases = {
            "VOC boxes": ("Annotations/a.xml", "<annotation><object><bndbox></bndbox></object></annotation>"),
            "masks": ("masks/a.png", "PNG"),
            "COCO boxes or outlines": ("annotations/train.json", coco % ('"file_name": "a.jpg",' + " " * 200000)),
        }
        for kind, (name, text) in cases.items():
            root = self.deep / kind.replace(" ", "-")
            self.label(root / "JPEGImages/a.jpg")
            self.label(root / name, text)
            for place, seen in ((root, name), (root / "JPEGImages", "../" + name)):
                self.assert_warns(place, kind, seen)

    def assert_warns(self, place, kind, seen):
        self.assertEqual(self.warning(place), "")
        for design, face, expected in (("s1x1-b8-k4-q8", "jpeg", False), ("s2x2-b8-k4-q8", "jpeg", True),
                                       ("s2x2-b8-k4-q8", "orig", False), ("s4x4-b8-k4-q8", "ic", True)):
            (place / ".icpolicy").write_text(f"[policy]\ndesign = {design}\nface = {face}\n")
            told = self.warning(place)
            self.assertEqual(told != "", expected, (place, design, told))
            if expected:
                self.assertEqual(told, f"icfs: warning: {place}: labels in pixels lie here ({kind}: {seen}), and "
                                       f"{design} makes the images smaller; designs without sampling (s1x1) keep "
                                       "their size\n")
        (place / ".icpolicy").unlink()

    def test_labels_are_seen_where_data_sets_have_them(self):
        """As COCO, VOC and ADE20K are unpacked: from their roots, from the images, and from in between."""
        boxes = "<annotation><object><bndbox></bndbox></object></annotation>"
        coco = json.dumps({"images": [{"license": 3, "file_name": f"{9 + i:012}.jpg", "width": 640} for i in range(5000)],
                           "annotations": [{"segmentation": [[1, 2]], "image_id": i} for i in range(5000)]})
        cases = (("coco", "images/train2017", "000000000012.jpg", "annotations", "instances_train2017.json", coco,
                  "COCO boxes or outlines"),
                 ("coco-flat", "data", "000000000012.jpg", ".", "labels.json", coco, "COCO boxes or outlines"),
                 ("coco-stuff", "images/val2017", "7.jpg", "stuffthingmaps/val2017", "7.png", "PNG", "masks"),
                 ("VOCdevkit", "VOC2012/JPEGImages", "2007_000027.jpg", "VOC2012/Annotations", "2007_000027.xml", boxes,
                  "VOC boxes"),
                 ("letters", "A/images", "7.jpg", "A/gt", "7.png", "PNG", "masks"),
                 ("ade20k", "images/training", "ADE_train_00000001.jpg", "annotations/training",
                  "ADE_train_00000001.png", "PNG", "masks"))
        for name, images, image, labels, label, text, kind in cases:
            root = self.deep / name / "unpacked"
            self.label(root / images / image)
            for i in range(40):
                self.label(root / images / f"other-{i}.jpg")
            self.label(root / "LICENSE/more/than/that/a.txt")
            self.label(root / labels / label, text)
            place = root / images
            while place != self.deep / name:
                self.assert_warns(place, kind, os.path.relpath(root / labels / label, place))
                place = place.parent

    def test_a_glance_goes_so_far(self):
        """What lies deeper is not seen, and folders without number do not keep what is near from being seen."""
        self.label(".icpolicy", "[policy]\ndesign = s2x2-b8-k6-q8\n")
        self.label("a.jpg")
        self.label("masks/one/two/three/a.png")
        self.assertEqual(self.warning(self.deep), "")
        self.label("masks/one/two/a.png")
        self.assertIn("(masks: masks/one/two/a.png)", self.warning(self.deep))
        os.unlink(self.deep / "masks/one/two/a.png")
        for i in range(300):
            (self.deep / f"class-{i:03}/part/of/it").mkdir(parents=True)
        self.label("a.png")
        self.assertIn("(masks: a.png)", self.warning(self.deep))

    def test_other_files_are_no_labels_in_pixels(self):
        self.label(".icpolicy", "[policy]\ndesign = s2x2-b8-k6-q8\n")
        self.label("set/images/1.jpg")
        self.label("set/images/b.png")
        self.label("set/images/1.txt", "0 0.5 0.5 0.1 0.1")
        self.label("set/labels/1.txt", "0 0.5 0.5 0.1 0.1")
        self.label("set/notes/1.xml", "<notes/>")
        self.label("set/notes/b.xml", "<bndbox>")
        self.label("set/config.json", '{"bbox_size": 3, "image_id": 1}')
        (self.deep / "set/notes/c.json").mkdir()
        self.label("set/map.json", '{"bbox": [1, 2, 3, 4], "type": "FeatureCollection"}')
        self.label("set/other/2.jpg")
        self.label("set/other/1.png")
        self.label("another/unlabeled/1.png")
        self.label("elsewhere/other.json", '{"license": "by/1.0", "file_name": "z.jpg", "image_id": 1, "bbox": []}')
        self.label("1.png")
        for place in ("set", "set/images", "set/labels", "set/notes", "set/other"):
            self.assertEqual(self.warning(self.deep / place), "", place)

    def test_a_reader_sees_one_policy_or_the_other(self):
        texts = {f"[policy]\ndesign = {d}\n": d for d in ("s2x2-b8-k6-q8", "s1x1-b16-k31-q8-c1-fbox")}
        self.file.write_text(next(iter(texts)))
        seen, done = set(), threading.Event()

        def read():
            while not done.is_set():
                seen.add(self.file.read_text())

        reader = threading.Thread(target=read)
        reader.start()
        try:
            for design in list(texts.values()) * 15:
                self.ok("policy", "--set", design, self.dir)
        finally:
            done.set()
            reader.join()
        self.assertEqual(seen, set(texts))


if __name__ == "__main__":
    unittest.main()

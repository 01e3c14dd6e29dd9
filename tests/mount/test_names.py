# SPDX-License-Identifier: MIT
"""Under which names a directory's entries are served, and that each is served once."""

import os

from mounting import DEFAULT, MountTest, images, main

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


class Names(MountTest):
    def test_images_become_ic_files_and_all_else_stays(self):
        image = images()[0]
        for name in ("cat.jpg", "dog.JPEG", "cow.jpe", "hen.JfIf", "two.dots.jpg"):
            self.put(name, image)
        for name in ("label.txt", "mask.png", "archive.jpg.gz", "jpg", ".jpg"):
            self.put(name, image)
        self.put("misnamed.jpg", PNG)
        self.put("empty.jpg", b"")
        (self.source / "dir.jpg").mkdir()
        self.mount()
        self.assertEqual(self.names(), sorted([
            "cat.ic", "dog.ic", "cow.ic", "hen.ic", "two.dots.ic", "label.txt", "mask.png", "archive.jpg.gz", "jpg",
            ".jpg", "misnamed.jpg", "empty.jpg", "dir.jpg"]))
        self.assert_object("cat.ic", image)
        self.assertEqual(self.served("misnamed.jpg"), PNG)
        self.assertEqual(self.served("empty.jpg"), b"")
        self.assertEqual(self.served("mask.png"), image)
        for name in ("cat.jpg", "cat.jpg.ic", "misnamed.ic", "empty.ic", "dir.ic", "label.ic", "CAT.ic", ".ic"):
            self.assertFalse(os.path.lexists(self.point / name), name)

    def test_files_are_found_before_the_directory_was_listed(self):
        self.put("cat.jpg", images()[0])
        self.put("deep/er/dog.jpg", images()[1])
        self.mount()
        self.assert_object("deep/er/dog.ic", images()[1])
        self.assert_object("cat.ic", images()[0])

    def test_two_images_of_one_stem(self):
        a, b, c = images()[:3]
        self.put("cat.jpg", a)
        self.put("cat.JPG", b)
        self.put("cat.jpeg", c)
        self.mount()
        self.assertEqual(self.names(), ["cat.JPG.ic", "cat.jpeg.ic", "cat.jpg.ic"])
        for name, image in (("cat.jpg.ic", a), ("cat.JPG.ic", b), ("cat.jpeg.ic", c)):
            self.assert_object(name, image)
        self.assertFalse((self.point / "cat.ic").exists())

    def test_one_that_is_no_image_takes_no_name(self):
        self.put("cat.jpg", images()[0])
        self.put("cat.jpeg", PNG)
        self.mount()
        self.assertEqual(self.names(), ["cat.ic", "cat.jpeg"])

    def test_a_real_ic_file_keeps_its_name(self):
        self.put("cat.jpg", images()[0])
        self.put("cat.ic", b"not ours")
        (self.source / "dog.ic").mkdir()
        self.put("dog.jpg", images()[1])
        os.symlink("nowhere", self.source / "hen.ic")
        self.put("hen.jpg", images()[2])
        self.mount()
        self.assertEqual(self.names(), ["cat.ic", "cat.jpg.ic", "dog.ic", "dog.jpg.ic", "hen.jpg.ic"])
        self.assertEqual(self.served("cat.ic"), b"not ours")
        self.assert_object("cat.jpg.ic", images()[0])
        self.assert_object("dog.jpg.ic", images()[1])

    def test_both_names_taken(self):
        self.put("cat.jpg", images()[0])
        self.put("cat.ic", b"one")
        self.put("cat.jpg.ic", b"two")
        mount = self.mount()
        self.assertEqual(self.names(), ["cat.ic", "cat.jpg", "cat.jpg.ic"])
        self.assertEqual(self.served("cat.jpg"), images()[0])
        self.assertEqual(self.names(), ["cat.ic", "cat.jpg", "cat.jpg.ic"])
        self.assertEqual(len(mount.log_lines("cat.jpg: served as it is")), 1)

    def test_a_full_name_that_is_another_ones_stem(self):
        a, b, c = images()[:3]
        self.put("cat.jpg", a)
        self.put("cat.jpeg", b)
        self.put("cat.jpg.jpg", c)
        self.mount()
        self.assertEqual(self.names(), ["cat.jpeg.ic", "cat.jpg.ic", "cat.jpg.jpg.ic"])
        self.assert_object("cat.jpg.ic", a)
        self.assert_object("cat.jpg.jpg.ic", c)

    def test_long_names(self):
        longest = "n" * 251 + ".jpg"
        self.put(longest, images()[0])
        self.put("m" * 251 + ".jpg", images()[1])
        self.put("m" * 251 + ".jpe", images()[2])
        mount = self.mount()
        self.assertEqual(self.names(), sorted(["n" * 251 + ".ic", "m" * 251 + ".jpg", "m" * 251 + ".jpe"]))
        self.assert_object("n" * 251 + ".ic", images()[0])
        self.assertEqual(self.served("m" * 251 + ".jpg"), images()[1])
        self.assertEqual(len(mount.log_lines("served as it is")), 2)
        with self.assertRaises(OSError):
            os.stat(self.point / ("x" * 256))

    def test_names_of_any_bytes(self):
        odd = [b"\xff\xfe\x80.jpg", b"new\nline.jpg", b"space and 'quote\".jpg", b"\\back.jpg", b"\x01\x7f.jpg",
               "\u00e9\u6f22.jpg".encode(), b"-rf.jpg", b"%s%n.jpg", b"comma,=.jpg"]
        for i, name in enumerate(odd):
            self.put(name, images()[i % 4])
        self.put(b"\xff\xfe\xfd.jpg", images()[0][:30])
        mount = self.mount()
        expected = sorted([name[:-4] + b".ic" for name in odd] + [b"\xff\xfe\xfd.ic"])
        self.assertEqual(sorted(os.listdir(os.fsencode(self.point))), expected)
        for i, name in enumerate(odd):
            self.assert_object(name[:-4] + b".ic", images()[i % 4])
        with self.assertRaises(OSError):
            self.served(b"\xff\xfe\xfd.ic")
        self.assertEqual(len(mount.log_lines("\\xFF\\xFE\\xFD.jpg")), 1)

    def test_the_control_directory_is_not_listed_and_hides_a_real_one(self):
        self.put(".icfs/mine", b"real")
        self.put("sub/x.txt", b"x")
        self.mount()
        self.assertEqual(self.names(), ["sub"])
        self.assertEqual(self.names("sub"), ["x.txt"])
        self.assertEqual(self.names(".icfs"), ["policy", "search", "stats", "view"])
        self.assertEqual(self.names("sub", ".icfs"), ["policy", "search", "stats"])

    def test_special_files_are_not_there(self):
        os.mkfifo(self.source / "pipe.jpg")
        os.mkfifo(self.source / "pipe")
        self.put("a.txt", b"a")
        self.mount()
        self.assertEqual(self.names(), ["a.txt"])
        self.assertFalse(os.path.lexists(self.point / "pipe"))

    def test_empty_and_large_directories(self):
        (self.source / "empty").mkdir()
        for i in range(3000):
            self.put(f"large/file-{i:05}-with-a-name-of-some-length.txt", b"%d" % i)
        self.mount()
        self.assertEqual(self.names("empty"), [])
        self.assertEqual(self.names("large"), sorted(os.listdir(self.source / "large")))
        self.assertEqual(self.served("large/file-02999-with-a-name-of-some-length.txt"), b"2999")

    def test_a_real_ic_source_is_served_byte_for_byte(self):
        self.put("shipped.ic", b"IC and what not")
        self.mount(f"design={DEFAULT}")
        self.assertEqual(self.served("shipped.ic"), b"IC and what not")


if __name__ == "__main__":
    main()

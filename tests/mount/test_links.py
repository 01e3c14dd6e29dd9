# SPDX-License-Identifier: MIT
"""Links: inside the tree they are served, outside they are not there, unless followed; nothing leads out."""

import os

from mounting import MountTest, encode, images, main, until


class Links(MountTest):
    def link(self, target, name):
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        os.symlink(target, path)

    def fill(self):
        self.put("a/cat.jpg", images()[0])
        self.put("a/label.txt", b"label")
        self.put("b/deep/dog.jpg", images()[1])
        self.outside = self.dir / "outside"
        self.put("out.jpg", images()[2], self.outside)
        self.put("sub/more.jpg", images()[3], self.outside)
        self.put("secret", b"secret", self.outside)

    def test_to_files_inside(self):
        self.fill()
        self.link("../a/cat.jpg", "b/relative.jpg")
        self.link(self.source / "a/cat.jpg", "b/absolute.jpg")
        self.link("relative.jpg", "b/again.jpg")
        self.link(self.source / "b/again.jpg", "b/chain.jpg")
        self.link("../../source/a/label.txt", "b/out-and-in.txt")
        self.link("../a/cat.jpg", "b/renamed.bin")
        self.link("../a/label.txt", "b/misnamed.jpg")
        self.mount()
        self.assertEqual(self.names("b"), ["absolute.ic", "again.ic", "chain.ic", "deep", "misnamed.jpg",
                                           "out-and-in.txt", "relative.ic", "renamed.bin"])
        for name in ("relative", "absolute", "again", "chain"):
            self.assert_object(f"b/{name}.ic", images()[0])
            self.assertFalse((self.point / f"b/{name}.ic").is_symlink())
        self.assertEqual(self.served("b/out-and-in.txt"), b"label")
        self.assertEqual(self.served("b/misnamed.jpg"), b"label")
        self.assertEqual(self.served("b/renamed.bin"), images()[0])

    def test_to_directories_inside(self):
        self.fill()
        self.link("../a", "b/to-a")
        self.link(self.source / "b/deep", "a/to-deep")
        self.link(".", "self")
        self.link("..", "b/up")
        self.link(self.source, "a/root")
        mount = self.mount()
        for name, target in (("b/to-a", "../a"), ("a/to-deep", "../b/deep"), ("self", "."), ("b/up", ".."),
                             ("a/root", "..")):
            self.assertEqual(os.readlink(self.point / name), target)
            self.assertEqual(os.lstat(self.point / name).st_size, len(target))
        self.assertEqual([len(self.names(folder)) for folder in ("a", "b")], [4, 3])
        self.assertEqual(mount.log_lines("is not shown"), [])
        self.assert_object("b/to-a/cat.ic", images()[0])
        self.assert_object(".icfs/view/s2x2-b8-k6-q8/b/up/a/to-deep/dog.ic", images()[1], "s2x2-b8-k6-q8")

    def test_to_nowhere_and_outside(self):
        self.fill()
        for target, name in ((self.outside / "out.jpg", "abs.jpg"), ("../outside/secret", "rel"), (self.outside, "dir"),
                             ("nowhere", "dangling.jpg"), ("loop", "loop"), ("pong", "ping"), ("ping", "pong"),
                             ("a/cat.jpg/x", "through-a-file"), ("/etc/passwd", "passwd"), ("/", "slash"), ("..", "up"),
                             ("../../../../../../../../../../etc", "etc"), ("/proc/self/root", "magic"),
                             ("x" * 4000, "long"), (str(self.source) + "-not", "prefix")):
            self.link(target, name)
        self.put("x", b"x", self.dir / "source-not")
        mount = self.mount()
        self.assertEqual(self.names(), ["a", "b"])
        self.assertEqual(len(mount.log_lines("is not shown; others are not told of")), 1)
        for name in ("abs.ic", "abs.jpg", "rel", "dir", "dangling.ic", "loop", "ping", "passwd", "slash", "etc", "magic",
                     "long", "up", "prefix"):
            self.assertFalse(os.path.lexists(self.point / name), name)

    def test_followed(self):
        self.fill()
        self.link(self.outside / "out.jpg", "abs.jpg")
        self.link("../outside/secret", "rel")
        self.link(self.outside / "sub", "dir")
        self.link("nowhere", "dangling.jpg")
        self.link("loop", "loop")
        os.symlink(self.source / "a", self.outside / "sub/back")
        os.symlink(self.outside, self.outside / "sub/above")
        self.mount("follow")
        self.assertEqual(self.names(), ["a", "abs.ic", "b", "dir", "rel"])
        self.assert_object("abs.ic", images()[2])
        self.assertEqual(self.served("rel"), b"secret")
        self.assertFalse((self.point / "dir").is_symlink())
        self.assertEqual(self.names("dir"), ["above", "back", "more.ic"])
        self.assert_object("dir/more.ic", images()[3])
        self.assertEqual(os.readlink(self.point / "dir/back"), "../a")
        self.assert_object("dir/back/cat.ic", images()[0])
        # The directory above is another than those we are in, but below it we would be in ourselves.
        self.assertEqual(self.names("dir/above"), ["out.ic", "secret"])

    def test_followed_changes(self):
        self.fill()
        self.link(self.outside / "sub", "dir")
        self.mount("follow")
        self.wait_for_names(["more.ic"], "dir")
        self.put("sub/new.jpg", images()[0], self.outside)
        self.wait_for_names(["more.ic", "new.ic"], "dir")

    def test_followed_into_the_mount_itself(self):
        """Whoever walked into our own mount would wait for an answer that only we can give."""
        self.fill()
        self.link(self.point, "self")
        self.link(self.point / "a/cat.ic", "one.ic")
        self.link(self.point / "hello/world", "deep")
        self.mount("follow")
        self.assertEqual(self.names(), ["a", "b"])
        self.assertFalse(os.path.lexists(self.point / "self"))

    def test_a_mount_point_inside_the_source(self):
        self.fill()
        inside = self.source / "a/mnt"
        inside.mkdir()
        self.link(inside / "b", "a/loop")
        self.mount(point=inside)
        self.assertEqual(sorted(os.listdir(inside)), ["a", "b"])
        self.assertEqual(sorted(os.listdir(inside / "a")), ["cat.ic", "label.txt"])
        self.assertFalse(os.path.lexists(inside / "a/mnt"))

    def test_over_the_source_itself(self):
        self.fill()
        self.link(self.source / "a/cat.jpg", "b/absolute.jpg")
        self.mount(point=self.source)
        self.point = self.source
        self.assertEqual(self.names(), ["a", "b"])
        self.assertEqual(self.names("b"), ["absolute.ic", "deep"])
        self.assert_object("b/absolute.ic", images()[0])
        self.assertEqual(self.served("a/label.txt"), b"label")

    def test_a_link_that_is_switched(self):
        self.fill()
        self.link("a/cat.jpg", "x.jpg")
        self.mount("staleness=0.2")
        self.assert_object("x.ic", images()[0])
        os.symlink("b/deep/dog.jpg", self.source / "new")
        os.rename(self.source / "new", self.source / "x.jpg")
        expected = encode(self.source / "b/deep/dog.jpg")
        self.assertTrue(until(lambda: self.shows("x.ic", expected)))
        self.assert_object("x.ic", images()[1])


if __name__ == "__main__":
    main()

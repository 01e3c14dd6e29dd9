# SPDX-License-Identifier: MIT
"""The hidden .icfs: what it says, its views; extended attributes; counts."""

import errno
import json
import os
import re
import subprocess

from mounting import DEFAULT, ICFS, MountTest, extended_attributes, images, main


class Control(MountTest):
    def test_the_policy_in_words(self):
        self.put("train/.icpolicy", b"[policy]\ndesign = s2x2-b8-k6-q8\n")
        self.put("train/a.jpg", images()[0])
        mount = self.mount()
        text = (self.point / "train/.icfs/policy").read_text()
        for part in ("directory: /train\n", "design: s2x2-b8-k6-q8\n", "  rule: train/.icpolicy, line 2\n", "face: ic\n",
                     "changes: ", str(self.source), str(self.point)):
            self.assertIn(part, text)
        self.assertIn(f"design: {DEFAULT}\n", mount.text("policy"))
        self.assertIn("the default", mount.text("policy"))
        self.assertEqual(os.stat(self.point / "train/.icfs/policy").st_size, len(text.encode()))

    def test_what_it_tells_can_be_done(self):
        self.put("a.jpg", images()[0])
        mount = self.mount()
        path = re.search(r"ls (\S+)", mount.text("policy")).group(1)
        self.assertEqual(os.listdir(path), ["a.ic"])

    def test_each_look_is_a_new_file(self):
        mount = self.mount()
        path = self.point / ".icfs/stats"
        with open(path) as first:
            before = first.read()
            for _ in range(50):
                os.stat(self.point)
                os.listdir(self.point)
            after = path.read_text()
            self.assertNotEqual(before, after)
            first.seek(0)
            self.assertEqual(first.read(), before)
            self.assertEqual(os.fstat(first.fileno()).st_size, len(before))
        self.assertGreater(len(mount.stats()), 15)

    def test_stats_are_prometheus_text(self):
        self.put("a.jpg", images()[0])
        self.put("cut.jpg", images()[0][:30])
        mount = self.mount()
        size = len(self.served("a.ic"))
        with self.assertRaises(OSError):
            self.served("cut.ic")
        sample = re.compile(r'^icfs_[a-z_]+(\{kind="[a-z]+"\})? [0-9]+(\.[0-9]+)?$')
        comment = re.compile(r"^# (HELP icfs_[a-z_]+ \S.*|TYPE icfs_[a-z_]+ (counter|gauge))$")
        seen = set()
        for line in mount.text("stats").splitlines():
            self.assertRegex(line, comment if line.startswith("#") else sample)
            if not line.startswith("#"):
                self.assertNotIn(line.split(" ")[0], seen)
                seen.add(line.split(" ")[0])
        stats = mount.stats()
        self.assertEqual(stats["icfs_object_made_bytes_total"], size)
        self.assertEqual(stats["icfs_source_read_bytes_total"], len(images()[0]))
        self.assertEqual(stats["icfs_cache_misses_total"], 1)
        self.assertEqual(stats["icfs_cache_bytes"], size)
        self.assertGreater(stats["icfs_encode_seconds_total"], 0)
        self.assertGreater(stats["icfs_nodes"], 2)
        self.assertGreater(stats['icfs_requests_total{kind="lookup"}'], 1)

    def test_icfs_stats_tells_them(self):
        self.put("d/a.jpg", images()[0])
        mount = self.mount()
        size = len(self.served("d/a.ic"))
        for path in (self.point, self.point / "d"):
            told = json.loads(subprocess.run([ICFS, "stats", "--json", path], check=True, capture_output=True).stdout)
            self.assertEqual((told["icfs_object_made_bytes_total"], told["icfs_queue"]), (size, 0))
            self.assertEqual(told.keys(), mount.stats().keys())
        text = subprocess.run([ICFS, "stats", self.point], check=True, capture_output=True, text=True).stdout
        self.assertIn("Bytes of objects made from sources.\n", text)

    def test_views(self):
        self.put("d/a.jpg", images()[0])
        self.put("d/label.txt", b"label")
        self.put("e/.icpolicy", b"[policy]\ndesign = s1x1-b4-k3-q8\n")
        self.put("e/b.jpg", images()[1])
        self.mount()
        for design in ("s2x2-b8-k6-q8", "s1x1-b32-k5-q3-c1-fbox-oy"):
            for form in (design, design + ",ic"):
                self.assert_object(f".icfs/view/{form}/d/a.ic", images()[0], design)
                self.assert_object(f".icfs/view/{form}/e/b.ic", images()[1], design)
                self.assertEqual(self.served(f".icfs/view/{form}/d/label.txt"), b"label")
        self.names("e")
        listed = self.names(".icfs", "view")
        for form in (f"{DEFAULT},ic", "s1x1-b4-k3-q8,ic", "s2x2-b8-k6-q8,ic"):
            self.assertIn(form, listed)
        for name in listed:
            self.assertEqual(self.names(".icfs", "view", name), ["d", "e"])
        for name in ("s3x3-b8-k6-q8,ic", "auto", "s2x2-b8-k6-q8,png", "", "s2x2-b8-k6-q8,ic,", ".icfs"):
            self.assertFalse(os.path.lexists(f"{self.point}/.icfs/view/{name}/d"), name)
        self.assertFalse(os.path.lexists(self.point / ".icfs/view/s2x2-b8-k6-q8/.icfs/view"))
        self.assertIn("view", (self.point / ".icfs/view/s2x2-b8-k6-q8/e/.icfs/policy").read_text())

    def test_extended_attributes(self):
        self.put("d/.icpolicy", b"[policy]\ndesign = s2x2-b8-k6-q8\n")
        self.put("d/a.JPEG", images()[0])
        self.put("d/label.txt", b"label")
        self.put("d/cut.jpg", images()[0][:30])
        self.mount()

        def attributes(name):
            return extended_attributes(self.point / name)

        want = {"user.icfs.design": "s2x2-b8-k6-q8", "user.icfs.face": "ic", "user.icfs.rule": "d/.icpolicy, line 2",
                "user.icfs.source": "a.JPEG"}
        self.assertEqual(attributes("d/a.ic"), want)
        cut = attributes("d/cut.ic")
        self.assertTrue(cut.pop("user.icfs.error"))
        self.assertEqual(cut, want | {"user.icfs.source": "cut.jpg"})
        self.assertEqual(attributes("d/label.txt"), {"user.icfs.source": "label.txt"})
        del want["user.icfs.source"]
        self.assertEqual(attributes("d"), want)
        self.assertEqual(attributes(".icfs/policy"), {})
        for code, names in ((errno.ENODATA, ("user.icfs.nothing", "user.icfs.error", "user.x")),
                            (errno.ENOTSUP, ("security.selinux", "security.capability", "trusted.x"))):
            for name in names:
                with self.assertRaises(OSError) as caught:
                    os.getxattr(self.point / "d/a.ic", name)
                self.assertEqual(caught.exception.errno, code, name)

    def test_a_long_listing_asks_for_no_attributes(self):
        """Each of the programs' own questions once, not once a file."""
        for i in range(40):
            self.put(f"{i}.jpg", images()[i % 6])
        mount = self.mount()
        before = mount.stats()['icfs_requests_total{kind="xattr"}']
        subprocess.run(["ls", "-lR", self.point], check=True, stdout=subprocess.DEVNULL)
        for i in range(40):
            with self.assertRaises(OSError) as caught:
                os.listxattr(self.point / f"{i}.ic")
            self.assertEqual(caught.exception.errno, errno.ENOTSUP)
        self.assertLess(mount.stats()['icfs_requests_total{kind="xattr"}'] - before, 10)


if __name__ == "__main__":
    main()

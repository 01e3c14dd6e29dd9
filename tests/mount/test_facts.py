# SPDX-License-Identifier: MIT
"""What is remembered of sources and of listings: a second look opens nothing and asks for little, and neither a changed
source nor a wrong memory ever gives a wrong name, size or byte."""

import concurrent.futures
import errno
import os
import random
import sqlite3
import time

from mounting import DEFAULT, MountTest, encode, images, main, until

READ, REMEMBERED, MADE = "icfs_headers_read_total", "icfs_headers_remembered_total", "icfs_cache_misses_total"
TEXT = b"no image at all"
SIZES = "icfs_sizes_remembered_total"
SECONDS = float(os.environ.get("ICFS_TEST_STORM", "4"))  # the long suite asks for more


def requests(mount, kind):
    return mount.stats()[f'icfs_requests_total{{kind="{kind}"}}']


def forget_everything():
    """Have the kernel drop names and inodes, of the whole machine."""
    with open("/proc/sys/vm/drop_caches", "w") as file:
        file.write("2")


class Facts(MountTest):
    def fill(self, folder, count):
        """Images of several sizes, and files that only claim to be one."""
        for i in range(count):
            self.put(f"{folder}/{i:03}.jpg", images()[i % 6] if i % 10 else b"no image %d" % i)
        time.sleep(0.06)  # what changed a moment ago is not kept

    def list(self, folder=""):
        """{name: size} by one pass over the directory, as `ls -l` does it."""
        with os.scandir(self.point / folder) as entries:
            return {entry.name: entry.stat(follow_symlinks=False).st_size for entry in entries}

    def comes_to(self, folder, wanted):
        """Whether the listing becomes that, in time; on the way there names may go while they are looked at."""
        def is_there():
            try:
                return self.list(folder) == wanted
            except FileNotFoundError:
                return False
        return until(is_there)

    def expected(self, folder=""):
        """The same from the sources alone, under the face ic."""
        found = {}
        for entry in os.scandir(self.source / folder):
            with open(entry.path, "rb") as file:
                is_image = file.read(3) == b"\xff\xd8\xff"
            name = entry.name[:-4] + ".ic" if is_image else entry.name
            found[name] = len(encode(entry.path)) if is_image else entry.stat().st_size
        return found

    def remount(self, mount, *options):
        self.assertEqual(mount.end(), (0, ""))
        return self.mount(*options)

    # --- What costs what ---

    def test_a_second_look_opens_no_source(self):
        self.fill("a", 60)
        mount = self.mount()
        first = self.list("a")
        self.assertEqual(first, self.expected("a"))
        self.assertEqual((mount.stats()[READ], mount.stats()[REMEMBERED]), (60, 0))
        mount = self.remount(mount)
        self.assertEqual(self.list("a"), first)
        self.assertEqual((mount.stats()[READ], mount.stats()[REMEMBERED]), (0, 60))
        mount = self.remount(mount, "design=s2x2-b8-k6-q8,face=bmp")  # they are of the source, not of its objects
        self.assertEqual(len(self.list("a")), 60)
        self.assertEqual((mount.stats()[READ], mount.stats()[REMEMBERED]), (0, 60))

    def test_a_second_lookup_opens_no_source(self):
        self.fill("a", 20)
        mount = self.mount()
        self.list("a")
        mount = self.remount(mount)
        for i in range(1, 10):
            self.assertGreater(os.stat(self.point / f"a/{i:03}.ic").st_size, 0)
        self.assertEqual((mount.stats()[READ], mount.stats()[REMEMBERED]), (0, 9))

    def test_sizes_of_jpegs_are_told_by_a_listing(self):
        self.fill("a", 60)
        mount = self.mount("face=jpeg")
        first = self.list("a")
        self.assertEqual(mount.stats()[MADE], 54)
        mount = self.remount(mount, "face=jpeg")
        self.assertEqual(self.list("a"), first)
        self.assertEqual((mount.stats()[READ], mount.stats()[MADE], mount.stats()[SIZES]), (0, 0, 54))
        self.assertLess(requests(mount, "lookup"), 10)

    def test_the_kernel_keeps_a_listing(self):
        for face in ("ic", "jpeg"):
            self.fill(face, 400)
            mount = self.mount("face=" + face)
            first = self.list(face)
            self.list(face)
            before = requests(mount, "readdir"), requests(mount, "lookup")
            self.assertEqual(self.list(face), first)
            after = requests(mount, "readdir"), requests(mount, "lookup")
            self.assertEqual(after[0] - before[0], 1)  # it is opened, and that is all
            self.assertLess(after[1] - before[1], 5)  # .icfs/stats itself
            self.assertEqual(mount.end(), (0, ""))

    def test_a_kernel_that_forgot_is_told_all_at_once(self):
        if not os.access("/proc/sys/vm/drop_caches", os.W_OK):
            self.skipTest("only root may have the kernel forget")
        self.fill("a", 600)
        mount = self.mount()
        first = self.list("a")
        self.list("a")
        forget_everything()
        self.assertTrue(until(lambda: mount.stats()["icfs_nodes"] < 100))
        before = requests(mount, "lookup")
        self.assertEqual(self.list("a"), first)
        self.assertLess(requests(mount, "lookup") - before, 20)
        self.assertEqual(mount.stats()[READ], 600)

    def test_without_a_catalog(self):
        self.fill("a", 20)
        mount = self.mount("catalog=none")
        self.assertEqual(self.list("a"), self.expected("a"))
        mount = self.remount(mount, "catalog=none")
        self.assertEqual(self.list("a"), self.expected("a"))
        self.assertEqual((mount.stats()[READ], mount.stats()[REMEMBERED]), (20, 0))

    # --- Never a wrong one ---

    def test_changes_between_two_mounts(self):
        self.fill("a", 40)
        mount = self.mount()
        self.list("a")
        self.assertEqual(mount.end(), (0, ""))
        os.rename(self.source / "a/001.jpg", self.source / "a/new.jpg")  # the same file
        os.rename(self.source / "a/002.jpg", self.source / "a/003.jpg")  # one in place of another
        os.utime(self.source / "a/004.jpg")
        os.truncate(self.source / "a/005.jpg", len(images()[5]) - 100)
        self.replace("a/006.jpg", images()[1])
        self.put("a/007.jpg", b"no image any more")
        self.put("a/010.jpg", images()[2])
        with open(self.source / "a/008.jpg", "ab") as file:
            file.write(b"more")
        mount = self.mount()
        got = self.list("a")
        self.assertEqual(got, self.expected("a"))
        self.assertEqual((mount.stats()[READ], mount.stats()[REMEMBERED]), (6, 33))
        for name in got:
            self.served(f"a/{name}")

    def test_changes_of_a_kept_listing(self):
        self.fill("a", 30)
        self.mount()
        self.list("a")
        steps = (
            lambda: self.put("a/new.jpg", images()[0]),
            lambda: os.unlink(self.source / "a/001.jpg"),
            lambda: os.rename(self.source / "a/002.jpg", self.source / "a/moved.jpg"),
            lambda: self.put("a/003.jpg", b"no image any more"),  # another name, and the directory is as it was
            lambda: self.put("a/000.jpg", images()[3]),
            lambda: self.replace("a/004.jpg", images()[5]),
            lambda: os.truncate(self.source / "a/010.jpg", 3),
        )
        for step in steps:
            self.list("a")
            self.list("a")
            time.sleep(0.06)
            step()
            wanted = self.expected("a")
            self.assertTrue(self.comes_to("a", wanted), wanted)
            self.assertEqual(self.list("a"), wanted)

    def test_a_policy_changes_a_kept_listing(self):
        self.fill("a", 30)
        self.mount()
        self.assertIn("001.ic", self.list("a"))
        self.list("a")
        self.put(".icpolicy", b"[policy]\nface = orig\n")
        wanted = {entry.name: entry.stat().st_size for entry in os.scandir(self.source / "a")}
        self.assertTrue(self.comes_to("a", wanted))
        os.unlink(self.source / ".icpolicy")
        self.assertTrue(self.comes_to("a", self.expected("a")))

    def test_what_is_not_told_of_is_not_kept(self):
        """A name of a second hard link, and what a link leads to, change without an event here."""
        self.fill("far", 2)
        self.fill("near", 3)
        os.link(self.source / "far/001.jpg", self.source / "near/hard.jpg")
        (self.source / "soft").mkdir()
        os.symlink("../far/001.jpg", self.source / "soft/link.jpg")
        time.sleep(0.06)
        self.mount("staleness=0.2")
        for folder, name in (("near", "hard"), ("soft", "link")):
            self.put("far/001.jpg", images()[0])
            time.sleep(0.3)
            for _ in range(3):
                self.assertIn(f"{name}.ic", self.list(folder))
            self.put("far/001.jpg", b"no image any more")
            time.sleep(0.3)
            self.assertEqual(self.list(folder)[f"{name}.jpg"], len(b"no image any more"))

    def test_unwatched_directories_are_not_kept(self):
        self.fill("a", 5)
        self.mount("nowatch", "staleness=0.2")
        self.list("a")
        self.list("a")
        self.put("a/001.jpg", b"no image any more")
        time.sleep(0.3)
        self.assertEqual(self.list("a"), self.expected("a"))

    def test_a_wrong_memory_is_never_served(self):
        """A source that was written over and had its old time stamp put back, or a catalog that lies."""
        for i in range(6):
            self.put(f"{i}.jpg", images()[i])
        mount = self.mount()
        self.list()
        self.assertEqual(mount.end(), (0, ""))
        with sqlite3.connect(self.dir / "catalog.db") as db:
            db.execute("UPDATE source SET width = width * 2, height = height + 50")
        db.close()
        mount = self.mount()
        for i in range(6):
            expected = encode(self.source / f"{i}.jpg")
            with self.assertRaises(OSError) as caught:
                (self.point / f"{i}.ic").read_bytes()
            self.assertEqual(caught.exception.errno, errno.ESTALE)
            self.assertTrue(until(lambda: self.shows(f"{i}.ic", expected)))
        self.assertEqual(self.list(), self.expected())
        mount = self.remount(mount)
        self.assertEqual(self.list(), self.expected())
        self.assertEqual(mount.stats()[REMEMBERED], 6)

    def confuse(self):
        """a.jpg, a JPEG, and text.jpg, and a catalog that takes each for what the other is."""
        self.put("a.jpg", images()[0])
        self.put("text.jpg", TEXT)
        mount = self.mount()
        self.assertEqual(sorted(self.list()), ["a.ic", "text.jpg"])
        self.assertEqual(mount.end(), (0, ""))
        facts = "width, height, components, color, progressive, arithmetic, restart_interval, factors, orientation"
        with sqlite3.connect(self.dir / "catalog.db") as db:
            db.execute(f"UPDATE source SET ({facts}) = (SELECT {facts} FROM source WHERE is_jpeg)")
            db.execute("UPDATE source SET is_jpeg = 1 - is_jpeg")
        db.close()

    def shows_right(self, folder=""):
        wanted = {"a.ic": encode(self.source / "a.jpg"), "text.jpg": TEXT}
        return until(lambda: self.names(folder) == sorted(wanted) and
                     all(self.shows(os.path.join(folder, name), content) for name, content in wanted.items()))

    def test_who_is_taken_for_another_is_found_out_by_reading(self):
        """Until then a JPEG has its own bytes; what is none is never served as one."""
        self.confuse()
        mount = self.mount()
        self.assertEqual(self.served("a.jpg"), images()[0])
        with self.assertRaises(OSError) as caught:
            self.served("text.ic")
        self.assertEqual(caught.exception.errno, errno.ESTALE)
        self.assertTrue(self.shows_right())
        self.assertEqual(len(mount.log_lines("the catalog remembered")), 2)
        mount = self.remount(mount)
        self.assertTrue(self.shows_right())
        self.assertEqual((mount.stats()[READ], mount.stats()[REMEMBERED]), (0, 2))

    def test_who_is_taken_for_another_under_jpeg(self):
        self.confuse()
        mount = self.mount("face=jpeg")
        self.assertEqual(self.served("text.jpg"), TEXT)
        self.assertEqual(self.served("a.jpg"), images()[0])
        self.assertTrue(until(lambda: self.served("a.jpg") != images()[0]))
        self.assertEqual(self.served("text.jpg"), TEXT)
        self.assertTrue(self.shows_right(f".icfs/view/{DEFAULT},ic"))
        self.assertEqual(len(mount.log_lines("the catalog remembered")), 1)

    def test_who_is_taken_for_another_under_orig(self):
        self.confuse()
        mount = self.mount("face=orig")
        for name, content in (("a.jpg", images()[0]), ("text.jpg", TEXT)):
            self.assertEqual(self.served(name), content)

    def test_a_header_that_is_refused_is_looked_at_again(self):
        self.put("bad.jpg", b"\xff\xd8\xff\xe0 and no more")
        self.put("good.jpg", images()[0])
        mount = self.mount()
        first = self.list()
        mount = self.remount(mount)
        self.assertEqual(self.list(), first)
        self.assertEqual((mount.stats()[READ], mount.stats()[REMEMBERED]), (1, 1))
        self.assertEqual(mount.log_lines("the catalog is not used any more"), [])

    def test_files_that_the_kernel_forgot_are_listed_not_looked_up(self):
        self.fill("a", 300)
        mount = self.mount()
        folder = os.open(self.point / "a", os.O_RDONLY)  # the directory stays
        try:
            for _ in range(2):
                self.list("a")
            forget_everything()
            before = requests(mount, "lookup")
            self.assertEqual(len(self.list("a")), 300)
            self.assertLess(requests(mount, "lookup") - before, 50)
        finally:
            os.close(folder)

    def test_a_catalog_of_nonsense(self):
        self.fill("a", 10)
        mount = self.mount()
        self.list("a")
        self.assertEqual(mount.end(), (0, ""))
        with sqlite3.connect(self.dir / "catalog.db") as db:
            db.execute("UPDATE source SET width = 'wide' WHERE is_jpeg = 1")
        db.close()
        mount = self.mount()
        self.assertEqual(self.list("a"), self.expected("a"))
        self.assertEqual(len(mount.log_lines("the catalog is not used any more")), 1)

    def test_limits_hold_for_what_is_remembered(self):
        self.put("large.jpg", images()[-1])
        self.put("small.jpg", images()[1])
        mount = self.mount()
        self.list()
        mount = self.remount(mount, "pixels=10000")
        self.list()
        with self.assertRaises(OSError) as caught:
            (self.point / "large.ic").read_bytes()
        self.assertEqual(caught.exception.errno, errno.EIO)
        self.assertIn(b"pixel", os.getxattr(self.point / "large.ic", "user.icfs.error"))
        self.assert_object("small.ic", images()[1])
        self.assertEqual((mount.stats()[READ], mount.stats()[REMEMBERED]), (1, 1))
        mount = self.remount(mount)
        self.assert_object("large.ic", images()[-1])

    # --- All at once ---

    def test_listings_while_files_come_and_go(self):
        """What stays is in every listing exactly once, under the face ic and under jpeg, and has its size."""
        stays = {f"s{i:03}": images()[i % 6] for i in range(0, 500)}
        for name, content in stays.items():
            self.put(f"d/{name}.jpg", content)
        self.mount()
        views = {}
        for view, suffix in ((DEFAULT + ",ic", ".ic"), ("s4x4-b8-k3-q4,jpeg", ".jpg")):
            folder = self.point / ".icfs/view" / view / "d"
            views[folder] = {name + suffix: os.stat(folder / (name + suffix)).st_size for name in stays}
        end = time.monotonic() + SECONDS
        wrong, rounds = [], [0]

        def goes_on():
            """Longer where the machine is so busy that little was seen."""
            return not wrong and (time.monotonic() < end or (rounds[0] <= 20 and time.monotonic() < end + 60))

        def look(seed):
            dice = random.Random(seed)
            while goes_on():
                folder = dice.choice(list(views))
                names = []
                try:
                    with os.scandir(folder) as entries:
                        for entry in entries:
                            names.append(entry.name)
                            if entry.name in views[folder] and dice.randrange(20) == 0:
                                size = entry.stat().st_size
                                if size != views[folder][entry.name]:
                                    wrong.append((entry.name, size))
                except OSError as error:
                    if error.errno != errno.ESTALE:
                        wrong.append(error)
                    continue
                here = [name for name in names if name in views[folder]]
                if len(here) != len(stays) or len(set(names)) != len(names):
                    wrong.append((str(folder), len(here), len(names) - len(set(names))))
                rounds[0] += 1

        def change(seed):
            dice = random.Random(seed)
            while goes_on():
                name = f"d/{dice.choice('at')}{seed}{dice.randrange(30):02}.jpg"  # before and behind what stays
                try:
                    if dice.randrange(2):
                        self.put(name, dice.choice(images()))
                    else:
                        os.unlink(self.source / name)
                except OSError:
                    pass
                time.sleep(dice.choice((0, 0.001, 0.02, 0.1)))

        with concurrent.futures.ThreadPoolExecutor(7) as pool:
            done = [pool.submit(look, i) for i in range(5)] + [pool.submit(change, i) for i in range(2)]
            for one in done:
                one.result()
        self.assertEqual(wrong, [])
        self.assertGreater(rounds[0], 20)


if __name__ == "__main__":
    main()

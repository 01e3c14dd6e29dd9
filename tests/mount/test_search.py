# SPDX-License-Identifier: MIT
"""Searches of a tree that is mounted: by hand, and by the mount itself."""

import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import threading
import time
import unittest
import unittest.mock

import mounting
from mounting import ICFS, MKIMAGES, PATIENCE, until

SANITIZED = "ASAN_OPTIONS" in os.environ
LONG = 200  # seconds for a whole search, of 60 evaluations at most
FEW = ["--evaluations=12", "--buckets=8"]


class Searching(mounting.MountTest):
    def setUp(self):
        super().setUp()
        self.catalog = self.dir / "catalog.db"

    def make(self, *below, classes=3, count=12):
        """A dataset with classes to tell apart."""
        self.source.joinpath(*below).mkdir(parents=True, exist_ok=True)
        subprocess.run([MKIMAGES, "--classes", str(classes), "--count", str(count), "--size", "120x90",
                        self.source.joinpath(*below)], check=True, stdout=subprocess.DEVNULL)

    def sql(self, query):
        with sqlite3.connect(self.catalog, timeout=60) as db:
            return db.execute(query).fetchall()

    def search(self, *args):
        return subprocess.Popen([ICFS, "search", f"--catalog={self.catalog}", *FEW, *args], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def design_of(self, *below):
        return os.getxattr(self.point.joinpath(*below), "user.icfs.design").decode()

    def an_image(self, *below):
        """The path, below the root, of a source that is served as an object."""
        folder = self.source.joinpath(*below)
        path = next(p for p in sorted(folder.rglob("*.jpg")) if mounting.is_jpeg(p))
        return path.relative_to(self.source).with_suffix(".ic")


class SearchTest(Searching):
    def test_two_budgets_in_one_tree_end_with_two_policies(self):
        budgets = {"dense": "max-loss = 0%\nobjective = accuracy\n", "sparse": "max-bytes = 3%\n"}
        for name, lines in budgets.items():
            self.make(name)
            self.put(f"{name}/.icpolicy", f"[policy]\ndesign = auto\n{lines}".encode())
        mount = self.mount()
        images = {name: self.an_image(name) for name in budgets}
        full = {name: (self.point / image).stat().st_size for name, image in images.items()}
        process = self.search("--per-directory", self.source)
        self.assertEqual(process.communicate(timeout=LONG)[1], b"")
        self.assertEqual(process.returncode, 0)
        chosen = {pathlib.Path(path).name: design for path, design in self.sql("SELECT directory, design FROM choice")}
        self.assertEqual(set(chosen), set(budgets))
        self.assertNotEqual(chosen["dense"], chosen["sparse"])
        for name, image in images.items():
            self.assertTrue(until(lambda: self.design_of(image) == chosen[name]), name)
            self.assertEqual(len((self.point / image).read_bytes()), (self.point / image).stat().st_size)
            text = (self.point / name / ".icfs" / "policy").read_text()
            self.assertIn(f"{name}/.icpolicy, line 3", text.partition("budget: ")[2])
        self.assertLess((self.point / images["sparse"]).stat().st_size, full["sparse"] * 0.04)
        self.assertIn("budget: max-bytes=3% objective=accuracy\n", (self.point / "sparse/.icfs/policy").read_text())
        self.assertNotIn("budget: ", mount.text("policy"))  # the root says nothing, and is not auto

    def test_a_search_that_ends_switches_the_mount_under_its_readers(self):
        self.make()
        self.mount("design=auto")
        image = self.an_image()
        before, read, wrong, done = (self.point / image).read_bytes(), set(), [], threading.Event()

        def go_on_reading():
            while not done.is_set():
                try:
                    read.add((self.point / image).read_bytes())
                except OSError as error:
                    wrong.append(error)

        readers = [threading.Thread(target=go_on_reading) for _ in range(2)]
        with (self.point / image).open("rb", buffering=0) as old:
            head = old.read(64)
            process = self.search("--max-bytes=10%", self.source)
            for reader in readers:
                reader.start()
            _, errors = process.communicate(timeout=LONG)
            ended = time.monotonic()
            chosen = self.sql("SELECT design FROM choice")
            switched = until(lambda: self.design_of(image) == chosen[0][0])
            took = time.monotonic() - ended
            until(lambda: len(read) > 1)
            done.set()
            for reader in readers:
                reader.join()
            self.assertEqual((process.returncode, errors), (0, b""))
            self.assertTrue(switched, f"still {self.design_of(image)} after {took} s")
            self.assertEqual(head + old.read(), before)
        self.assertEqual(wrong, [])
        after = (self.point / image).read_bytes()
        self.assertEqual(read, {before, after})
        self.assertLess(len(after), len(before) * 0.15)


class IdleTest(Searching):
    """-o search=idle. Idle it is, so on a machine that is busy each test hurries it, where that is allowed."""

    def idle(self, *options, evaluations=12, source=None, point=None):
        mount = self.mount("search=idle", f"search_evaluations={evaluations}", *options, source=source, point=point)
        self.hurry(mount)
        return mount

    def process_of(self, mount):
        """The process that searches for a mount."""
        for pid in pathlib.Path(f"/proc/{mount.process.pid}/task/{mount.process.pid}/children").read_text().split():
            try:
                if self.proc(pid, "comm") == "icfs-search\n":
                    return int(pid)
            except OSError:  # it ended
                pass
        return None

    def proc(self, pid, name):
        return pathlib.Path(f"/proc/{pid}/{name}").read_text()

    def limits(self, pid):
        return {line[:26].strip(): line[26:].split() for line in self.proc(pid, "limits").splitlines()}

    def hurry(self, mount):
        pid = until(lambda: self.process_of(mount))
        self.assertTrue(until(lambda: os.sched_getscheduler(pid) == os.SCHED_IDLE))
        mounting.hurry(pid)

    def says(self, mount, words, within=LONG):
        self.assertTrue(until(lambda: words in mount.text("search"), within), mount.text("search"))

    def rests(self, mount):
        self.says(mount, "state: waiting: no directory wants a search\n")

    def test_it_searches_and_switches(self):
        self.make()
        self.put(".icpolicy", b"[policy]\nmax-bytes = 20%\n")
        mount = self.idle("design=auto")
        image = self.an_image()
        self.rests(mount)
        self.assertNotEqual(self.sql("SELECT design FROM choice"), [(mounting.DEFAULT,)])
        (path, design), = self.sql("SELECT directory, design FROM choice")
        self.assertEqual(path, str(self.source))
        self.assertTrue(until(lambda: self.design_of(image) == design))
        self.assertIn(f"\n/: {design} is chosen by run 1, accuracy ", mount.text("search"))
        self.assertTrue(until(lambda: "by run 1" in mount.text("policy")))
        self.assertEqual(len(mount.log_lines(f"search of /: {design} is chosen by run 1")), 1)
        stats = mount.stats()
        self.assertEqual([stats[f"icfs_search_{name}"] for name in
                          ("evaluations_total", "chosen_total", "failed_total", "running")], [12, 1, 0, 1])

    def test_its_process_is_idle_and_bounded(self):
        self.make()
        mount = self.idle("design=auto", "search_memory=200M", "search_time=77")
        pid = self.process_of(mount)
        self.assertTrue(until(lambda: self.limits(pid)["Max data size"][0] != "unlimited"))  # the last that it sets
        limits = self.limits(pid)
        self.assertEqual(limits["Max cpu time"][:2], ["77", "78"])
        self.assertEqual(limits["Max core file size"][0], "0")
        most = int(limits["Max data size"][0]) - int(self.proc(pid, "statm").split()[5]) * os.sysconf("SC_PAGESIZE")
        self.assertTrue(100 << 20 < most < 240 << 20, most)  # beyond what it has by now
        self.assertEqual(self.proc(pid, "oom_score_adj"), "1000\n")
        self.assertEqual(subprocess.run(["ionice", "-p", str(pid)], capture_output=True, text=True).stdout, "idle\n")
        self.assertEqual(os.readlink(f"/proc/{pid}/cwd"), "/")

    def scratch_of(self, pid):
        """What its file without a name takes, where it has one."""
        for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            try:
                if os.readlink(fd).startswith(f"{self.dir}/tmp/"):
                    return fd.stat().st_size
            except OSError:  # closed meanwhile
                pass
        return 0

    @unittest.skipIf(SANITIZED, "its allocator ends a process that gets no memory")
    def test_what_its_memory_cannot_hold_waits_on_the_disk(self):
        """Half of the half of 128 MiB that is for images holds the coefficients of a few of these."""
        from PIL import Image
        for name in "ab":
            self.source.joinpath(name).mkdir(parents=True)
            for i in range(14):
                Image.effect_noise((1200, 900), 60 + 20 * (name == "b") + i).convert("RGB").save(
                    self.source / name / f"{i}.jpg", quality=95)
        (self.dir / "tmp").mkdir()
        for disk, most in (("64M", 64 << 20), ("0", 0)):
            self.catalog.unlink(missing_ok=True)
            with unittest.mock.patch.dict(os.environ, TMPDIR=f"{self.dir}/tmp"):
                mount = self.idle("design=auto", "search_memory=128M", f"search_disk={disk}", evaluations=4)
            pid = self.process_of(mount)
            self.says(mount, "state: searching /, ")
            took = self.scratch_of(pid)
            self.assertTrue(0 < took <= most if most else took == 0, took)
            self.assertIn(f", {most >> 20} MiB of disk (-o search_disk=)\n", mount.text("search"))
            self.assertEqual(list((self.dir / "tmp").iterdir()), [])
            self.rests(mount)
            self.assertEqual(self.scratch_of(pid), 0)
            self.end(mount)
            self.assertEqual(len(self.sql("SELECT id FROM choice")), 1)

    def test_it_goes_on_after_a_remount(self):
        self.make()
        for turn in range(3):
            mount = self.idle("design=auto", evaluations=60)
            if turn < 2:
                self.says(mount, "state: searching /, ")
                self.assertTrue(until(lambda: mount.stats()["icfs_search_evaluations_total"] > 4, LONG))
                began = time.monotonic()
                self.end(mount)
                self.assertLess(time.monotonic() - began, PATIENCE)  # sanitizers look for leaks first
                count, = self.sql("SELECT count(*) FROM measurement")[0]
                self.assertEqual(self.sql("SELECT count(*) FROM choice"), [(0,)])
            else:
                self.rests(mount)
        self.assertLess(mount.stats()["icfs_search_evaluations_total"], 60 - 4)
        self.assertEqual(self.sql("SELECT count(*), count(DISTINCT measurement) FROM planned"), [(60, 60)])
        self.assertEqual(self.sql("SELECT count(*) FROM run"), [(1,)])
        self.assertGreaterEqual(count, 8)

    def test_each_budget_has_its_search(self):
        """The root is auto and cannot be judged; what says a budget has a choice of its own."""
        for name, budget in (("one", "max-bytes = 3%"), ("two/deep", "max-bytes = 60%\nmax-loss = 90%")):
            self.make(name)
            self.put(f"{name}/.icpolicy", f"[policy]\n{budget}\n".encode())
        self.make("three")
        self.put("three/.icpolicy", b"[policy]\nface = jpeg\n")  # neither design nor budget
        self.put("tree.ini", f"[policy]\ndesign = auto\n[none]\ndesign = auto\n".encode(), self.dir)
        mount = self.idle(f"policy={self.dir}/tree.ini")
        self.rests(mount)
        reasons = dict(self.sql("SELECT directory, reason FROM choice"))
        self.assertIn("max-bytes=3% objective=accuracy", reasons[str(self.source / "one")])
        self.assertIn("max-loss=0.9 max-bytes=60% objective=time", reasons[str(self.source / "two/deep")])
        self.assertNotIn(str(self.source / "three"), reasons)
        self.assertNotIn(str(self.source / "none"), reasons)
        choices = dict(self.sql("SELECT directory, design FROM choice"))
        for name in ("one", "two/deep"):
            image = self.an_image(name)
            self.assertTrue(until(lambda: self.design_of(image) == choices[str(self.source / name)]), name)

    def settings_of(self, name):
        """Of the last run that searched a directory, and whether its plan has each design sample columns and rows alike."""
        run, settings = self.sql(f"SELECT id, settings FROM run WHERE directory = '{self.source / name}' ORDER BY id")[-1]
        designs = [design for design, in self.sql(f"SELECT design FROM planned WHERE run = {run}")]
        return settings, all(re.match(r"s(\d)x\1-", design) for design in designs)

    def test_proportions_are_kept_where_programs_see_pictures(self):
        for face in ("bmp", "ic", "jpeg"):
            self.make(face)
            self.put(f"{face}/.icpolicy", f"[policy]\ndesign = auto\nface = {face}\nmax-bytes = 60%\n".encode())
        mount = self.idle()
        self.rests(mount)
        for face, keeps in (("bmp", True), ("ic", False), ("jpeg", True)):
            settings, is_kept = self.settings_of(face)
            self.assertEqual((" keep-proportions max-bytes=60% " in settings, is_kept), (keeps, keeps), face)
            (design, reason), = self.sql(f"SELECT design, reason FROM choice WHERE directory = '{self.source / face}'")
            self.assertEqual("best for keep-proportions " in reason, keeps)
            self.assertIn(f"\n/{face}: {design} is chosen by run ", mount.text("search"))

    def test_another_face_is_another_search(self):
        self.make()
        self.put(".icpolicy", b"[policy]\nface = jpeg\n")
        mount = self.idle("design=auto", evaluations=1000)
        os.listdir(self.point)  # from now on its policy is watched
        self.says(mount, "state: searching /, ")
        self.put(".icpolicy", b"[policy]\nface = ic\n")
        self.assertTrue(until(lambda: self.sql("SELECT count(*) FROM run") == [(2,)], LONG), mount.text("search"))
        self.assertEqual([" keep-proportions " in settings for settings, in self.sql("SELECT settings FROM run ORDER BY id")],
                         [True, False])

    def test_a_choice_of_other_proportions_is_served(self):
        """Somebody made it; who asks is warned."""
        self.make()
        subprocess.run([ICFS, "search", "pin", f"--catalog={self.catalog}", "s1x4-b8-k6-q8", self.source], check=True,
                       stdout=subprocess.DEVNULL)
        mount = self.idle("design=auto", "face=jpeg")
        self.rests(mount)
        self.assertEqual(self.design_of(self.an_image().with_suffix(".jpg")), "s1x4-b8-k6-q8")
        self.assertEqual(self.sql("SELECT count(*) FROM run"), [(0,)])
        done = subprocess.run([ICFS, "policy", self.point], capture_output=True, text=True)
        self.assertIn("'icfs search --keep-proportions' chooses none but these\n", done.stderr)

    def test_what_cannot_be_searched_is_said_and_the_rest_goes_on(self):
        for name in ("cats", "dogs"):
            self.put(f"{name}/broken.jpg", b"\xff\xd8\xff\xe0 and no more")
        mount = self.idle("design=auto")
        self.says(mount, f"\n/: {self.source}: there is no image in it\n")
        self.make("late")
        self.put("late/.icpolicy", b"[policy]\nmax-bytes = 50%\n")  # whose coming wakes it, once it is looked at
        os.listdir(self.point / "late")
        self.says(mount, "\n/late: ")
        self.rests(mount)
        self.assertEqual(self.sql("SELECT directory FROM choice"), [(str(self.source / "late"),)])
        # A budget that nothing meets, then one that something does.
        self.put("late/.icpolicy", b"[policy]\ndesign = s1x1-b8-k3-q8\n")
        self.make("other")
        self.put("other/.icpolicy", b"[policy]\nmax-bytes = 1\n")
        os.listdir(self.point / "other")
        self.says(mount, "no design is within max-bytes=1 objective=accuracy: the least are ")
        self.put("other/.icpolicy", b"[policy]\nmax-bytes = 40%\n")
        self.says(mount, f"\n/other: {self.sql('SELECT design FROM choice ORDER BY id DESC LIMIT 1')[0][0]}"[:9])
        self.assertTrue(until(lambda: len(self.sql("SELECT id FROM choice")) == 2, LONG), mount.text("search"))
        self.assertEqual(mount.stats()["icfs_search_failed_total"], 2)

    @unittest.skipIf(SANITIZED, "its allocator ends a process that gets no memory")
    def test_little_memory_is_no_reason_to_hang(self):
        """OpenBLAS asks for its 128 MiB again and again where it gets none."""
        self.make()
        mount = self.idle("design=auto", "search_memory=128M")
        self.rests(mount)
        self.assertEqual(len(self.sql("SELECT id FROM choice")), 1)

    @unittest.skipIf(SANITIZED, "its allocator ends a process that gets no memory")
    def test_an_image_too_large_for_its_memory(self):
        """It says that it takes 100 million pixels, progressive, so a decoder asks for all of them at once."""
        self.make()
        source = next(p for p in sorted(self.source.rglob("*.jpg")) if mounting.is_jpeg(p))
        data = bytearray(source.read_bytes())
        at = data.index(b"\xff\xc0")
        data[at + 1] = 0xc2
        data[at + 5:at + 9] = (9999).to_bytes(2, "big") + (10000).to_bytes(2, "big")
        source.with_name("huge.jpg").write_bytes(data)
        mount = self.idle("design=auto", "search_memory=128M")
        until(lambda: "\n/: " in mount.text("search") or "ended" in mount.text("search"), LONG)
        self.assertRegex(mount.text("search"), r"\n/: .*(-o search_memory=|is chosen by run 1)")
        self.assertEqual(mount.stats()["icfs_search_running"], 1)

    def test_a_crash_of_it_leaves_the_mount(self):
        self.make()
        mount = self.idle("design=auto", evaluations=200)
        self.says(mount, "state: searching /, ")
        os.kill(self.process_of(mount), signal.SIGABRT)
        self.says(mount, "state: ended by signal 6 (Aborted); the mount does without\n")
        self.assertEqual(mount.stats()["icfs_search_running"], 0)
        self.assertTrue((self.point / self.an_image()).read_bytes())
        self.assertEqual(len(mount.log_lines("the search ended by signal 6")), 1)

    def test_requests_and_the_end_do_not_wait_for_it(self):
        self.make()
        mount = self.idle("design=auto", evaluations=200)
        self.says(mount, "state: searching /, ")
        os.kill(self.process_of(mount), signal.SIGSTOP)
        began = time.monotonic()
        for path in (self.point / self.an_image(), self.point / ".icfs/search", self.point / ".icfs/stats"):
            self.assertTrue(path.read_bytes())
        for i in range(3):  # orders that nobody takes
            self.put(".icpolicy", f"[policy]\nmax-bytes = 5{i}%\n".encode())
            self.assertTrue(until(lambda: f"max-bytes=5{i}%" in mount.text("policy")))
        self.end(mount)
        self.assertLess(time.monotonic() - began, PATIENCE)  # a stopped process would be waited for for ever

    def has_ended(self, pid):
        try:
            return self.proc(pid, "stat").rpartition(")")[2].split()[0] == "Z"
        except OSError:
            return True

    def test_it_ends_with_a_mount_that_is_killed(self):
        self.make()
        mount = self.idle("design=auto", evaluations=200)
        self.says(mount, "state: searching /, ")
        pid = self.process_of(mount)
        mount.process.kill()
        mount.wait()
        subprocess.run(mounting.unmounting(self.point), check=True)
        self.assertTrue(until(lambda: self.has_ended(pid)))

    def test_its_processor_time_ends(self):
        self.make()
        seconds = 20 if "ICFS_SANITIZED" in os.environ else 2  # enough for something to remain
        mount = self.idle("design=auto", f"search_time={seconds}", evaluations=4104)
        self.says(mount, "state: ended since its processor time is used up; the next mount goes on where it was")
        self.assertGreater(self.sql("SELECT count(*) FROM measurement")[0][0], 0)

    def test_what_was_chosen_or_rolled_back_is_left_alone(self):
        self.make()
        self.put("cats/.icpolicy", b"[policy]\ndesign = auto\n")  # content with what is chosen above
        subprocess.run([ICFS, "search", "pin", f"--catalog={self.catalog}", "s1x1-b8-k5-q8", self.source], check=True,
                       stdout=subprocess.DEVNULL)
        mount = self.idle("design=auto")
        self.rests(mount)
        self.assertEqual(self.design_of(self.an_image()), "s1x1-b8-k5-q8")
        subprocess.run([ICFS, "search", "rollback", f"--catalog={self.catalog}", self.source], check=True,
                       stdout=subprocess.DEVNULL)
        self.assertTrue(until(lambda: self.design_of(self.an_image()) == mounting.DEFAULT))
        self.rests(mount)
        self.assertEqual(self.sql("SELECT count(*) FROM choice WHERE directory NOT LIKE '%cats'"), [(1,)])

    def test_in_front_of_what_it_searches(self):
        self.make()
        point = self.source / "mnt"
        point.mkdir()
        mount = self.idle("design=auto", point=point)
        self.says(mount, "\n/: the mount point lies in it\n")
        self.end(mount)
        mount = self.idle("design=auto", point=self.source)
        self.rests(mount)
        self.assertEqual(self.sql("SELECT directory FROM choice"), [(str(self.source),)])
        self.assertEqual(self.sql("SELECT count(*) FROM measurement WHERE failure IS NOT NULL"), [(0,)])

    def test_a_search_by_hand_beside_it(self):
        """One of them has the run; the other does not spoil it."""
        self.make()
        mount = self.idle("design=auto", evaluations=60)
        self.says(mount, "state: searching /, ")
        done = subprocess.run([ICFS, "search", f"--catalog={self.catalog}", "--evaluations=60", self.source],
                              capture_output=True, text=True, timeout=2 * LONG)
        if done.returncode:
            self.assertEqual(done.stderr, "icfs: run 1 is under way in another process, maybe in a mount that searches\n")
        self.rests(mount)
        self.assertEqual(self.sql("SELECT count(*), count(DISTINCT measurement) FROM planned WHERE run = 1"), [(60, 60)])

    def test_a_catalog_that_can_only_be_read(self):
        """It is said, and tried again until it can be written."""
        folder = self.dir / "kept"
        folder.mkdir()
        self.make()
        subprocess.run([ICFS, "search", "pin", f"--catalog={folder}/catalog.db", "s1x1-b8-k5-q8", folder], check=True,
                       stdout=subprocess.DEVNULL)
        view = self.read_only_view(folder)
        mount = self.mount("design=auto", "search=idle", f"catalog={view}/catalog.db")
        self.assertTrue(until(lambda: "can be read, but not written: Read-only file system" in mount.text("search")),
                        mount.text("search"))
        subprocess.run(["mount", "-o", "remount,bind,rw", view], check=True)
        self.assertTrue(until(lambda: "searching" in mount.text("search"), LONG), mount.text("search"))

    def test_options_that_do_not_fit(self):
        for options, words in (("search=idle,catalog=none", "search=idle: needs a catalog for what it finds"),
                               ("search=always", "-o search=always: expected idle or none"),
                               ("search_memory=1M", "-o search_memory=1M: '1M' is no whole number from 134217728 to "),
                               ("search_evaluations=3", "-o search_evaluations=3: '3' is no whole number from 4 to 4104"),
                               ("search_time=soon", "-o search_time=soon: 'soon' is no whole number from 0 to ")):
            done = subprocess.run([ICFS, "mount", "-f", "-o", options, self.source, self.point], capture_output=True, text=True)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(words, done.stderr)
        self.assertIn("search: none; with -o search=idle ", self.mount().text("search"))


if __name__ == "__main__":
    mounting.main()

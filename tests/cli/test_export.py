# SPDX-License-Identifier: MIT
"""icfs export: the tree it writes, going on after any end, and what it refuses."""

import fcntl
import hashlib
import os
import re
import pty
import random
import shutil
import signal
import stat
import subprocess
import time
import unittest

from cli import ICFS, CliTest, icfs, jpegs, preload
from opens import Opens

DESIGN = "s2x2-b8-k6-q8"
RECORD = ".icfs-export"
TEMPORARY = r"\.icfs-export\..*\.[1-9]\d*\.\d+$"  # but for that of the record, which is the first thread's


def digest(content):
    """What is compared in place of bytes, whose differences would take minutes to print."""
    return hashlib.sha256(content).hexdigest()


def tree(root):
    """Everything below, but the record: path to (kind, digest, permissions, mtime)."""
    found = {}
    for path in sorted(root.rglob("*")):
        name, info = str(path.relative_to(root)), path.lstat()
        if name == RECORD:
            continue
        if path.is_symlink():
            found[name] = ("link", os.readlink(path))
        elif path.is_dir():
            found[name] = ("directory", stat.S_IMODE(info.st_mode), info.st_mtime_ns)
        else:
            found[name] = ("file", digest(path.read_bytes()), stat.S_IMODE(info.st_mode), info.st_mtime_ns)
    return found


class Export(CliTest):
    maxDiff = None

    def setUp(self):
        super().setUp()
        self.source, self.dest = self.dir / "source", self.dir / "dest"
        shutil.copytree(self.images / "tree", self.source)
        (self.source / "notes.txt").write_bytes(b"labels\n" * 1000)
        (self.source / "empty").mkdir()
        os.utime(self.source / "notes.txt", ns=(1, 1234567890123456789))
        os.utime(self.source / "train", ns=(1, 1034567890123456789))
        (self.source / "notes.txt").chmod(0o640)
        (self.source / "empty").chmod(0o750)

    def export(self, *options, source=None, dest=None):
        return self.ok("export", *options, source or self.source, dest or self.dest).decode()

    def left_out(self, nlinks):
        """What is said of links."""
        are = "1 symbolic link is left out: it leads" if nlinks == 1 else f"{nlinks} symbolic links are left out: they lead"
        return (f"icfs: warning: {self.source}: {are} nowhere, to what is not served, or out of the tree "
                "without --follow or --follow-files\n").encode()

    def damage(self, name, content):
        """Other bytes in an exported file; its time stays."""
        path = self.dest / name
        times = path.stat()
        path.write_bytes(content)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    def expected(self, design, face):
        """What every file of the source is to become, by `icfs encode`."""
        made = {}
        for path in sorted(p for p in self.source.rglob("*") if p.is_file()):
            name, content = path.relative_to(self.source), path.read_bytes()
            if path.suffix in (".jpg", ".jpeg", ".JPEG") and content[:3] == b"\xff\xd8\xff":
                name = name.with_suffix(".ic") if face == "ic" else name
                content = self.ok("encode", "-d", design, "-f", face, path, "-")
            made[str(name)] = (digest(content), len(content), path.stat().st_mode, path.stat().st_mtime_ns)
        return made

    def test_every_file_is_what_encode_makes(self):
        for face in ("ic", "jpeg", "bmp", "orig"):
            dest = self.dir / face
            said = self.export("--design", DESIGN, "--face", face, dest=dest)
            files = {str(p.relative_to(dest)): (digest(p.read_bytes()), p.stat().st_size, p.stat().st_mode, p.stat().st_mtime_ns)
                     for p in dest.rglob("*") if p.is_file() and p.name != RECORD}
            self.assertEqual(files, self.expected(DESIGN, face))
            total = sum(size for _, size, _, _ in files.values())
            self.assertIn(f"written: {len(files)} files, {total} bytes", said)
            if face != "jpeg":  # where it is exact, and said before
                self.assertIn(f"to write: {len(files)} files, {total} bytes", said)
            self.assertEqual((dest / "train").stat().st_mtime_ns, 1034567890123456789)
            self.assertEqual(stat.S_IMODE((dest / "empty").stat().st_mode), 0o750)

    def test_a_second_run_writes_nothing(self):
        for face in ("ic", "jpeg"):
            dest = self.dir / face
            self.export("-d", DESIGN, "-f", face, dest=dest)
            before, inodes = tree(dest), {p: p.stat().st_ino for p in dest.rglob("*")}
            said = self.export("-d", DESIGN, "-f", face, dest=dest)
            self.assertIn("written: 0 files, 0 bytes", said)
            self.assertEqual(tree(dest), before)
            self.assertEqual({p: p.stat().st_ino for p in dest.rglob("*") if p.name != RECORD},
                             {p: i for p, i in inodes.items() if p.name != RECORD})

    def test_what_changed_is_written_again(self):
        self.export("-d", DESIGN)
        before = tree(self.dest)
        images = sorted(name for name in before if name.endswith(".ic"))
        self.damage(images[0], (self.dest / images[0]).read_bytes()[:-1])
        os.utime(self.dest / images[1], ns=(1, 1))
        (self.dest / images[2]).unlink()
        (self.dest / "notes.txt").write_bytes(b"")
        self.assertIn("written: 4 files", self.export("-d", DESIGN))
        self.assertEqual(tree(self.dest), before)
        (self.source / "notes.txt").write_bytes(b"new labels\n")
        self.assertIn("written: 1 files, 11 bytes", self.export("-d", DESIGN))
        self.assertEqual((self.dest / "notes.txt").read_bytes(), b"new labels\n")

    def test_a_jpeg_that_lost_its_end_is_written_again(self):
        self.export("-d", DESIGN, "-f", "jpeg")
        before = tree(self.dest)
        path = jpegs(self.dest)[0]
        self.damage(path, path.read_bytes()[:-2])
        self.assertIn("written: 1 files", self.export("-d", DESIGN, "-f", "jpeg"))
        self.assertEqual(tree(self.dest), before)

    def test_policies_are_carried_out_and_not_copied(self):
        (self.source / ".icpolicy").write_text(f"[policy]\ndesign = {DESIGN}\nface = jpeg\n")
        folder = sorted(p for p in (self.source / "train").iterdir() if p.is_dir())[0]
        (folder / ".icpolicy").write_text("[policy]\ndesign = s1x1-b8-k3-q8\nface = ic\n")
        self.export()
        self.assertEqual(list(self.dest.rglob(".icpolicy")), [])
        record = (self.dest / RECORD).read_text().splitlines()
        self.assertEqual(record[1:], [f"{DESIGN},jpeg ", f"s1x1-b8-k3-q8,ic train/{folder.name}"])
        exported = {p.suffix for p in (self.dest / "train" / folder.name).iterdir()}
        self.assertIn(".ic", exported)
        inspected = self.inspect(next((self.dest / "train" / folder.name).glob("*.ic")))
        self.assertEqual(inspected["design"], "s1x1-b8-k3-q8")

    def test_another_design_is_refused_until_the_files_are_removed(self):
        self.export("-d", DESIGN)
        before = tree(self.dest)
        self.fails(f"icfs: {self.dest}: it was exported as {DESIGN},ic, and now would be s2x2-b8-k7-q8,ic; remove it "
                   "there, or choose another DEST\n", "export", "-d", "s2x2-b8-k7-q8", self.source, self.dest)
        self.assertEqual(tree(self.dest), before)
        (self.source / "train" / ".icpolicy").write_text("[policy]\ndesign = s4x4-b8-k6-q8\n")
        self.ok("export", "-d", DESIGN, self.source, self.dest)  # the option binds everywhere
        shutil.rmtree(self.dest)
        self.export("-p", self.policy_file(f"[policy]\ndesign = {DESIGN}\n"))
        (self.source / "train" / ".icpolicy").unlink()
        self.fails(f"icfs: {self.dest}: train was exported as s4x4-b8-k6-q8,ic, and now would be {DESIGN},ic; remove it "
                   "there, or choose another DEST\n",
                   "export", "-p", self.policy_file(f"[policy]\ndesign = {DESIGN}\n"), self.source, self.dest)
        shutil.rmtree(self.dest / "train")
        os.utime(self.source / "train", ns=(1, 1034567890123456789))  # as before .icpolicy came and went
        self.export("-p", self.policy_file(f"[policy]\ndesign = {DESIGN}\n"))
        self.assertEqual(tree(self.dest), before)

    def policy_file(self, text):
        path = self.dir / "policy"
        path.write_text(text)
        return path

    def test_what_dest_may_be(self):
        self.dest.mkdir()
        (self.dest / "mine").write_bytes(b"mine")
        self.fails(f"icfs: {self.dest}: is not empty, and no export; choose another DEST\n",
                   "export", self.source, self.dest)
        inside = self.source / "train" / "out"
        self.fails(f"icfs: {inside}: is inside {self.source}, and a source is never written to\n",
                   "export", self.source, inside)
        self.assertFalse(inside.exists())
        self.fails(f"icfs: {self.source}: is inside {self.source}, and a source is never written to\n",
                   "export", self.source, self.source)
        self.fails(f"icfs: {self.source}: {self.source}/train is inside it\n",
                   "export", self.source / "train", self.source)
        os.symlink(self.source / "train", self.dir / "way")
        self.fails(f"icfs: {self.dir}/way/out: is inside {self.source}, and a source is never written to\n",
                   "export", self.source, self.dir / "way" / "out")
        self.fails(f"icfs: {self.dir}/no/way: No such file or directory\n", "export", self.source, self.dir / "no/way")
        self.fails(f"icfs: {self.dir}/nothing: No such file or directory\n", "export", self.dir / "nothing", self.dest)
        (self.dest / "mine").unlink()
        (self.dest / RECORD).write_text("icfs export 1, codec 999\n")
        (self.dest / "file").write_text("")
        codec = re.search(r"codec +version (\d+)", self.ok("--version").decode()).group(1)
        self.fails(f"icfs: {self.dest}/{RECORD}: written by version 999 of the codec, and this is {codec}; "
                   "choose another DEST\n",
                   "export", self.source, self.dest)
        (self.dest / RECORD).write_text("what else\n")
        self.fails(f"icfs: {self.dest}/{RECORD}: not written by this version of icfs; choose another DEST\n",
                   "export", self.source, self.dest)

    def test_one_export_at_a_time(self):
        self.dest.mkdir()
        fd = os.open(self.dest, os.O_RDONLY)
        self.addCleanup(os.close, fd)
        fcntl.flock(fd, fcntl.LOCK_EX)
        self.fails(f"icfs: {self.dest}: another export is writing to it\n", "export", self.source, self.dest)

    def test_a_dry_run_writes_nothing(self):
        said = self.export("-n", "-d", DESIGN)
        self.assertFalse(self.dest.exists())
        self.assertEqual(said + self.export("-d", DESIGN).split("\n")[1] + "\n", self.export_said(said))

    def export_said(self, said):
        files = [p for p in self.dest.rglob("*") if p.is_file() and p.name != RECORD]
        total = sum(p.stat().st_size for p in files)
        kb = f"{total / 1000:.1f} kB"
        self.assertEqual(said, f"to write: {len(files)} files, {total} bytes ({kb})\n")
        return said + f"written: {len(files)} files, {total} bytes ({kb})\n"

    def test_without_a_plan_each_source_is_opened_once(self):
        planned, dest = self.dir / "planned", self.dest
        folder = next(iter(jpegs(self.source))).parent
        names = {path.name for path in jpegs(self.source) if path.parent == folder}
        linked = self.dir / "outside.jpg"
        shutil.copy(folder / next(iter(names)), linked)
        (folder / "linked.jpg").symlink_to(linked)
        (folder / "elsewhere").symlink_to(self.images)
        opens = Opens(linked.parent)
        done = icfs("export", "-d", DESIGN, "-f", "jpeg", "--no-plan", "--follow-files", self.source, self.dir / "followed")
        self.assertEqual((done.returncode, done.stderr), (0, self.left_out(1)))
        self.assertEqual(opens.end()["outside.jpg"], 1)
        self.assertTrue((self.dir / "followed" / folder.relative_to(self.source) / "linked.jpg").is_file())
        self.assertFalse((self.dir / "followed" / folder.relative_to(self.source) / "elsewhere").exists())
        for to, options, times in (planned, (), 2), (dest, ("--no-plan",), 1):
            opens = Opens(folder)
            done = icfs("export", "-d", DESIGN, "-f", "jpeg", *options, self.source, to)
            self.assertEqual((done.returncode, done.stderr), (0, self.left_out(2)))
            text = done.stdout.decode()
            counts = opens.end()
            self.assertEqual({name: counts[name] for name in names}, dict.fromkeys(names, times), options)
            self.assertRegex(text, "^to write: " if times == 2 else r"^written: \d+ files, \d+ bytes[^\n]*\n$")
        self.assertEqual(tree(dest), tree(planned))
        # Whether it goes on with the same design does not need one.
        done = icfs("export", "-d", "s1x1-b8-k3-q8", "-f", "jpeg", "--no-plan", self.source, dest)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"was exported as", done.stderr)
        self.assertEqual(tree(dest), tree(planned))
        done = icfs("export", "--no-plan", "--dry-run", self.source, dest)
        self.assertEqual((done.returncode, done.stdout), (2, b""))

    def test_links(self):
        first = jpegs(self.source)[0]
        os.symlink(first, self.source / "again.jpg")
        os.symlink("train", self.source / "same")
        os.symlink(self.images / "odd", self.source / "outside")
        os.symlink("nowhere", self.source / "dangling.jpg")
        for options, n in (((), 2), ((), 2), (("--dry-run",), 2), (("--no-plan",), 2), (("--dry-run", "--follow"), 1)):
            done = icfs("export", "-d", DESIGN, *options, self.source, self.dest)
            self.assertEqual((done.returncode, done.stderr), (0, self.left_out(n)), options)
        self.assertEqual(os.readlink(self.dest / "same"), "train")
        self.assertFalse((self.dest / "again.ic").is_symlink())
        self.assertEqual((self.dest / "again.ic").read_bytes(), self.encode(first, DESIGN))
        for name in ("outside", "dangling.jpg", "dangling.ic"):
            self.assertFalse(os.path.lexists(self.dest / name), name)
        done = icfs("export", "--follow", "-d", DESIGN, self.source, self.dir / "followed")
        self.assertEqual(done.returncode, 1)  # some of those have no object
        self.assertTrue((self.dir / "followed" / "outside" / "sampling-420.ic").is_file())

    def test_sections_for_nothing_are_told_of(self):
        policy = self.policy_file(f"[Policy]\ndesign = {DESIGN}\n[train]\nface = jpeg\n[train/none]\nface = bmp\n")
        for command in (("export", "--dry-run", "-p", policy, self.source, self.dest),
                        ("warm", "--dry-run", "--store", self.dir / "store", "-p", policy, self.source)):
            done = icfs(*command)
            self.assertEqual((done.returncode, done.stderr.decode().splitlines()), (0, [
                f"icfs: warning: {policy}:1: [Policy] is no directory of the source, so it governs nothing; [policy] is "
                "for all of it",
                f"icfs: warning: {policy}:5: [train/none] is no directory of the source, so it governs nothing"]))

    def test_a_directory_that_is_in_the_way(self):
        self.dest.mkdir()
        self.export("-d", DESIGN)
        shutil.rmtree(self.dest / "train")
        (self.dir / "elsewhere").mkdir()
        os.symlink(self.dir / "elsewhere", self.dest / "train")
        self.fails("icfs: warning: train: Not a directory\nicfs: 1 could not be exported\n",
                   "export", "-d", DESIGN, self.source, self.dest)
        self.assertEqual(list((self.dir / "elsewhere").iterdir()), [])

    def test_files_that_cannot_be_made_are_told_of(self):
        (self.source / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
        done = icfs("export", "-d", DESIGN, self.source, self.dest)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr.decode(), r"^icfs: warning: bad\.ic: .+\nicfs: 1 could not be exported\n$")
        self.assertFalse((self.dest / "bad.ic").exists())
        cut = jpegs(self.source / "train")[0]
        cut.write_bytes(cut.read_bytes()[:-1000])
        done = icfs("export", "-d", DESIGN, "-f", "jpeg", self.source, self.dir / "jpeg")
        self.assertEqual(done.returncode, 0)  # that face shows it as it is
        warnings = done.stderr.decode().splitlines()
        self.assertEqual(len(warnings), 2, warnings)
        self.assertIn(f"icfs: warning: {cut.relative_to(self.source)}: as it is: the JPEG's data ends early", warnings)
        self.assertEqual((self.dir / "jpeg" / cut.relative_to(self.source)).read_bytes(), cut.read_bytes())
        self.assertEqual((self.dir / "jpeg" / "bad.jpg").read_bytes(), b"\xff\xd8\xff\xe0 and no more")
        over = self.dir / "over"
        done = icfs("export", "-d", DESIGN, "--pixels=1000", self.source, over)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"could not be exported", done.stderr)
        self.assertEqual((over / "notes.txt").read_bytes(), b"labels\n" * 1000)

    def test_a_copy_from_when_it_could_not_be_made_is_made_now(self):
        self.export("-d", DESIGN, "-f", "jpeg")
        before, photo = tree(self.dest), jpegs(self.source)[0]
        shutil.copy2(photo, self.dest / photo.relative_to(self.source))
        self.assertIn("written: 1 files", self.export("-d", DESIGN, "-f", "jpeg"))
        self.assertEqual(tree(self.dest), before)

    def test_sources_that_change_while_they_are_read(self):
        """Each is told of, and none is written."""
        big = self.source / "big.txt"
        big.write_bytes(bytes(100000))
        for face, names in (("ic", jpegs(self.source)), ("jpeg", jpegs(self.source)), ("orig", [big])):
            dest = self.dir / f"changing-{face}"
            done = icfs("export", "-d", DESIGN, "-f", face, self.source, dest, env=preload("changing"))
            self.assertEqual(done.returncode, 1)
            left = tree(dest)
            for path in names:
                name = str(path.relative_to(self.source).with_suffix(".ic" if face == "ic" else path.suffix))
                if path.suffix in (".jpg", ".txt"):
                    self.assertRegex(done.stderr.decode(), f"(?m)^icfs: warning: {re.escape(name)}: it changed meanwhile$")
                    self.assertNotIn(name, left)

    def test_parts_make_the_whole(self):
        self.export("-d", DESIGN)
        parts = self.dir / "parts"
        runs = [subprocess.Popen([ICFS, "export", "-d", DESIGN, f"--shard={i}/3", self.source, parts],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE) for i in (1, 2, 3)]
        counts = []
        for run in runs:
            said, errors = run.communicate(timeout=120)
            self.assertEqual((run.returncode, errors), (0, b""))
            counts.append(int(said.split(b"written: ")[1].split()[0]))
        self.assertEqual(tree(parts), tree(self.dest))
        self.assertEqual(sum(counts), sum(kind[0] == "file" for kind in tree(parts).values()))
        for wrong in ("0/3", "4/3", "1", "/", "1/0", "a/b"):
            done = icfs("export", f"--shard={wrong}", self.source, parts)
            self.assertEqual(done.returncode, 2, wrong)
            self.assertIn(b"expected I/N, 1/1 to", done.stderr)

    def test_an_export_of_an_export(self):
        self.export("-d", DESIGN)
        again, pictures = self.dir / "again", self.dir / "pictures"
        self.export(source=self.dest, dest=again)
        self.assertEqual(tree(again), tree(self.dest))
        self.export("-f", "jpeg", source=self.dest, dest=pictures)
        direct = self.dir / "direct"
        self.export("-d", DESIGN, "-f", "jpeg", dest=direct)
        flat = {os.path.splitext(name)[0]: kind[1] for name, kind in tree(direct).items() if kind[0] == "file"}
        self.assertEqual({os.path.splitext(name)[0]: kind[1] for name, kind in tree(pictures).items() if kind[0] == "file"},
                         flat)

    def many(self, count):
        """A tree that takes a while."""
        photo = jpegs(self.source)[0]
        for i in range(count):
            folder = self.source / f"many{i % 7}"
            folder.mkdir(exist_ok=True)
            shutil.copy2(photo, folder / f"{i}.jpg")

    def test_killed_again_and_again(self):
        self.many(400)
        for face, library in (("ic", None), ("jpeg", None), ("ic", "no_unnamed")):
            case, environment = f"{face}-{library}", preload(library) if library else None
            whole, dest = self.dir / f"whole-{case}", self.dir / f"killed-{case}"
            start = time.monotonic()
            self.export("-d", DESIGN, "-f", face, dest=whole)
            took = time.monotonic() - start
            dice, kills, complete = random.Random(1), 0, tree(whole)
            for _ in range(12):
                run = subprocess.Popen([ICFS, "export", "-d", DESIGN, "-f", face, self.source, dest],
                                       stdout=subprocess.DEVNULL, env=environment)
                while not kills and not dest.exists():
                    self.assertIsNone(run.poll())  # the first kill is when it has begun, however fast the machine is
                try:
                    run.wait(timeout=dice.uniform(0, took) if kills else 0)
                except subprocess.TimeoutExpired:
                    run.kill()
                    run.wait()
                    kills += 1
                left = tree(dest) if dest.exists() else {}
                if not library:  # nor has anything a name before
                    self.assertEqual([name for name in left if re.match(TEMPORARY, name)], [])
                for name, found in left.items():
                    if found[0] == "file" and not name.startswith(RECORD):
                        self.assertEqual(found, complete[name], name)  # what has its name is complete
            self.assertGreater(kills, 0)
            self.export("-d", DESIGN, "-f", face, dest=dest)
            self.assertEqual(tree(dest), complete)

    def test_an_interrupt_ends_it_well(self):
        count = 1200  # so many that it is not done when the signal comes, on a busy machine
        self.many(count)
        for number in (signal.SIGINT, signal.SIGTERM):
            dest = self.dir / f"signal-{number}"
            run = subprocess.Popen([ICFS, "export", "-j1", "-d", DESIGN, self.source, dest], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
            while not (list(dest.glob("many*/*")) if dest.exists() else []):
                self.assertIsNone(run.poll())
            run.send_signal(number)
            _, errors = run.communicate(timeout=60)
            self.assertEqual((run.returncode, errors), (-number, b"icfs: interrupted; the same command goes on from here\n"))
            self.assertEqual([p.name for p in dest.iterdir() if p.name.startswith(RECORD)], [RECORD])
            self.assertLess(len(list(dest.glob("many*/*"))), count)
        self.export("-d", DESIGN, dest=dest)
        self.assertEqual(len(list(dest.glob("many*/*"))), count)

    def test_progress_is_shown_on_a_terminal(self):
        self.many(150)
        master, slave = pty.openpty()
        run = subprocess.Popen([ICFS, "export", "-d", DESIGN, self.source, self.dest], stdout=subprocess.DEVNULL,
                               stderr=slave, env=dict(os.environ, TERM="xterm"))
        os.close(slave)
        shown = b""
        while True:
            try:
                block = os.read(master, 65536)
            except OSError:
                break
            if not block:
                break
            shown += block
        os.close(master)
        self.assertEqual(run.wait(), 0)
        lines = shown.decode().split("\r")
        self.assertRegex(lines[1], r"^exporting  \d+/\d+ files  \d+%  \d+ files/s  [\d.]+ MB/s")
        self.assertEqual(lines[-1], "\033[K")  # nothing of it is left


if __name__ == "__main__":
    unittest.main(verbosity=2)

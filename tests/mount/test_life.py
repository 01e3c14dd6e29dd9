# SPDX-License-Identifier: MIT
"""How a mount begins and ends, and what is said where it cannot."""

import os
import shlex
import shutil
import signal
import subprocess
import unittest

from mounting import ICFS, LOGS, MountTest, images, main, preloaded, unmounting, until


def icfs(*args, **more):
    return subprocess.run([ICFS, "mount", *args], capture_output=True, text=True, timeout=60, **more)


class Life(MountTest):
    def mount_lines(self):
        """The fields of /proc/mounts for our mount point."""
        with open("/proc/mounts") as file:
            return [line.split() for line in file if line.split()[1] == str(self.point)]

    def is_mounted(self):
        return bool(self.mount_lines())

    def unmount(self):
        if self.is_mounted():
            subprocess.run(unmounting(self.point), check=True)

    def background(self, *options):
        log = LOGS / f"{self.id()}.log"
        log.unlink(missing_ok=True)
        done = icfs("-o", ",".join([f"log={log}", *options]), self.source, self.point)
        self.addCleanup(self.unmount)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done, log

    def ended(self, log):
        return until(lambda: ": unmounted" in log.read_text())

    def test_in_the_background_it_serves_when_the_command_returns(self):
        self.put("a.jpg", images()[0])
        done, log = self.background()
        self.assertTrue(self.is_mounted())
        self.assert_object("a.ic", images()[0])
        for part in (f"{self.source} is served on {self.point}\n", f"cat {self.point}/.icfs/policy",
                     f"ls {self.point}/.icfs/view", "getfattr", f"fusermount3 -u {self.point}"):
            self.assertIn(part, done.stdout)
        subprocess.run(unmounting(self.point), check=True)
        self.assertTrue(self.ended(log))
        self.assertFalse(self.is_mounted())

    def daemon(self):
        pids = [pid for pid in os.listdir("/proc") if pid.isdigit() and str(self.point).encode() in self.line(pid)]
        self.assertEqual(len(pids), 1)
        return int(pids[0])

    def test_in_the_background_it_tells_of_sections_for_nothing(self):
        (self.dir / "tree.ini").write_text("[nothing]\nface = jpeg\n")
        done = icfs("-o", f"log={LOGS / self.id()}.log,policy={self.dir / 'tree.ini'}", self.source, self.point)
        self.addCleanup(self.unmount)
        self.assertEqual((done.returncode, done.stderr), (0, f"icfs: warning: {self.dir}/tree.ini:1: [nothing] is no "
                                                             "directory of the source, so it governs nothing\n"))

    def test_after_a_kill_it_says_what_to_do_and_then_serves_again(self):
        self.put("a.jpg", images()[0])
        self.background()
        for _ in range(2):
            subprocess.run(["ls", "-la", self.point], check=True, capture_output=True)  # the kernel keeps what it is told
        os.kill(self.daemon(), signal.SIGKILL)
        self.assertTrue(until(lambda: subprocess.run(["ls", self.point], capture_output=True).returncode))
        done = icfs(self.source, self.point)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{self.point}: a mount whose process is gone; end it with fusermount3 -u", done.stderr)
        self.unmount()
        self.background()
        self.assert_object("a.ic", images()[0])

    def test_a_device_that_breaks(self):
        """The mount ends, and says so to whoever began it."""
        self.put("a.jpg", images()[0])
        trigger = self.dir / "broken"
        mount = self.mount(prefix=("env", f"ICFS_TEST_BREAK={trigger}", *preloaded("odd_device")))
        self.assert_object("a.ic", images()[0])
        trigger.touch()
        try:
            os.stat(self.point / "none")
        except OSError:
            pass
        text = f"{self.point}: the loop of requests ended: Input/output error"
        status, errors = mount.wait()
        self.assertEqual((status, errors.splitlines()[-1]), (1, f"icfs: {text}"))  # behind libfuse's own line
        self.assertEqual(len(mount.log_lines(text)), 1)
        self.assertFalse(self.is_mounted())

    def test_it_leaves_the_terminal_and_the_directory(self):
        _, log = self.background()
        pid = self.daemon()
        self.assertEqual(os.readlink(f"/proc/{pid}/cwd"), "/")
        for fd in range(3):
            self.assertEqual(os.readlink(f"/proc/{pid}/fd/{fd}"), "/dev/null")
        os.kill(pid, signal.SIGTERM)
        self.assertTrue(self.ended(log))

    @staticmethod
    def line(pid):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                return file.read()
        except OSError:
            return b""

    def test_signals_unmount(self):
        self.put("a.jpg", images()[0])
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            mount = self.mount()
            self.served("a.ic")
            with open(self.point / "a.ic", "rb"):  # a user who is still there does not keep us
                mount.process.send_signal(number)
                self.assertEqual(mount.wait(), (0, ""))
                self.assertFalse(self.is_mounted())
            self.assertEqual(os.listdir(self.point), [])

    def test_a_signal_while_everybody_reads_and_everything_changes(self):
        for i in range(20):
            self.put(f"{i}.jpg", images()[i % 4])
        for _ in range(4):
            mount = self.mount()
            readers = [subprocess.Popen(["sh", "-c", f"while cat '{self.point}'/*.ic; do ls -l '{self.point}'; done"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(3)]
            until(lambda: mount.stats()["icfs_cache_misses_total"] >= 10)
            for i in range(20):
                self.replace(f"{i}.jpg", images()[(i + 1) % 4])
            self.assertEqual(mount.end(), (0, ""))
            for reader in readers:
                reader.wait(timeout=60)
            self.assertFalse(self.is_mounted())

    def test_the_mount_says_what_it_is(self):
        self.mount()
        device, _, kind, options = self.mount_lines()[0][:4]
        self.assertEqual((device, kind), (str(self.source), "fuse.icfs"))
        self.assertIn("ro", options.split(","))
        self.assertIn("default_permissions", options.split(","))

    def fails(self, message, *args, status=1, source=None, point=None):
        done = icfs(*args, source or self.source, point or self.point)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn(message, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertFalse(self.is_mounted())

    def test_a_source_that_is_removed(self):
        """What has its name next is another tree, of which this mount shows nothing; that is told."""
        self.put("a.jpg", images()[0])
        for options in ((), ("nowatch",)):
            mount = self.mount(*options)
            self.assertEqual(self.names(), ["a.ic"])
            self.source.rename(self.dir / "old")
            self.assertNotIn("was removed", mount.text("policy"))
            shutil.rmtree(self.dir / "old")
            self.put("a.jpg", images()[0])
            self.assertTrue(until(lambda: "\nproblem: " + str(self.source) + ": the source was removed" in mount.text("policy")))
            self.assertEqual(self.names(), [])
            self.assertTrue(until(lambda: mount.log_lines("the source was removed")))
            self.assertEqual(len(mount.log_lines("the source was removed")), 1)
            self.assertEqual(mount.end(), (0, ""))

    def test_commands_that_are_told_can_be_copied(self):
        self.put("it's a/b.jpg", images()[0])
        self.point = self.dir / "a point"
        self.point.mkdir()
        mount = self.mount()
        lines = mount.process.stdout.peek().decode() + (self.point / "it's a" / ".icfs" / "policy").read_text()
        for command in ("cat ", "ls ", "getfattr ", "fusermount3 ", "icfs policy "):
            found = [line.split(command, 1)[1] for line in lines.splitlines() if f" {command}" in line]
            self.assertGreater(len(found), 0, command)
            for words in found:
                self.assertIn(str(self.dir), shlex.split(words)[-1])

    def test_what_cannot_be_mounted(self):
        self.put("file", b"")
        for more in ((), ("-f",)):
            self.fails("nowhere: No such file or directory", *more, source=self.dir / "nowhere")
            self.fails("file: Not a directory", *more, source=self.source / "file")
            self.fails("nothing: No such file or directory", *more, point=self.dir / "nothing")
            self.fails("file: not a directory", *more, point=self.source / "file")
            self.fails("none.ini: No such file or directory", *more, "-o", f"policy={self.dir}/none.ini")
            self.fails("/dev/null/x: Not a directory", *more, "-o", "catalog=/dev/null/x")
            self.fails("No such file or directory", *more, "-o", f"log={self.dir}/no/log")

    def test_wrong_options(self):
        for option, message in (("colour=blue", "-o colour=blue: unknown option"), ("design=s9", "-o design=s9: "),
                                ("face=gif", "-o face=gif: "), ("metadata=some", "-o metadata=some: "),
                                ("catalog=", "-o catalog=: "), ("cache=lots", "-o cache=lots: "),
                                ("cache", "cache=SIZE"),
                                ("follow=1", "follow without a value"), ("threads=0", "-o threads=0: "),
                                ("staleness=-1", "-o staleness=-1: "), ("staleness=soon", "seconds"), ("rw", "read-only"),
                                ("store_size=2M", "-o store_size= bounds a store: expected -o store=DIR"),
                                ("log_level=loud", "-o log_level=loud: ")):
            self.fails(message, "-o", option, status=2)
        done = icfs(self.source)
        self.assertEqual(done.returncode, 2)

    def test_options_of_fuse_and_commas(self):
        tree = self.put("a,b.ini", b"[policy]\ndesign = s2x2-b8-k6-q8\n", self.dir)
        self.put("a.jpg", images()[0])
        self.mount("noatime", "fsname=mine", "policy=" + os.fsdecode(tree).replace(",", "\\,"))
        self.assert_object("a.ic", images()[0], "s2x2-b8-k6-q8")
        self.assertEqual(self.mount_lines()[0][0], "mine")

    def test_help_shows_every_option(self):
        done = icfs("--help")
        self.assertEqual(done.returncode, 0)
        for name in ("design=", "face=", "metadata=", "catalog=", "policy=", "cache=", "pixels=", "memory=", "scans=",
                     "threads=", "staleness=", "nowatch", "follow", "log=", "log_level=", "allow_other"):
            self.assertIn("  " + name if name != "allow_other" else name, done.stdout)

    @unittest.skipUnless(os.geteuid() == 0, "hiding /dev/fuse takes root")
    def test_without_dev_fuse(self):
        hide = f"mount -t tmpfs none /dev && exec '{ICFS}' mount '{self.source}' '{self.point}'"
        if subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL).returncode:
            self.skipTest("no file systems of its own for a process here")
        done = subprocess.run(["unshare", "-m", "sh", "-c", hide], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/dev/fuse is missing", done.stderr)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""Read-only for everybody, and the source's permissions hold."""

import errno
import os
import shutil
import subprocess
import sys
import unittest

from mounting import MountTest, images, main

NOBODY = 65534


class Access(MountTest):
    def refused(self, code, function, *args, **more):
        with self.assertRaises(OSError) as caught:
            function(*args, **more)
        self.assertEqual(caught.exception.errno, code, (function, args))

    def test_every_way_of_writing_is_refused(self):
        self.put("a.jpg", images()[0])
        self.put("d/b.txt", b"text")
        self.mount()
        p = self.point
        for path in (p / "a.ic", p / "d/b.txt", p / ".icfs/policy"):
            for flags in (os.O_WRONLY, os.O_RDWR, os.O_RDONLY | os.O_TRUNC, os.O_WRONLY | os.O_APPEND):
                self.refused(errno.EROFS, os.open, path, flags)
            self.refused(errno.EROFS, os.truncate, path, 0)
            self.refused(errno.EROFS, os.unlink, path)
            self.refused(errno.EROFS, os.chmod, path, 0o777)
            self.refused(errno.EROFS, os.chown, path, 1, 1)
            self.refused(errno.EROFS, os.utime, path)
            self.refused(errno.EROFS, os.rename, path, p / "new")
            self.refused(errno.EROFS, os.link, path, p / "new")
            self.refused(errno.EROFS, os.setxattr, path, "user.x", b"1")
            self.refused(errno.EROFS, os.setxattr, path, "user.icfs.design", b"s1x1-b8-k1-q1")
            self.refused(errno.EROFS, os.removexattr, path, "user.icfs.design")
        self.refused(errno.EROFS, os.open, p / "new", os.O_CREAT | os.O_WRONLY, 0o644)
        self.refused(errno.EROFS, os.mkdir, p / "new")
        self.refused(errno.EROFS, os.rmdir, p / "d")
        self.refused(errno.EROFS, os.symlink, "x", p / "new")
        self.refused(errno.EROFS, os.mkfifo, p / "new")
        self.assertTrue(os.statvfs(p).f_flag & os.ST_RDONLY)
        self.assertEqual(self.served("d/b.txt"), b"text")

    def test_attributes_are_the_sources(self):
        path = self.put("a.jpg", images()[0])
        os.utime(path, ns=(1, 1234567890123456789))
        os.chmod(path, 0o751)
        os.chmod(os.path.dirname(self.put("d/x", b"")), 0o775)
        self.mount()
        st = os.stat(self.point / "a.ic")
        self.assertEqual(st.st_mtime_ns, 1234567890123456789)
        self.assertEqual((st.st_mode & 0o7777, st.st_nlink), (0o551, 1))
        self.assertEqual((st.st_uid, st.st_gid), (os.getuid(), os.getgid()))
        self.assertEqual(st.st_blocks, (st.st_size + 511) // 512)
        self.assertEqual(os.stat(self.point / "d").st_mode & 0o7777, 0o555)

    def test_numbers_of_inodes(self):
        for i in range(20):
            self.put(f"{i}.jpg", images()[i % 4])
        mount = self.mount()
        def numbers():
            views = ["", ".icfs/view/s2x2-b8-k6-q8", ".icfs/view/s1x1-b8-k15-q8"]
            return {(v, i): os.stat(self.point / v / f"{i}.ic").st_ino for v in views for i in range(20)}
        first = numbers()
        self.assertEqual(len(set(first.values())), len(first))
        self.end(mount)
        self.mount()
        self.assertEqual(numbers(), first)

    @unittest.skipUnless(os.geteuid() == 0, "becoming another user takes root")
    def test_permissions_hold_for_other_users(self):
        path = self.put("private.jpg", images()[0])
        os.chmod(path, 0o600)
        self.put("public.jpg", images()[1])
        os.chmod(os.path.dirname(self.put("closed/a.jpg", images()[2])), 0o700)
        os.chmod(self.put("private.txt", b"secret"), 0o640)
        self.mount("allow_other")
        script = """
import os, sys
os.chdir(sys.argv[1])
assert open('public.ic', 'rb').read()
for path in ('private.ic', 'private.txt', 'closed/a.ic'):
    try:
        open(path, 'rb').read()
    except PermissionError:
        continue
    sys.exit('could read ' + path)
try:
    os.listdir('closed')
except PermissionError:
    sys.exit(0)
sys.exit('could list')
"""
        done = subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", sys.executable,
                               "-c", script, self.point], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertTrue(self.served("private.ic"))


class OrdinaryUser(MountTest):
    """The same when the mount belongs to a user who may not read everything."""

    def setUp(self):
        super().setUp()
        self.prefix = []
        if os.geteuid() == 0:
            if not shutil.which("setpriv") or not shutil.which("fusermount3"):
                self.skipTest("needs setpriv and fusermount3")
            if not os.stat("/dev/fuse").st_mode & 0o006 == 0o006:
                mode = os.stat("/dev/fuse").st_mode
                os.chmod("/dev/fuse", 0o666)
                self.addCleanup(os.chmod, "/dev/fuse", mode & 0o7777)
            self.prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
            os.chown(self.point, NOBODY, NOBODY)

    def run_as_user(self, *command):
        return subprocess.run([*self.prefix, *command], capture_output=True, text=True)

    def mount_as_user(self, *options):
        # The log's directory is not this user's.
        options = (*options, "log=stderr", "log_level=error")
        mount = self.mount(*options, prefix=self.prefix)
        return mount

    def test_unreadable_files_and_directories(self):
        self.put("a.jpg", images()[0])
        os.chmod(self.put("unreadable.jpg", images()[1]), 0o000)
        closed = os.path.dirname(self.put("closed/x.jpg", images()[2]))
        os.chmod(closed, 0o000)
        self.addCleanup(os.chmod, closed, 0o700)
        self.mount_as_user()
        listed = self.run_as_user("ls", self.point)
        self.assertEqual(listed.stdout.split(), ["a.ic", "closed", "unreadable.jpg"])
        done = self.run_as_user("cat", self.point / "unreadable.jpg")
        self.assertIn("Permission denied", done.stderr)
        done = self.run_as_user("ls", self.point / "closed")
        self.assertIn("Permission denied", done.stderr)
        done = self.run_as_user("sh", "-c", f"cat '{self.point}/a.ic' | wc -c; stat -c %s '{self.point}/a.ic'")
        read, size = done.stdout.split()
        self.assertEqual(read, size)
        self.assertGreater(int(size), 1000)


if __name__ == "__main__":
    main()

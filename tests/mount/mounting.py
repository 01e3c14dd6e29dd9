# SPDX-License-Identifier: MIT
"""What the suites of the mount share: mounting, images to serve, waiting for what must happen within a bound."""

import errno
import functools
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import preloading

BUILD = pathlib.Path(os.environ["ICFS_BUILD_ROOT"])
ICFS = BUILD / "src" / "icfs"
REFERENCE = pathlib.Path(os.environ.get("ICFS_REFERENCE_BUILD", BUILD))  # says what is expected: sanitizers are slow
ENCODER = REFERENCE / "src" / "icfs"
MKIMAGES = REFERENCE / "tests" / "tools" / "mkimages"
LOGS = BUILD / "meson-logs" / "mount"
DEFAULT = "s1x1-b8-k15-q8"
os.environ["ICFS_CATALOG"] = "/dev/null/none"  # never the user's own; a test that mounts has one beside its source
PATIENCE = 20  # seconds for what has no bound of its own; sanitizers on a busy machine are slow


def why_not():
    """The reason why nothing can be mounted here, or None."""
    if not os.path.exists("/dev/fuse"):
        return "there is no /dev/fuse"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "/dev/fuse may not be used by this user"
    if os.geteuid() != 0 and not shutil.which("fusermount3"):
        return "fusermount3 is missing"
    with tempfile.TemporaryDirectory(prefix="icfs-mount-") as name:
        done = subprocess.run([ICFS, "mount", "-o", "log=/dev/null,catalog=none", name, name], capture_output=True, text=True)
        if done.returncode == 0:
            subprocess.run(unmounting(name), check=True)
            return None
    if "mount on" in done.stderr and "Operation not permitted" in done.stderr:
        return "this machine does not let us mount: " + done.stderr.strip()
    return None  # anything else is for the tests to find


def unmounting(path):
    return ["umount", path] if os.geteuid() == 0 else ["fusermount3", "-u", path]


def until(condition, within=PATIENCE):
    """Wait until condition() holds; the last answer. The bound is what is tested, so nothing sleeps longer than need."""
    end = time.monotonic() + within
    while True:
        answer = condition()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(0.002)


def hurry(pid):
    """Have those threads of a process that run at idle priority run at that of others: on a busy machine they get next to
    nothing. Who may not do that waits for them."""
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            if os.sched_getscheduler(int(task)) == os.SCHED_IDLE:
                os.sched_setscheduler(int(task), os.SCHED_OTHER, os.sched_param(0))
        except (PermissionError, ProcessLookupError):
            pass


def encode(source, design=DEFAULT):
    """The object that the command makes, or None where it fails."""
    done = subprocess.run([ENCODER, "encode", "--design", design, source, "-"], capture_output=True)
    return done.stdout if done.returncode == 0 else None


def least_memory(source, design=DEFAULT, face="ic"):
    """The lowest limit of memory, in bytes, within which the command makes it."""
    below, limit = 0, 1 << 28
    while limit - below > 1:
        middle = (below + limit) // 2
        done = subprocess.run([ENCODER, "encode", f"--memory={middle}", "-d", design, "-f", face, source, "-"],
                              capture_output=True)
        below, limit = (below, middle) if done.returncode == 0 else (middle, limit)
    return limit


def is_jpeg(path):
    with open(path, "rb") as file:
        head = file.read(3)
    return head == b"\xff\xd8\xff"


def is_candidate(name):
    return os.path.splitext(os.fsencode(name))[1].lower() in (b".jpg", b".jpeg", b".jpe", b".jfif")


@functools.cache
def images():
    """Photograph-like JPEGs of different sizes, as bytes."""
    with tempfile.TemporaryDirectory(prefix="icfs-mount-images-") as name:
        found = []
        for size in ("96x64", "61x47", "200x150"):
            folder = pathlib.Path(name, size)
            folder.mkdir()
            subprocess.run([MKIMAGES, "--classes", "2", "--count", "2", "--size", size, folder], check=True,
                           stdout=subprocess.DEVNULL)
            found += [path.read_bytes() for path in sorted(folder.rglob("*.jp*g")) if is_jpeg(path)][:4]
        assert len(set(found)) >= 6
        return found


def preloaded(name):
    """What is written before a command for it to run with that library of ours loaded first."""
    link_order = "ASAN_OPTIONS=" + os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    return "env", link_order, f"LD_PRELOAD={preloading.word(BUILD / 'tests' / 'mount' / f'{name}.so')}"


def extended_attributes(path):
    """Those of ours that a served file has: one at a time, and they are what the sum of them tells."""
    found = {}
    for word in ("design", "face", "metadata", "rule", "source", "error"):
        try:
            found[f"user.icfs.{word}"] = os.getxattr(path, f"user.icfs.{word}").decode()
        except OSError as error:
            if error.errno != errno.ENODATA:
                raise
    try:
        lines = os.getxattr(path, "user.icfs").decode().splitlines()
    except OSError as error:
        if error.errno != errno.ENODATA:
            raise
        lines = []
    assert dict(line.split(": ", 1) for line in lines) == {key[len("user.icfs."):]: value for key, value in found.items()}
    return found


class Mount:
    """One mount in a process of its own."""

    def __init__(self, source, point, log, options=(), prefix=(), catalog=None):
        self.point = pathlib.Path(point)
        self.log = log
        line = [*prefix, ICFS, "mount", "-f", "-o", ",".join([f"log={log}", "log_level=debug", *options]), source, point]
        env = dict(os.environ, ICFS_CATALOG=str(catalog)) if catalog else None
        self.process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
        self.first_line = self.process.stdout.readline().decode(errors="surrogateescape")
        if "is served on" not in self.first_line:
            _, errors = self.process.communicate(timeout=PATIENCE)
            raise RuntimeError(f"no mount: {errors.decode()}")

    def text(self, name):
        return (self.point / ".icfs" / name).read_text()

    def stats(self):
        lines = [line for line in self.text("stats").splitlines() if not line.startswith("#")]
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}

    def log_lines(self, what=""):
        return [line for line in pathlib.Path(self.log).read_text(errors="replace").splitlines() if what in line]

    def end(self):
        """Unmount by a signal; returns (exit status, what it wrote to stderr)."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self):
        _, errors = self.process.communicate(timeout=3 * PATIENCE)
        return self.process.returncode, errors.decode(errors="replace")


def discard(directory):
    """Remove a tree, directories without write permission too: copies of what a mount serves have none."""
    for path, _, _ in os.walk(directory):
        os.chmod(path, 0o700)
    shutil.rmtree(directory)


class MountTest(unittest.TestCase):
    """Each test has a directory `source` and an empty one `point`; every mount must end well."""

    maxDiff = None

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="icfs-mount-")).resolve()
        self.addCleanup(discard, self.dir)
        self.dir.chmod(0o755)
        self.source = self.dir / "source"
        self.point = self.dir / "point"
        self.source.mkdir()
        self.point.mkdir()
        LOGS.mkdir(parents=True, exist_ok=True)

    def mount(self, *options, source=None, point=None, prefix=()):
        log = LOGS / f"{self.id()}.log"
        log.unlink(missing_ok=True)
        mount = Mount(source or self.source, point or self.point, log, options, prefix, self.dir / "catalog.db")
        self.addCleanup(self.end, mount)
        return mount

    def end(self, mount):
        if mount.process.returncode is None:
            status, errors = mount.end()
            self.assertEqual((status, errors), (0, ""))

    def read_only_view(self, folder):
        """Another path of a folder, at which nothing can be written."""
        view = self.dir / "view"
        view.mkdir()
        done = subprocess.run(["mount", "--bind", folder, view], capture_output=True, text=True)
        if done.returncode:
            self.skipTest("nothing can be mounted read-only here: " + done.stderr.strip())
        self.addCleanup(subprocess.run, ["umount", view], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", view], check=True)
        return view

    def put(self, name, content, folder=None):
        path = os.path.join(os.fsencode(folder or self.source), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def replace(self, name, content):
        """As editors and rsync do: a new file takes the place of the old one at once."""
        new = self.put(os.fsencode(name) + b".new~", content)
        os.rename(new, os.path.join(os.fsencode(self.source), os.fsencode(name)))

    def names(self, *below):
        return sorted(os.listdir(self.point.joinpath(*below)))

    def served(self, name):
        """Read a served file, and hold its size to what was read."""
        path = os.path.join(os.fsencode(self.point), os.fsencode(name))
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            content = file.read()
        self.assertEqual(len(content), size, path)
        return content

    def shows(self, name, content):
        """Whether a file reads as this by now; while it changes, an error is an answer too."""
        try:
            return self.served(name) == content
        except OSError as error:
            if error.errno not in (errno.ESTALE, errno.ENOENT):
                raise
            return False

    def assert_object(self, name, source_bytes, design=DEFAULT):
        path = self.dir / "expected.jpg"
        path.write_bytes(source_bytes)
        self.assertEqual(self.served(name), encode(path, design), name)

    def wait_for_names(self, names, *below, within=PATIENCE):
        until(lambda: self.names(*below) == sorted(names), within)
        self.assertEqual(self.names(*below), sorted(names))


def main():
    reason = why_not()
    if reason:
        print("SKIP:", reason)
        sys.exit(77)
    unittest.main(verbosity=2)

# SPDX-License-Identifier: MIT
"""icfs stats, on directories that only look like mounts; tests/mount asks a real one."""

import json
import signal
import subprocess
import unittest

from cli import ICFS, CliTest

TEXT = """# HELP icfs_requests_total Requests of the kernel:
# TYPE icfs_requests_total counter
icfs_requests_total{kind="read"} 120
icfs_requests_total{kind="look up"} 7
# HELP icfs_made_bytes_total Bytes of objects made.
# TYPE icfs_made_bytes_total counter
icfs_made_bytes_total 12345678
# HELP icfs_encode_seconds_total Seconds of making.
# TYPE icfs_encode_seconds_total counter
icfs_encode_seconds_total 1.250000000
# HELP icfs_nodes Inodes.
# TYPE icfs_nodes gauge
icfs_nodes 4
"""


class Stats(CliTest):
    def put(self, text):
        (self.dir / ".icfs").mkdir(exist_ok=True)
        (self.dir / ".icfs" / "stats").write_text(text)

    def test_words(self):
        self.put(TEXT)
        self.assertEqual(self.ok("stats", self.dir).decode(), (
            "           120  Requests of the kernel: read\n"
            "             7  Requests of the kernel: look up\n"
            "       12.3 MB  Bytes of objects made.\n"
            "       1.250 s  Seconds of making.\n"
            "             4  Inodes.\n"))

    def test_json(self):
        self.put(TEXT)
        self.assertEqual(json.loads(self.ok("stats", "--json", self.dir)), {
            'icfs_requests_total{kind="read"}': 120, 'icfs_requests_total{kind="look up"}': 7,
            "icfs_made_bytes_total": 12345678, "icfs_encode_seconds_total": 1.25, "icfs_nodes": 4})

    def test_what_came_in_an_interval(self):
        self.put(TEXT)
        with subprocess.Popen([ICFS, "stats", "--every=1", "--json", self.dir], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as process:
            self.assertEqual(json.loads(process.stdout.readline())["icfs_nodes"], 4)
            (self.dir / "new").write_text(TEXT.replace(" 120", " 123").replace("icfs_nodes 4", "icfs_nodes 9"))
            (self.dir / "new").rename(self.dir / ".icfs" / "stats")
            for _ in range(20):  # the first interval may have ended before the file was there
                seen = json.loads(process.stdout.readline())
                if seen["icfs_nodes"] == 9:
                    break
            self.assertEqual((seen['icfs_requests_total{kind="read"}'], seen["icfs_nodes"]), (3, 9))
            (self.dir / ".icfs" / "stats").unlink()
            process.stdout.read()
            self.assertEqual(process.stderr.read(), f"icfs: {self.dir}: is not a directory in a mount of icfs\n")
        self.assertEqual(process.returncode, 1)

    def test_interrupting_it(self):
        self.put(TEXT)
        with subprocess.Popen([ICFS, "stats", "--every=60", self.dir], stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            process.send_signal(signal.SIGINT)
        self.assertEqual(process.returncode, -signal.SIGINT)

    def test_other_directories(self):
        for path in (self.dir, self.dir / "not there"):
            self.fails(f"icfs: {path}: is not a directory in a mount of icfs\n", "stats", path)
        (self.dir / ".icfs" / "stats").mkdir(parents=True)
        self.fails(f"icfs: {self.dir}: its counts cannot be read: Is a directory\n", "stats", self.dir)

    def test_odd_texts(self):
        for text in ("", "\n\n", "#", "# HELP", "# HELP x", "# TYPE x\n", "x", " 1", "x 1y", 'x{" 1', "x{\"\0\"} 1", "\0",
                     "x " + "1" * 500, "# HELP x y\nxx 1", "x\x1b[1m 1", "x nan", "x 1e400", "a" * 100000 + " 1"):
            self.put(text)
            self.assertNotIn(b"\x1b", self.ok("stats", self.dir), text)
            self.ok("stats", "--json", self.dir)


if __name__ == "__main__":
    unittest.main()

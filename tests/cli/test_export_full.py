# SPDX-License-Identifier: MIT
"""icfs export to a disk that is too small. It is a tmpfs, in a namespace of its own, so nothing is left of it."""

import os
import subprocess
import sys
import unittest

from cli import ICFS, CliTest

UNSHARE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
DESIGN = "s1x1-b8-k15-q8"

# SOURCE and DEST on a small disk; then the disk grows, and the same command goes on.
SCRIPT = """
mount -t tmpfs -o size=160k none "$2" || exit 77
"$0" export -d "$3" "$1" "$2/out" >"$4/said" 2>"$4/errors"
echo $? >"$4/status"
(cd "$2/out" && find . -type f -size -1) >"$4/empty"
(cd "$2/out" && ls -A) >"$4/names"
mount -o remount,size=60m "$2"
"$0" export -d "$3" "$1" "$2/out" >"$4/said-then" 2>&1
echo $? >"$4/status-then"
cp -r "$2/out" "$4/out"
"""


def why_not():
    done = subprocess.run([*UNSHARE, "sh", "-c", "mount -t tmpfs none /mnt"], capture_output=True, text=True)
    return done.stderr.strip() if done.returncode else None


class Full(CliTest):
    def test_it_ends_well_and_goes_on(self):
        disk, out = self.dir / "disk", self.dir / "kept"
        disk.mkdir()
        out.mkdir()
        subprocess.run([*UNSHARE, "sh", "-c", SCRIPT, ICFS, self.images / "tree", disk, DESIGN, out], check=True)
        kept = {name: (out / name).read_text() for name in ("said", "errors", "status", "empty", "names", "status-then")}
        self.assertEqual(kept["status"], "1\n", kept)
        self.assertIn("bytes free, which is less", kept["errors"])
        self.assertTrue(kept["errors"].endswith(
            "icfs: " + str(disk / "out") + ": No space left on device; when that is put right, the same command goes on "
            "from here\n"), kept["errors"])
        self.assertEqual(kept["empty"], "")  # what is there is complete
        self.assertEqual([name for name in kept["names"].splitlines() if name.startswith(".icfs")], [".icfs-export"])
        self.assertEqual(kept["status-then"], "0\n")
        self.ok("export", "-d", DESIGN, self.images / "tree", self.dir / "whole")
        self.assertEqual(self.contents(out / "out"), self.contents(self.dir / "whole"))

    def contents(self, root):
        return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


if __name__ == "__main__":
    reason = why_not()
    if reason:
        print("SKIP: no small disk can be made here:", reason)
        sys.exit(77)
    unittest.main(verbosity=2)

# SPDX-License-Identifier: MIT
"""Everything at once: readers of the tree and its views, files and directories that come, go and move, policies that
switch and break, a kernel that forgets. Nobody hangs, nothing is said but that a file is gone or stale, and the mount
ends well."""

import errno
import os
import random
import threading
import time

from mounting import MountTest, images, main

SECONDS = float(os.environ.get("ICFS_TEST_STORM", "4"))  # the long suite asks for more
VIEWS = (("", ".ic"), ("", ".ic"), (".icfs/view/s2x2-b8-k6-q8", ".ic"), (".icfs/view/s4x4-b16-k3-q2,ic", ".ic"),
         (".icfs/view/s2x2-b8-k6-q8,jpeg", ".jpg"), (".icfs/view/s1x1-b16-k9-q8,jpeg", ".jpg"),
         (".icfs/view/s2x2-b8-k6-q8,bmp", ".jpg"), (".icfs/view/orig", ".jpg"))
DESIGNS = ("s2x2-b8-k6-q8", "s1x1-b8-k15-q8", "s1x1-b4-k2-q3", "bad")


class Storm(MountTest):
    def goes_on(self):
        """Longer where the machine is so busy that little was read."""
        return time.monotonic() < self.end_time or (self.reads <= 100 and time.monotonic() < self.end_time + 40)

    def read(self, seed):
        dice = random.Random(seed)
        while self.goes_on():
            view, extension = dice.choice(VIEWS)
            folder = self.point / view / f"d{dice.randrange(4)}"
            try:
                kind = dice.randrange(10)
                if kind < 2:
                    for entry in os.scandir(folder):
                        entry.stat()
                elif kind < 3:
                    (folder / ".icfs/policy").read_text()
                    (self.point / ".icfs/stats").read_text()
                    os.listdir(self.point / ".icfs/view")
                elif kind < 6:
                    (folder / f"sub/g{dice.randrange(20)}{extension}").read_bytes()
                else:
                    (folder / f"f{dice.randrange(20)}{extension}").read_bytes()
                self.reads += 1
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ESTALE):
                    self.wrong.append(error)

    def change(self, seed):
        dice = random.Random(seed)
        while self.goes_on():
            folder = f"d{dice.randrange(4)}"
            try:
                self.change_one(dice, self.source / folder, self.source / f"away{seed}")
            except OSError:
                pass  # another one was there first
            time.sleep(0.002)

    def change_one(self, dice, folder, away):
        kind = dice.randrange(20)
        name = folder / f"f{dice.randrange(20)}"
        if kind < 8:
            away.write_bytes(dice.choice(images()))
            away.rename(name.with_suffix(".jpg"))
        elif kind < 10:
            name.with_suffix(".jpg").unlink()
        elif kind < 12:
            (folder / "sub").rename(folder / "sub2")
            (folder / "sub2").rename(folder / "sub")
        elif kind < 14:
            (folder / ".icpolicy").write_text(f"[policy]\ndesign = {dice.choice(DESIGNS)}\n")
        elif kind < 15:
            folder.rename(away)
            away.rename(folder)
        elif kind < 16 and os.geteuid() == 0:
            with open("/proc/sys/vm/drop_caches", "w") as file:
                file.write("2")
        else:
            name.with_suffix(dice.choice((".jpeg", ".JPG", ".ic"))).write_bytes(dice.choice(images()))

    def test_everything_at_once(self):
        for d in range(4):
            for i in range(20):
                self.put(f"d{d}/f{i}.jpg", images()[i % 6])
                self.put(f"d{d}/sub/g{i}.jpg", images()[(i + d) % 6])
        mount = self.mount("cache=256K")
        self.reads, self.wrong = 0, []
        self.end_time = time.monotonic() + SECONDS
        threads = [threading.Thread(target=self.read, args=(i,), daemon=True) for i in range(6)]
        threads += [threading.Thread(target=self.change, args=(i,), daemon=True) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS + 60)
        self.assertFalse(any(thread.is_alive() for thread in threads))
        self.assertEqual(self.wrong, [])
        self.assertGreater(self.reads, 100)
        self.assertEqual(mount.end(), (0, ""))


if __name__ == "__main__":
    main()

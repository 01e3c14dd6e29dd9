# SPDX-License-Identifier: MIT
"""Many small files, ICFS_TEST_FILES of them in directories of 1,300: what they cost the daemon in memory once they were
listed, looked up and read, that a second look opens no source, and that one within a mount asks for nothing. Times are
printed; only with a million files is one tested, the second listing's against the native tree's."""

import concurrent.futures
import io
import os
import pathlib
import random
import subprocess
import time

from mounting import DEFAULT, ENCODER, MountTest, main

FILES = int(os.environ.get("ICFS_TEST_FILES", "60000"))
PER_DIRECTORY = 1300
MB = 1e6
RESIDENT_MAX = 300 * MB
LISTING_RATIO_MAX = 2
ROUNDS = 2
BYTES_A_FILE_MAX = 150  # of nodes and what hangs on them; names and objects have bounds of their own


def small_jpegs():
    """A few of different size and structure, less than 1 KB each."""
    from PIL import Image
    found = []
    for i in range(16):
        image = Image.new("RGB", (17 + i, 12 + i % 5))
        dice = random.Random(i)
        image.putdata([(dice.randrange(256), i * 10, j % 256) for j in range(image.width * image.height)])
        out = io.BytesIO()
        image.save(out, "JPEG", quality=60, progressive=i % 4 == 0)
        found.append(out.getvalue())
    return found


def fill(root, count):
    """Names as long as ImageNet's. Each file is one of its own: links would share an identity."""
    jpegs = small_jpegs()
    for first in range(0, count, PER_DIRECTORY):
        folder = f"n{first // PER_DIRECTORY:08}"
        os.mkdir(os.path.join(root, folder))
        directory = os.open(os.path.join(root, folder), os.O_RDONLY)
        for i in range(first, min(first + PER_DIRECTORY, count)):
            file = os.open(f"{folder}_{i % 100000}.JPEG", os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=directory)
            os.write(file, jpegs[i * 7 // 3 % len(jpegs)])
            os.close(file)
        os.close(directory)


def resident(mount):
    for line in pathlib.Path(f"/proc/{mount.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no VmRSS")


def list_all(tree):
    """As people do it; seconds."""
    start = time.monotonic()
    subprocess.run(["ls", "-lR", tree], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


def read_all(tree):
    """Every file once, directories in parallel, each in random order; (files, bytes)."""
    def read_one(folder):
        entries = list(os.scandir(folder))
        random.Random(1).shuffle(entries)
        nbytes = 0
        for entry in entries:
            with open(entry.path, "rb", 0) as file:
                nbytes += len(file.read())
        return len(entries), nbytes

    folders = [entry.path for entry in os.scandir(tree) if entry.is_dir()]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        done = list(pool.map(read_one, folders))
    return sum(files for files, _ in done), sum(nbytes for _, nbytes in done)


class Many(MountTest):
    def tell(self, what, seconds):
        print(f"{FILES} files, {what}: {seconds:.2f} s", flush=True)

    def check_sample(self, face):
        """A few against what the command makes."""
        paths = sorted(self.source.iterdir())
        for folder in random.Random(2).sample(paths, min(10, len(paths))):
            path = min(folder.iterdir())
            name = path.name if face == "jpeg" else path.stem + ".ic"
            made = subprocess.run([ENCODER, "encode", "--design", DEFAULT, "--face", face, path, "-"], capture_output=True,
                                  check=True).stdout
            self.assertEqual(self.served(f"{folder.name}/{name}"), made)

    def check_face(self, face):
        mount = self.mount(f"face={face}")
        self.tell(f"{face}, first ls -lR", list_all(self.point))
        self.assertEqual(mount.end(), (0, ""))

        mount = self.mount(f"face={face}")
        before = resident(mount)
        self.tell(f"{face}, ls -lR after a remount", list_all(self.point))
        stats = mount.stats()
        self.assertEqual(stats["icfs_headers_read_total"], 0)
        self.assertEqual(stats["icfs_cache_misses_total"], 0)
        self.assertEqual(stats["icfs_headers_remembered_total"], FILES)

        self.list_in_turns(face)
        again = mount.stats()
        directories = -(-FILES // PER_DIRECTORY) + 1
        kinds = ("readdir", "lookup", "getattr", "xattr")
        asked = sum(again[key] - stats[key] for key in (f'icfs_requests_total{{kind="{kind}"}}' for kind in kinds))
        self.assertLess(asked, ROUNDS * (2 * directories + FILES // 100))  # the kernel may have given up the names of a few
        self.assertEqual(again["icfs_headers_read_total"], 0)

        start = time.monotonic()
        files, nbytes = read_all(self.point)
        self.assertEqual(files, FILES)
        self.assertGreater(nbytes, FILES * 100)
        self.tell(f"{face}, every file read", time.monotonic() - start)
        self.check_memory(mount, face, before)
        self.check_sample(face)
        self.assertEqual(mount.end(), (0, ""))

    def list_in_turns(self, face):
        """The mount and the native tree, so that a ratio is one of neighbours in time."""
        pairs = [(list_all(self.source), list_all(self.point)) for _ in range(ROUNDS)]
        for native, served in pairs:
            self.tell(f"{face}, ls -lR again", served)
            self.tell("native beside it", native)
        if FILES >= 1000000:
            self.assertLess(min(served / native for native, served in pairs), LISTING_RATIO_MAX)

    def check_memory(self, mount, face, before):
        now, stats = resident(mount), mount.stats()
        self.assertGreaterEqual(stats["icfs_nodes"], FILES)
        bounded = stats["icfs_names_bytes"] + stats["icfs_cache_limit_bytes"]  # malloc keeps what the cache gave up
        print(f"{FILES} files, {face}: {now / MB:.1f} MB resident, {before / MB:.1f} before; objects "
              f"{stats['icfs_cache_bytes'] / MB:.1f}, names {stats['icfs_names_bytes'] / MB:.1f}; the rest "
              f"{(now - before - bounded) / FILES:.0f} bytes a file", flush=True)
        self.assertLess(now, RESIDENT_MAX)
        if FILES >= 1000000:  # with fewer, what objects take beside their bytes is the most of it
            self.assertLess(now - before - bounded, FILES * BYTES_A_FILE_MAX)

    def test_many_files(self):
        start = time.monotonic()
        fill(self.source, FILES)
        self.tell("made", time.monotonic() - start)
        self.tell("native, first ls -lR", list_all(self.source))
        for face in ("ic", "jpeg"):
            self.check_face(face)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""scripts/train_pixels.py on .ic files: its network sees what that of scripts/train.py sees of pictures of the same
pixels, and what it learns follows from its seed."""
import argparse
import io
import os
import subprocess
import sys

from PIL import Image
from objects import DENSE, Folder, ICFS, ROOT, SPARSE, main, photo_jpegs, run

SCRIPTS = ROOT / "scripts"
sys.path.append(str(SCRIPTS))

try:
    import torch
    import train
    import train_pixels
except ImportError:  # main() says so
    pass

OPTIONS = ("--model", "vit_small", "--size", "48", "--batch", "4", "--device", "cpu", "--workers", "1")


def dark(jpeg):
    held = io.BytesIO()
    Image.open(io.BytesIO(jpeg)).point(lambda value: value // 4).save(held, "JPEG", quality=90)
    return held.getvalue()


class Script(Folder):
    """Pictures, and dark ones of the same."""

    def setUp(self):
        super().setUp()
        for number, jpeg in enumerate(photo_jpegs()):
            for split in ("train", "val"):
                self.put(f"jpeg/{split}/a/{number}.jpg", jpeg)
                self.put(f"jpeg/{split}/b/{number}.jpg", dark(jpeg))
        for design in (DENSE, SPARSE):
            run(ICFS, "export", "--design", design, "--face", "ic", self.dir / "jpeg", self.dir / design)
        run(ICFS, "export", "--design", DENSE, "--face", "bmp", self.dir / "jpeg", self.dir / "bmp")

    def script(self, name, data, *options):
        """What it prints last, by name."""
        lines = run(sys.executable, SCRIPTS / name, self.dir / data, *OPTIONS, *options,
                    env={**os.environ, "OMP_NUM_THREADS": "1"}).decode().splitlines()
        return dict(line.split("=") for line in lines if "=" in line)

    def test_it_learns_by_its_seed(self):
        paths = [self.dir / name / "weights.pt" for name in "abc"]  # the name is in the file
        for path in paths:
            path.parent.mkdir()
        told = [self.script("train_pixels.py", SPARSE, "--epochs", "5", "--seed", seed, "--save", path)
                for seed, path in zip((0, 0, 1), paths)]
        self.assertEqual(paths[0].read_bytes(), paths[1].read_bytes())
        self.assertNotEqual(paths[0].read_bytes(), paths[2].read_bytes())
        self.assertGreater(float(told[0]["accuracy"]), 0.9)
        self.assertEqual(int(told[0]["bytes_read"]),
                         sum(path.stat().st_size for path in (self.dir / SPARSE / "train").rglob("*.ic")))
        self.assertEqual(self.script("train_pixels.py", SPARSE, "--epochs", "0", "--init", paths[0])["accuracy"],
                         told[0]["accuracy"])
        self.assertTrue(all(float(told[0][name]) > 0 for name in ("train_s", "infer_s", "test_s")))

    def test_a_frozen_network_judges_as_the_other(self):
        asked = argparse.Namespace(data=self.dir / SPARSE, size=48, batch=5, seed=0, workers=0)
        model = train.make_model("mobilenet_v3_small", 2, 48)
        test = train_pixels.make_loaders(asked)[1]
        frozen = train.frozen(model, test, torch.device("cpu"))
        self.assertEqual(list(frozen.parameters()), [])
        sizes = set()
        for images, _ in test:
            torch.testing.assert_close(frozen(images), model(images), rtol=0, atol=1e-5)
            sizes.add(len(images))
        self.assertEqual(len(sizes), 2)
        plain, served = (self.script("train_pixels.py", SPARSE, "--epochs", "2", *option) for option in ((), ("--freeze",)))
        self.assertEqual(plain["accuracy"], served["accuracy"])

    def test_what_is_trained_on_follows_from_the_seed(self):
        """Order, boxes and mirroring."""
        asked = [argparse.Namespace(data=self.dir / SPARSE, size=48, batch=7, seed=seed, workers=0) for seed in (0, 0, 1)]
        first = [next(iter(train_pixels.make_loaders(args)[0]))[0].clone() for args in asked]
        self.assertTrue(torch.equal(first[0], first[1]))
        self.assertFalse(torch.equal(first[0], first[2]))

    def test_the_network_sees_what_that_of_train_py_sees(self):
        """Where the pixels are the same: the resize is Pillow's."""
        loaders = [script.make_loaders(argparse.Namespace(data=self.dir / data, size=48, batch=7, seed=0, workers=0))[1]
                   for script, data in ((train, "bmp"), (train_pixels, DENSE))]
        self.assertEqual(*map(len, loaders))
        for (theirs, wanted), (ours, labels) in zip(*loaders):
            self.assertEqual(labels.tolist(), wanted.tolist())
            torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)

    def test_what_cannot_be_read(self):
        self.put(f"{SPARSE}/train/a/0.ic", b"no object")
        done = subprocess.run([sys.executable, SCRIPTS / "train_pixels.py", self.dir / SPARSE, *OPTIONS],
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (1, 1), done.stderr)
        self.assertIn("train_pixels.py: ", done.stderr)


if __name__ == "__main__":
    main(("torchvision", "python3-torchvision"))

# SPDX-License-Identifier: MIT
"""Training code that knows nothing of icfs, on the face `ic` of a mount: torchvision's ImageFolder with ToTensor and
worker processes, with the hook and without; and icfs.torch on the same mount."""
import json
import os
import site
import sys

from mounting import MountTest, encode, why_not
from objects import ICFS, MKIMAGES, ROOT, SPARSE, main, run

site.addsitedir(str(ROOT / "python"))  # as if it were site-packages: the hook of icfs.pth comes with it

import numpy as np  # noqa: E402

import icfs  # noqa: E402

try:
    import torch
    from torchvision import datasets, transforms
    from icfs import torch as ictorch
except ImportError:  # main() says so
    pass


class OnAMount(MountTest):
    def setUp(self):
        super().setUp()
        run(MKIMAGES, "--classes", "3", "--count", "5", "--size", "96x64", self.source)
        for path in self.source.rglob("really-a-png.jpg"):
            path.unlink()
        self.mount(f"design={SPARSE}", "face=ic")
        self.train = self.point / "train"
        self.paths = sorted(path for path in self.train.rglob("*.ic"))
        self.assertGreater(len(self.paths), 5)

    def expected(self, path):
        """What the object made straight from the source shows."""
        source = next(self.source.glob(f"train/{path.parent.name}/{path.stem}.*"))
        return icfs.open(encode(source, SPARSE)).rgb()

    def test_an_unmodified_image_folder(self):
        folder = datasets.ImageFolder(str(self.train), transforms.ToTensor())
        self.assertEqual([path for path, _ in folder.samples], [str(path) for path in self.paths])
        for workers in (0, 2):
            loader = torch.utils.data.DataLoader(folder, batch_size=None, num_workers=workers)
            for path, (image, target) in zip(self.paths, loader):
                self.assertEqual(folder.classes[target], path.parent.name)
                expected = self.expected(path).transpose(2, 0, 1).astype(np.float32) / 255
                np.testing.assert_array_equal(image.numpy(), expected)

    def test_transforms_of_training(self):
        transform = transforms.Compose([transforms.RandomResizedCrop(32), transforms.RandomHorizontalFlip(),
                                        transforms.ToTensor()])
        folder = datasets.ImageFolder(str(self.train), transform)
        images, _ = next(iter(torch.utils.data.DataLoader(folder, batch_size=len(folder))))
        self.assertEqual(images.shape, (len(self.paths), 3, 32, 32))

    def test_trainings_on_mounts(self):
        """scripts/train-designs: the package's loader under the face ic."""
        results = self.dir / "results.jsonl"
        run(sys.executable, ROOT / "scripts/train-designs", "run", results, self.source, "--icfs", ICFS, "--seeds", "1",
            "--design", f"{SPARSE},ic", "--", "--model", "vit_small", "--epochs", "1", "--size", "32", "--batch", "4",
            "--workers", "0", "--device", "cpu", env={**os.environ, "TMPDIR": str(self.dir)})
        tree, mount = map(json.loads, results.read_text().splitlines())
        self.assertEqual((tree["tree"], mount["tree"]), ("JPEG tree", f"{SPARSE},ic"))
        self.assertEqual(mount["bytes_read"], sum(path.stat().st_size for path in self.paths))
        self.assertTrue(mount["test_s"] > 0 and 0 <= mount["accuracy"] <= 1)

    def test_without_the_hook_there_is_nothing_to_load(self):
        program = f"from torchvision import datasets\ntry: datasets.ImageFolder({str(self.train)!r})\n" \
                  "except FileNotFoundError: print('none')"
        start = f"import site; site.addsitedir({str(ROOT / 'python')!r})\n"
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        for value, expected in (("0", b"none\n"), ("1", b"")):
            found = run(os.environ["PYTHON"], "-c", start + program, env={**environment, "ICFS_PYTHON_HOOK": value})
            self.assertEqual(found, expected)

    def test_whole_batches(self):
        spec = icfs.Spec(size=48, fit="crop or pad")
        folder = ictorch.Folder(self.train)
        loader = ictorch.Loader(folder, spec, 4, augment=ictorch.Augment("corner"), threads=2)
        values = torch.cat([batch.values.clone() for batch in loader])
        for path, found in zip(self.paths, values.numpy()):
            np.testing.assert_array_equal(found, icfs.decode_batch([icfs.open(path)], spec).values[0])


if __name__ == "__main__":
    main(("torch", "python3-torch"), ("torchvision", "python3-torchvision"), unless=why_not())

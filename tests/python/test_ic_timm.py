# SPDX-License-Identifier: MIT
"""timm's dataset and loader, unmodified, on a tree of .ic files."""
import site

from objects import ROOT, Folder, main, photo, photo_jpegs

site.addsitedir(str(ROOT / "python"))  # as if it were site-packages: the hook of icfs.pth comes with it

import numpy as np  # noqa: E402

import icfs  # noqa: E402

try:
    import torch
    from timm.data import create_dataset, create_loader
except ImportError:  # main() says so
    pass


class Timm(Folder):
    def setUp(self):
        super().setUp()
        self.count = len(photo_jpegs())
        for number in range(self.count):
            self.put(f"train/{'cat' if number % 2 else 'dog'}/{number:02}.ic", photo(number=number))

    def test_dataset(self):
        data = create_dataset("", root=str(self.dir), split="train")
        names = data.filenames(basename=True)
        self.assertEqual(len(names), self.count)
        for name, (image, label) in zip(names, data):
            number = int(name[:2])
            self.assertEqual(label, 0 if number % 2 else 1)
            np.testing.assert_array_equal(np.asarray(image), icfs.open(photo(number=number)).rgb())

    def test_loader(self):
        data = create_dataset("", root=str(self.dir), split="train")
        loader = create_loader(data, (3, 32, 32), 4, num_workers=2, use_prefetcher=False, device=torch.device("cpu"))
        self.assertEqual(sum(len(labels) for _, labels in loader), self.count)


if __name__ == "__main__":
    main(("torch", "python3-torch"), ("timm.data", "timm of PyPI"))

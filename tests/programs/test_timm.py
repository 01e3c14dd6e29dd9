# SPDX-License-Identifier: MIT
"""timm's dataset and loader as its own training script uses them, with worker processes. They read with Pillow."""

import pathlib

import numpy
from PIL import Image

from programs import ProgramTest, needs

try:
    import torch
    from timm.data import create_dataset, create_loader
except ImportError:  # needs() says so
    pass

SIDE = 32
SMALLEST_DEVIATION = 0.224  # by which timm divides, of ImageNet's


class Timm(ProgramTest):
    def training_names(self):
        return [name for name in self.images if name.startswith("train/")]

    def test_dataset(self):
        def check(design, face):
            data = create_dataset("", root=str(self.point), split="train")
            names = [f"train/{name}" for name in data.filenames(basename=False, absolute=False)]
            self.assertEqual(sorted(names), sorted(self.training_names()))
            for name, (image, label) in zip(names, data, strict=True):
                self.assertEqual(("bark", "brick", "odd")[label], pathlib.Path(name).parent.name)
                self.assert_pixels(numpy.array(image), self.pixels_of(name, design), self.bound(design, face), name)

        self.on_each(check)

    def batches(self, root):
        data = create_dataset("", root=str(root), split="train")
        loader = create_loader(data, (3, SIDE, SIDE), 5, num_workers=2, use_prefetcher=False,
                               device=torch.device("cpu"))
        images, labels = zip(*loader)
        return torch.cat(images), torch.cat(labels)

    def test_loader(self):
        """Batches are those from a folder of what `icfs decode` shows, as PNG files."""
        def check(design, face):
            plain = self.dir / f"{design}-{face}"
            for name in self.training_names():
                path = (plain / name).with_suffix(".png")
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(self.pixels_of(name, design)).save(path)
            images, labels = self.batches(self.point)
            expected_images, expected_labels = self.batches(plain)
            self.assertEqual(len(images), len(self.training_names()))
            self.assertTrue(torch.equal(labels, expected_labels))
            furthest = (images - expected_images).abs().max().item()
            self.assertLessEqual(furthest, self.bound(design, face) / 255 / SMALLEST_DEVIATION)

        self.on_each(check)


if __name__ == "__main__":
    needs(("import torch", "the package python3-torch"), ("import timm.data", "timm of PyPI"))

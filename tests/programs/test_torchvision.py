# SPDX-License-Identifier: MIT
"""torchvision: ImageFolder under a DataLoader with worker processes, made by fork and by spawn, and decode_jpeg. Both
are libjpeg-turbo; neither turns an image by its orientation."""

import pathlib

from programs import ProgramTest, needs

try:
    import torch
    from torchvision import datasets, io, transforms
except ImportError:  # needs() says so
    pass

MADE = "icfs_cache_misses_total"


class Torchvision(ProgramTest):
    def assert_folder(self, design, face, start):
        folder = datasets.ImageFolder(str(self.point / "train"), transforms.PILToTensor())
        self.assertEqual(folder.classes, ["bark", "brick", "odd"])
        names = [str(pathlib.Path(path).relative_to(self.point)) for path, _ in folder.samples]
        self.assertEqual(sorted(names), sorted(name for name in self.images if name.startswith("train")))
        loader = torch.utils.data.DataLoader(folder, batch_size=None, num_workers=2, multiprocessing_context=start)
        for name, (image, label) in zip(names, loader, strict=True):
            self.assertEqual(folder.classes[label], pathlib.Path(name).parent.name)
            self.assert_pixels(image.permute(1, 2, 0).numpy(), self.pixels_of(name, design), self.bound(design, face),
                               name)

    def test_image_folder_by_fork(self):
        self.on_each(lambda design, face: self.assert_folder(design, face, "fork"))

    def test_image_folder_by_spawn(self):
        self.on_each(lambda design, face: self.assert_folder(design, face, "spawn"))

    def test_a_scan_makes_nothing(self):
        """What is listed is encoded when it is read, once."""
        mount = self.mount("face=jpeg")
        folder = datasets.ImageFolder(str(self.point / "train"))
        self.assertEqual(mount.stats()[MADE], 0)
        sources = [self.content[str(pathlib.Path(path).relative_to(self.point))] for path, _ in folder.samples]
        for _ in range(2):
            for image, _ in folder:
                image.load()
            self.assertEqual(mount.stats()[MADE], sum(source[:3] == b"\xff\xd8\xff" for source in sources))

    def test_decode_jpeg(self):
        def check(design, face):
            for name in self.jpegs:
                image = io.decode_jpeg(io.read_file(str(self.point / name)), io.ImageReadMode.RGB)
                self.assert_pixels(image.permute(1, 2, 0).numpy(), self.pixels_of(name, design),
                                   self.bound(design, face), name)

        self.on_each(check, faces=("jpeg",))


if __name__ == "__main__":
    needs(("import torch", "python3-torch"), ("import torchvision", "python3-torchvision"))

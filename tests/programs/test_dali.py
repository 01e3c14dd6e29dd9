# SPDX-License-Identifier: MIT
"""DALI's readers.file and decoders.image on the CPU: libjpeg-turbo, and a JPEG is turned by its orientation."""

from programs import ProgramTest, needs, orientation, turned

try:
    from nvidia.dali import fn, pipeline_def, types
except ImportError:  # needs() says so
    pass

CLASSES = ("bark", "brick", "odd")


class Dali(ProgramTest):
    def decode(self, count, **reader):
        """(pixels, label) of each file, in the order of the reader's own list."""
        @pipeline_def(batch_size=1, num_threads=2, device_id=None)
        def pipeline():
            content, label = fn.readers.file(**reader)
            return fn.decoders.image(content, device="cpu", output_type=types.RGB), label

        pipe = pipeline()
        pipe.build()
        return [tuple(output.at(0) for output in pipe.run()) for _ in range(count)]

    def assert_seen(self, seen, names, design, face):
        for name, (pixels, label) in zip(names, seen, strict=True):
            self.assertEqual(CLASSES[label.item()], name.split("/")[1])
            tag = orientation(self.content[name]) if face == "jpeg" else 1
            self.assert_pixels(pixels, turned(self.pixels_of(name, design), tag), self.bound(design, face), name)

    def test_folder(self):
        """What the reader finds by itself, by class and name: it lists, and selects by extension."""
        names = [name for name in self.images if name.startswith("train/")]

        def check(design, face):
            seen = self.decode(len(names), file_root=str(self.point / "train"))
            self.assert_seen(seen, names, design, face)

        self.on_each(check)

    def test_list_of_files(self):
        def check(design, face):
            labels = [CLASSES.index(name.split("/")[1]) for name in self.images]
            seen = self.decode(len(labels), file_root=str(self.point), files=self.images, labels=labels)
            self.assert_seen(seen, self.images, design, face)

        self.on_each(check)


if __name__ == "__main__":
    needs(("import nvidia.dali", "nvidia-dali-cuda130 of PyPI"))

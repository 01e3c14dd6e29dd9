# SPDX-License-Identifier: MIT
"""DALI on a mount of the face `ic`: JPEGs that it reads as .ic files, decoded by the extension."""

import contextlib

import numpy
from mounting import MountTest, why_not

from nv_objects import Picture, jpegs, main

with contextlib.suppress(ImportError):  # main() says so
    from nvidia.dali import fn, pipeline_def

DESIGNS = ("s1x1-b8-k9-q8", "s2x2-b8-k6-q8")


class Mount(MountTest):
    def decode(self, folder, names):
        @pipeline_def(batch_size=1, num_threads=2, device_id=None)
        def pipeline():
            content, label = fn.readers.file(file_root=str(folder), files=names)
            return fn.decoders.image(content, device="cpu")

        pipe = pipeline()
        pipe.build()
        return [numpy.array(pipe.run()[0][0]) for _ in names]

    def test_views_of_a_tree(self):
        names = sorted(jpegs())
        for name in names:
            self.put(f"class/{name}.jpg", jpegs()[name])
        mount = self.mount("face=ic")
        for design in DESIGNS:
            folder = mount.point / ".icfs" / "view" / f"{design},ic" / "class"
            seen = self.decode(folder, [f"{name}.ic" for name in names])
            for name, pixels in zip(names, seen, strict=True):
                expected = Picture(name, jpegs()[name], design).displayed
                numpy.testing.assert_array_equal(pixels, expected, f"{design} {name}")


if __name__ == "__main__":
    main(nvimgcodec="nvidia-nvimgcodec-cu13 of PyPI", dali="nvidia-dali-cuda130 of PyPI", unless=why_not)

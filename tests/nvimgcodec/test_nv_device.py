# SPDX-License-Identifier: MIT
"""nvImageCodec's Python decoder with outputs on a GPU: what the extension's CUDA decoder writes, and what falls back to its
CPU decoder, is what `icfs decode` shows. Where there is a GPU."""

import contextlib
import ctypes
import unittest

import numpy

from nv_objects import DESIGNS, main, picture, pictures

with contextlib.suppress(ImportError):  # main() says so
    from nvidia.nvimgcodec import Backend, BackendKind, CodeStream, DecodeParams, Decoder, Region, SampleFormat


def why_not():
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "no NVIDIA driver"
    count = ctypes.c_int(0)
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        return "the driver lists no device"
    return None


class Device(unittest.TestCase):
    def assert_shown(self, image, expected, what):
        self.assertIsNotNone(image, what)
        numpy.testing.assert_array_equal(numpy.asarray(image.cpu()), expected, str(what))

    def test_kernels_alone(self):
        """Neither turned nor gray: no other back end is allowed."""
        use = Decoder(device_id=0, backends=[Backend(BackendKind.GPU_ONLY)])
        for design in DESIGNS:
            found = pictures(design)
            for sample_format, order in ((SampleFormat.I_RGB, (0, 1, 2)), (SampleFormat.P_RGB, (2, 0, 1))):
                params = DecodeParams(apply_exif_orientation=False, sample_format=sample_format)
                images = use.decode([CodeStream(one.object) for one in found], params=params)
                for one, image in zip(found, images, strict=True):
                    self.assert_shown(image, one.stored.transpose(order), (design, one.name))

    def test_regions(self):
        use = Decoder(device_id=0, backends=[Backend(BackendKind.GPU_ONLY)])
        found = picture("sampling-420")
        part = CodeStream(found.object).get_sub_code_stream(region=Region(3, 5, 30, 47))
        self.assert_shown(use.decode(part), found.displayed[3:30, 5:47], "a region")

    def test_all_that_may_be_asked(self):
        """Turned, and regions that stick out: by the CPU, and copied."""
        use = Decoder(device_id=0)
        for design in DESIGNS:
            found = pictures(design)
            for one, image in zip(found, use.decode([CodeStream(one.object) for one in found]), strict=True):
                self.assert_shown(image, one.displayed, (design, one.name))


if __name__ == "__main__":
    main(nvimgcodec="nvidia-nvimgcodec-cu13 of PyPI", unless=why_not)

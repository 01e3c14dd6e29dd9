# SPDX-License-Identifier: MIT
"""nvImageCodec's Python decoder on the CPU: .ic bytes and files, one or a batch, in every format that it asks for, turned
or not, whole or a region; and bytes that are no object."""

import contextlib
import pathlib
import tempfile
import unittest

import numpy

from nv_objects import DESIGNS, ICFS, damaged, is_sound, jpegs, main, picture, pictures, run

with contextlib.suppress(ImportError):  # main() says so
    from nvidia.nvimgcodec import (Backend, BackendKind, CodeStream, ColorSpec, DecodeParams, Decoder, Region,
                                   SampleFormat)

CPU_ONLY = -99999  # NVIMGCODEC_DEVICE_CPU_ONLY


def decoder(**options):
    return Decoder(device_id=CPU_ONLY, backends=[Backend(BackendKind.CPU_ONLY)], **options)


class Python(unittest.TestCase):
    def assert_shown(self, image, expected, what):
        self.assertIsNotNone(image, what)
        numpy.testing.assert_array_equal(numpy.asarray(image), expected, str(what))

    def assert_fails(self, use, content):
        """No image and no crash: the stream is refused, or its place in the result is empty."""
        try:
            stream = CodeStream(content)
        except RuntimeError as error:
            self.assertRegex(str(error), "(?i)code ?stream|unsupported|bitstream")
            return
        self.assertIsNone(use.decode(stream))

    def test_what_a_stream_is(self):
        stream = CodeStream(picture("exif-orientation-6").object)
        stored = picture("exif-orientation-6").stored
        self.assertEqual((stream.codec_name, stream.height, stream.width), ("ic", *stored.shape[:2]))
        self.assertEqual((stream.num_channels, stream.color_spec), (3, ColorSpec.SRGB))
        stream = CodeStream(picture("grayscale").object)
        self.assertEqual((stream.num_channels, stream.color_spec), (1, ColorSpec.GRAY))

    def test_every_picture_and_design(self):
        use = decoder()
        for design in DESIGNS:
            for found in pictures(design):
                self.assert_shown(use.decode(CodeStream(found.object)), found.displayed, (design, found.name))

    def test_formats(self):
        use = decoder()
        for name in ("sampling-420", "grayscale", "size-7x7", "exif-orientation-8"):
            found = picture(name)
            for turned, rgb in ((True, found.displayed), (False, found.stored)):
                for sample_format, expected in (
                    (SampleFormat.I_RGB, rgb), (SampleFormat.P_RGB, rgb.transpose(2, 0, 1)),
                    (SampleFormat.I_BGR, rgb[..., ::-1]), (SampleFormat.P_BGR, rgb[..., ::-1].transpose(2, 0, 1)),
                    (SampleFormat.I_AUTO_COMPONENTS, rgb), (SampleFormat.P_AUTO_COMPONENTS, rgb.transpose(2, 0, 1)),
                ):
                    params = DecodeParams(apply_exif_orientation=turned, sample_format=sample_format)
                    self.assert_shown(use.decode(CodeStream(found.object), params=params), expected,
                                      (name, turned, sample_format))

    def test_luma(self):
        """Exactly what a gray object holds; of a coloured one, what its RGB has as luma, which was rounded and clamped."""
        use = decoder()
        for name in ("grayscale", "sampling-420", "exif-orientation-7"):
            found = picture(name)
            rgb = found.displayed.astype(float)
            expected = rgb[..., 0] if name == "grayscale" else rgb @ (0.299, 0.587, 0.114)
            for sample_format, axis in ((SampleFormat.I_Y, 2), (SampleFormat.P_Y, 0)):
                params = DecodeParams(color_spec=ColorSpec.GRAY, sample_format=sample_format)
                seen = numpy.asarray(use.decode(CodeStream(found.object), params=params)).squeeze(axis)
                self.assertEqual((seen.shape, seen.dtype), (expected.shape, numpy.uint8))
                difference = numpy.abs(seen - expected)
                self.assertLess(difference.mean(), 1e-9 if name == "grayscale" else 1)

    def test_batch_of_everything(self):
        """Of all sizes and designs, bytes and files, by all threads; what is no object costs its own place."""
        use = decoder(max_num_cpu_threads=2)
        with tempfile.TemporaryDirectory(prefix="icfs-nvimgcodec-") as name:
            found = [found for design in DESIGNS for found in pictures(design)]
            streams = []
            for number, one in enumerate(found):
                path = pathlib.Path(name, f"{number}.ic")
                path.write_bytes(one.object)
                streams.append(CodeStream(str(path) if number % 2 else one.object))
            whole = picture("sampling-420").object
            path = pathlib.Path(name, "changes.ic")
            path.write_bytes(whole)
            changed = CodeStream(str(path))  # whole so far
            path.write_bytes(whole[:64] + bytes(len(whole) - 64))
            images = use.decode([changed, *streams, CodeStream(numpy.frombuffer(whole, numpy.uint8)), changed])
        self.assertIsNone(images[0])
        self.assertIsNone(images[-1])
        self.assert_shown(images[-2], picture("sampling-420").displayed, "in between")
        for one, image in zip(found, images[1:-2], strict=True):
            self.assert_shown(image, one.displayed, one.name)

    def test_regions(self):
        use = decoder()
        for name in ("sampling-444", "grayscale", "exif-orientation-5", "exif-orientation-3"):
            found = picture(name)
            whole = CodeStream(found.object)
            height, width = found.displayed.shape[:2]
            for top, left, bottom, right in ((0, 0, height, width), (3, 5, 20, 37), (height - 1, 0, height, width)):
                part = whole.get_sub_code_stream(region=Region(top, left, bottom, right))
                self.assert_shown(use.decode(part), found.displayed[top:bottom, left:right], (name, top, left))
            padded = numpy.full((height + 9, width + 7, 3), 77, numpy.uint8)
            padded[4:height + 4, 2:width + 2] = found.displayed
            part = whole.get_sub_code_stream(region=Region(-4, -2, height + 5, width + 5, 77))
            self.assert_shown(use.decode(part), padded, name)

    def test_bytes_of_every_kind(self):
        use = decoder()
        nbad = 0
        for name in ("sampling-420", "grayscale", "size-1x1"):
            for content in damaged(picture(name).object, 60):
                if not is_sound(content):
                    nbad += 1
                    self.assert_fails(use, content)
                elif content[:64] != picture(name).object[:64]:
                    shown = run(ICFS, "decode", "--format", "ppm", "-", "-", content=content)
                    seen = use.decode(CodeStream(content), params=DecodeParams(apply_exif_orientation=False))
                    self.assertTrue(shown.endswith(numpy.asarray(seen).tobytes()), name)
        self.assertGreater(nbad, 100)

    def test_other_codecs_stay(self):
        image = decoder().decode(CodeStream(jpegs()["sampling-420"]))
        self.assertEqual(image.shape, picture("sampling-420").stored.shape)


if __name__ == "__main__":
    main(nvimgcodec="nvidia-nvimgcodec-cu13 of PyPI")

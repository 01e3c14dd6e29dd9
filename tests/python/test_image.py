# SPDX-License-Identifier: MIT
"""icfs.open: what it takes, what it says, and that it decodes what the command and the format's own decoder do."""
import copy
import ctypes
import io
import mmap
import os
import pickle
import subprocess
import sys
import threading

import numpy as np

from objects import DENSE, DESIGNS, ICFS, ROOT, SPARSE, Folder, encode, jpegs, main, objects, photo, run

sys.path.insert(0, str(ROOT / "tests" / "codec"))
import ic_reference  # noqa: E402

import icfs  # noqa: E402


def shown(content):
    """Pixels by the command."""
    ppm = run(ICFS, "decode", "--format", "ppm", "-", "-", content=content)
    _, size, _, pixels = ppm.split(b"\n", 3)
    width, height = (int(side) for side in size.split())
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)


def reference_coefficients(content, component):
    """By the decoder that was written from docs/format.md, which gives (u, v, value) of each block, without the zeros."""
    parsed = ic_reference.parse(content)
    blocks = [{(u, v): value for u, v, value in block} for block in ic_reference.coefficients(parsed, component)]
    return np.array([[block.get(freq, 0) for block in blocks] for freq in parsed.header.frequencies()], np.int16)


class Open(Folder):
    def test_takes_files_and_bytes_of_every_kind(self):
        content = photo()
        path = self.put("cat.ic", content)
        expected = icfs.open(content).rgb()
        padded = np.frombuffer(b"x" + content + b"more", np.uint8)
        with path.open("rb") as file, path.open("rb", buffering=0) as raw, path.open("rb") as mapped:
            mapping = mmap.mmap(mapped.fileno(), 0, access=mmap.ACCESS_READ)
            for source in (str(path), path, file, raw, io.BytesIO(content), bytearray(content), memoryview(content),
                           mapping, padded[1:]):
                image = icfs.open(source)
                np.testing.assert_array_equal(image.rgb(), expected, repr(source))
                del image
            mapping.close()

    def test_reads_a_pipe_that_gives_little_at_a_time(self):
        content = photo()

        class Slow(io.RawIOBase):
            def __init__(self):
                self.held = io.BytesIO(content)

            def read(self, size=-1):
                return self.held.read(min(size, 7))

        np.testing.assert_array_equal(icfs.open(Slow()).rgb(), icfs.open(content).rgb())

    def test_refuses_what_is_no_source(self):
        for source, error in ((7, TypeError), (None, TypeError), (io.StringIO("text"), TypeError),
                              (np.frombuffer(photo() * 2, np.uint8)[::2], BufferError),
                              (self.dir / "none", FileNotFoundError), (self.dir, IsADirectoryError)):
            with self.assertRaises(error, msg=repr(source)):
                icfs.open(source)

    def test_errors_name_the_file(self):
        """As those of a batch do."""
        content = photo()
        whole, cut = self.put("whole.ic", content), self.put("cut.ic", content[:500])
        for path, options, error in ((cut, {}, icfs.TruncatedError), (whole, {"pixels_max": 5}, icfs.LimitError),
                                     (whole, {"keep": 7}, icfs.ArgumentError), (whole, {"keep": 1.5}, icfs.ArgumentError),
                                     *((whole, {"pixels_max": limit}, icfs.ArgumentError) for limit in (None, "5", 5.5))):
            for name in (path, str(path)):
                with self.assertRaises(error) as caught:
                    icfs.open(name, **options)
                self.assertTrue(str(caught.exception).startswith(f"{path}: "), caught.exception)
            with self.assertRaises(error) as caught:
                icfs.open(path.read_bytes(), **options)
            self.assertNotIn(str(self.dir), str(caught.exception))
        with self.assertRaises(IsADirectoryError) as caught:
            icfs.open(self.dir)
        self.assertEqual(caught.exception.filename, str(self.dir))

    def test_says_what_the_header_says(self):
        for design in DESIGNS:
            for name, content in objects(design).items():
                header, image = ic_reference.parse_header(content), icfs.open(content)
                self.assertEqual(image.size, (header.width, header.height), name)
                self.assertEqual(image.source_size, (header.source_width, header.source_height), name)
                self.assertEqual(image.components, header.components, name)
                self.assertEqual(image.orientation, header.orientation, name)
                self.assertEqual(image.design, icfs.Design.parse(design))
                self.assertEqual(image.nbytes, len(content))
                self.assertEqual(list(image.frequencies), header.frequencies())
        self.assertEqual({icfs.open(content).orientation for content in objects().values()}, set(range(1, 9)))
        self.assertEqual({icfs.open(content).components for content in objects().values()}, {1, 3})

    def test_truncated_sources_are_flagged(self):
        whole = jpegs()["sampling-420"]
        cut = encode(whole[:len(whole) * 2 // 3])
        self.assertTrue(icfs.open(cut).truncated)
        self.assertFalse(icfs.open(encode(whole)).truncated)
        np.testing.assert_array_equal(icfs.open(cut).rgb(), shown(cut))

    def test_damaged_sources_are_flagged(self):
        damaged = icfs.open(encode(jpegs()["garbage-in-data"]))
        self.assertEqual((damaged.damaged, damaged.truncated), (True, False))
        self.assertFalse(icfs.open(encode(jpegs()["sampling-420"])).damaged)

    def test_batches_tell_of_such_sources(self):
        whole = jpegs()["sampling-420"]
        contents = [encode(whole), encode(whole[:len(whole) * 2 // 3]), b"none", encode(jpegs()["garbage-in-data"])]
        found = icfs.decode_batch(contents, icfs.Spec(size=16, fit="crop or pad"), errors="return")
        self.assertEqual(found.flags.tolist(), [0, icfs.TRUNCATED, 0, icfs.DAMAGED])

    def test_copies_and_pickles_have_the_bytes(self):
        held = bytearray(objects()["sampling-420"])
        image = icfs.open(held, keep=3)
        for other in pickle.loads(pickle.dumps(image)), copy.deepcopy(image):
            self.assertEqual((other.design, other.size), (image.design, image.size))
            np.testing.assert_array_equal(other.rgb(), image.rgb())
        expected = image.rgb()
        held[100:] = bytes(len(held) - 100)
        np.testing.assert_array_equal(other.rgb(), expected)

    def test_pixels_are_those_of_the_command(self):
        for design in DESIGNS:
            for name in ("sampling-420", "grayscale", "size-7x7", "exif-orientation-6"):
                content = objects(design)[name]
                expected = shown(content)
                np.testing.assert_array_equal(icfs.open(content).rgb(), expected, f"{design} {name}")
                fours = np.pad(expected, ((0, 0), (0, 0), (0, 1)), constant_values=255)
                np.testing.assert_array_equal(icfs.open(content).rgbx(), fours, f"{design} {name}")

    def test_coefficients_and_samples_are_those_of_the_format(self):
        for design in DESIGNS:
            for name in ("size-17x1", "size-31x33", "size-1x1-grayscale"):
                content = objects(design)[name]
                image, parsed = icfs.open(content), ic_reference.parse(content)
                for component in range(image.components):
                    found = image.coefficients(component)
                    self.assertEqual(found.dtype, np.int16)
                    np.testing.assert_array_equal(found.reshape(found.shape[0], -1),
                                                  reference_coefficients(content, component))
                    np.testing.assert_array_equal(image.samples(component), ic_reference.samples(parsed, component))
                for component in (-1, image.components, 0.0, "0", None):
                    self.assertRaises(icfs.ArgumentError, image.coefficients, component)
                    self.assertRaises(icfs.ArgumentError, image.samples, component)

    def test_a_prefix_is_the_sparser_design(self):
        dense = photo(DENSE)
        path = self.put("dense.ic", dense)
        for keep in (1, np.int64(6), 15):
            sparse = icfs.open(photo(f"s1x1-b8-k{keep}-q8"))
            for image in (icfs.open(path, keep), icfs.open(dense, keep=keep)):
                self.assertEqual(image.design, sparse.design)
                np.testing.assert_array_equal(image.rgb(), sparse.rgb())
        needed = len(photo("s1x1-b8-k6-q8"))
        short = self.put("short.ic", dense[:needed + 4 * 3 * (64 - 21)])  # the denser object's table is longer
        np.testing.assert_array_equal(icfs.open(short, keep=6).rgb(), icfs.open(dense, keep=6).rgb())
        self.assertRaises(icfs.TruncatedError, icfs.open, short)
        self.assertRaises(icfs.ArgumentError, icfs.open, path, 16)
        self.assertRaises(icfs.ArgumentError, icfs.open, path, -1)

    def test_a_file_is_read_no_further_than_needed(self):
        path = self.put("long.ic", photo())
        os.truncate(path, 1 << 40)  # sparse; nobody has memory for that
        np.testing.assert_array_equal(icfs.open(path).rgb(), icfs.open(photo()).rgb())

    def test_a_limit_on_pixels_comes_before_memory(self):
        content = photo()
        width, height = icfs.open(content).size
        self.assertRaises(icfs.LimitError, icfs.open, content, pixels_max=width * height - 1)
        icfs.open(content, pixels_max=width * height)
        self.assertRaises(icfs.LimitError, icfs.open(content).tensor, icfs.Spec(pixels_max=width * height - 1))

    def test_pixels_go_where_they_are_asked_to(self):
        image = icfs.open(photo())
        for decode in (image.rgb, image.rgbx):
            expected = decode()
            out = np.full_like(expected, 7)
            self.assertIs(decode(out), out)
            np.testing.assert_array_equal(out, expected)
            fixed = np.empty_like(expected)
            fixed.flags.writeable = False
            for other in (out[:-1], out[:, :, :2], out.astype(np.int8), out[:, ::-1], fixed, out.reshape(-1), 7,
                          bytearray(out)):
                before = copy.copy(other)
                self.assertRaises(icfs.ArgumentError, decode, other)
                np.testing.assert_array_equal(other, before)

    def test_threads_share_an_image(self):
        image = icfs.open(photo())
        expected, found = image.rgb(), []
        threads = [threading.Thread(target=lambda: found.append(image.rgb())) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(found), 8)
        for pixels in found:
            np.testing.assert_array_equal(pixels, expected)


class Designs(Folder):
    def test_written_form(self):
        for text in DESIGNS:
            design = icfs.Design.parse(text)
            self.assertEqual(icfs.Design.parse(str(design)), design)
        self.assertEqual(str(icfs.Design(2, 2, 8, 6, 8)), SPARSE)
        self.assertEqual(icfs.Design.parse("s1x1-b8-k2-q8").frequencies, ((0, 0), (0, 1), (1, 0)))

    def test_what_is_none(self):
        for text in ("", "s2x2", "s3x3-b8-k6-q8", "s2x2-b8-k16-q8", "s2x2-b8-k6-q8 ", "s2x2-b8-k6-q8\0", "\udcff",
                     None, 5, b"s2x2-b8-k6-q8", (2, 2, 8, 6, 8)):
            with self.assertRaises(icfs.ArgumentError, msg=text):
                icfs.Design.parse(text)
        for parts in ((3, 3, 8, 6, 8), (2, 2, 8, 16, 8), (-1, 2, 8, 6, 8), (2, 2, 8, 6, 256 + 8), (2, 2, 8, 6, 8.0)):
            with self.assertRaises(icfs.ArgumentError, msg=parts):
                str(icfs.Design(*parts))


class Library(Folder):
    def importing(self, **environment):
        line = [sys.executable, "-c", "import icfs"]
        done = subprocess.run(line, env={**os.environ, **environment}, capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        return done.stderr.splitlines()[-1]

    def test_a_missing_library_is_one_sentence(self):
        self.assertRegex(self.importing(ICFS_LIBRARY="/nowhere/libic.so"),
                         r"^ImportError: icfs cannot load its library: .*/nowhere/libic.so.*ICFS_LIBRARY")

    def test_another_library_is_one_sentence(self):
        self.assertRegex(self.importing(ICFS_LIBRARY="libc.so.6"), r"^ImportError: icfs cannot use .*of another version$")

    def test_structures_are_those_of_the_headers(self):
        """The compiler of the headers and ctypes agree on every size and place."""
        from icfs import _abi
        mirrored = {"design": _abi.Design, "component": _abi.Component, "layout": _abi.Layout, "freq": _abi.Freq,
                    "view": _abi.View, "tensor_spec": _abi.TensorSpec, "tensor_shape": _abi.TensorShape,
                    "window": _abi.Window, "region": _abi.Region, "item": _abi.Item, "batch": _abi.Batch,
                    "why": _abi.Why}
        lines = ["#include <stdio.h>", '#include "codec/batch.h"', "int main(void) {"]
        for name, kind in mirrored.items():
            lines.append(f'printf("{name} %zu\\n", sizeof(struct ic_{name}));')
            for field, *_ in kind._fields_:
                place = f"offsetof(struct ic_{name}, {field})"
                size = f"sizeof(((struct ic_{name} *)0)->{field})"
                lines.append(f'printf("{name}.{field} %zu %zu\\n", {place}, {size});')
        source = self.put("layout.c", "\n".join([*lines, "return 0; }"]).encode())
        run(*os.environ.get("CC", "cc").split(), "-I", ROOT, "-o", self.dir / "layout", source)
        expected = []
        for name, kind in mirrored.items():
            expected.append(f"{name} {ctypes.sizeof(kind)}")
            for field, *_ in kind._fields_:
                expected.append(f"{name}.{field} {getattr(kind, field).offset} {getattr(kind, field).size}")
        self.assertEqual(run(self.dir / "layout").decode().splitlines(), expected)
        self.assertEqual(_abi.ITEM.itemsize, ctypes.sizeof(_abi.Item))


if __name__ == "__main__":
    main()

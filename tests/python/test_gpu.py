# SPDX-License-Identifier: MIT
"""icfs.torch.decode: batches on a GPU are those of icfs.decode_batch, on any stream, from files and from bytes."""
import sys
import threading
from unittest import mock

import numpy as np

from objects import DENSE, SPARSE, Folder, encode, main, photo, photo_jpegs

import icfs

try:
    import torch
    from icfs import torch as ictorch
except ImportError:  # main() says so
    pass

SPECS = (icfs.Spec(), icfs.Spec(axes="NHWC"),
         icfs.Spec(dtype="float32", mean=icfs.IMAGENET_MEAN, std=icfs.IMAGENET_STD),
         icfs.Spec(dtype="float16", size=(96, 128), fit="crop"), icfs.Spec(size=(160, 320), fit="crop or pad", pad=7),
         icfs.Spec("frequencies"), icfs.Spec("frequencies", "float16", chroma="apart", mean=3, std=2),
         icfs.Spec("frequencies", "int8", components=1, size=(8, 10), fit="crop"))


class Files:
    def __init__(self, paths, targets):
        self.paths, self.targets = paths, targets

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        with open(self.paths[index], "rb") as file:
            return file.read(), self.targets[index]


def together(samples):
    return [content for content, _ in samples], torch.tensor([target for _, target in samples])


class Gpu(Folder):
    def objects(self, design=DENSE):
        """With flags, which say that a source ended early or was damaged: byte 38 of the header."""
        found = [bytearray(photo(design, number)) for number in range(len(photo_jpegs()))]
        for number, content in enumerate(found):
            content[38] = number % 4
        return [bytes(content) for content in found]

    def assert_equal(self, found, expected):
        for tensor, array in zip(found[:2], expected[:2]):
            self.assertEqual(tensor is None, array is None)
            if array is not None:
                self.assertTrue(np.array_equal(tensor.cpu().numpy(), array))
        self.assertTrue(np.array_equal(found.regions, expected.regions))
        self.assertTrue(np.array_equal(found.orientations, expected.orientations))
        self.assertTrue(np.array_equal(found.flags, expected.flags))

    def test_values_are_those_of_the_cpu(self):
        for design in (DENSE, SPARSE, "s1x1-b16-k12-q6", "s1x1-b4-k3-q3"):
            contents = self.objects(design)
            for spec in SPECS:
                self.assert_equal(ictorch.decode(contents, spec), icfs.decode_batch(contents, spec))

    def test_windows_and_a_sparser_design(self):
        contents, spec = self.objects(), icfs.Spec(size=64, fit="crop")
        corners, flips = [(number, 2 * number) for number in range(len(contents))], [n % 2 for n in range(len(contents))]
        for design in (None, "s1x1-b8-k3-q8"):
            self.assert_equal(ictorch.decode(contents, spec, corners=corners, flips=flips, design=design),
                              icfs.decode_batch(contents, spec, corners=corners, flips=flips, design=design))

    def test_resized_boxes(self):
        contents = self.objects()
        boxes = [(number, 2 * number, 90 + 7 * number, 120 - 5 * number) for number in range(len(contents))]
        half = icfs.Spec(dtype="float16", size=(64, 80), fit="resize", mean=icfs.IMAGENET_MEAN, std=icfs.IMAGENET_STD)
        middle = icfs.Spec(size=56, fit="resize", short_side=64, axes="NHWC")
        for spec, given in ((half, boxes), (half, None), (middle, None)):
            flips = [number % 2 for number in range(len(contents))]
            self.assert_equal(ictorch.decode(contents, spec, boxes=given, flips=flips),
                              icfs.decode_batch(contents, spec, boxes=given, flips=flips))
        with self.assertRaises(icfs.ArgumentError):
            ictorch.decode(contents, half, boxes=boxes, corners="center")

    def test_a_fast_transform_is_near(self):
        """Of photographs by 3 of 255 at the most, and hardly anywhere by more than 1; of designs that have none, exact."""
        normalized = icfs.Spec(dtype="float16", size=64, fit="crop", mean=icfs.IMAGENET_MEAN, std=icfs.IMAGENET_STD)
        for design in (DENSE, SPARSE, "s1x1-b16-k12-q8", "s1x1-b32-k63-q8-c1"):
            contents = self.objects(design)
            for spec in (icfs.Spec(size=64, fit="crop"), icfs.Spec(size=56, fit="resize"), normalized):
                found = ictorch.decode(contents, spec, fast_dct=True).values.cpu().numpy().astype(np.float32)
                expected = icfs.decode_batch(contents, spec).values.astype(np.float32)
                scale = np.array(icfs.IMAGENET_STD, np.float32).reshape(3, 1, 1) if spec is normalized else 1
                apart = np.abs(found - expected) * scale
                self.assertLess(apart.max(), 3.2)
                self.assertLess(np.mean(apart > 1.5), 0.02)
                self.assertGreater(apart.max(), 0)  # it is another transform
        for design in ("s1x1-b16-k12-q6", "s1x1-b4-k3-q8"):
            contents = self.objects(design)
            self.assert_equal(ictorch.decode(contents, fast_dct=True), icfs.decode_batch(contents))

    def test_files_streams_and_given_tensors(self):
        paths = [self.put(f"{number}.ic", content) for number, content in enumerate(self.objects())]
        expected = icfs.decode_batch(paths)
        out = (torch.zeros(expected.values.shape, dtype=torch.uint8, device="cuda"), None)
        stream = torch.cuda.Stream()
        with torch.cuda.stream(stream):
            found = ictorch.decode(paths, out=out)
            twice = found.values * 2  # on the stream, behind it
        stream.synchronize()
        self.assertEqual(found.values.data_ptr(), out[0].data_ptr())
        self.assert_equal(found, expected)
        self.assertTrue(np.array_equal(twice.cpu().numpy(), expected.values * 2))

    def test_bfloat16(self):
        spec = icfs.Spec(dtype="float32", mean=100, std=50)
        found = ictorch.decode(self.objects(), spec, dtype=torch.bfloat16)
        expected = torch.from_numpy(icfs.decode_batch(self.objects(), spec).values).to(torch.bfloat16)
        self.assertEqual(found.values.dtype, torch.bfloat16)
        self.assertTrue(torch.equal(found.values.cpu(), expected))

    def test_workers_that_only_read(self):
        """The DataLoader of docs/gpu.md."""
        contents, pixels = self.objects(), icfs.Spec(dtype="float16", size=64, fit="crop or pad")
        paths = [self.put(f"{number}.ic", content) for number, content in enumerate(contents)]
        loader = torch.utils.data.DataLoader(Files(paths, list(range(len(paths)))), 4, num_workers=2,
                                             collate_fn=together)
        for batch, targets in loader:
            found = ictorch.decode(batch, pixels, corners="center")
            self.assert_equal(found, icfs.decode_batch([contents[target] for target in targets], pixels,
                                                       corners="center"))

    def test_a_bad_image_costs_its_own_place(self):
        contents = self.objects()
        contents[1] = b"no object at all" * 100
        with self.assertRaises(icfs.CorruptError):
            ictorch.decode(contents)
        found = ictorch.decode(contents, errors="return")
        self.assertEqual(list(found.errors), [1])
        self.assertEqual(int(found.values[1].sum()), 0)
        expected = icfs.decode_batch(contents, errors="return")
        self.assert_equal(found, expected)
        for sources in ([], [b"x"]):
            with self.assertRaises(ValueError):
                ictorch.decode(sources)
        with self.assertRaises(icfs.ShapeError):
            ictorch.decode([contents[0], encode(photo_jpegs()[0], SPARSE)])

    def test_a_batch_of_nothing(self):
        spec = icfs.Spec("frequencies", chroma="apart")
        bound = icfs.bind(spec, icfs.Items([photo(DENSE)]))
        for design in (None, DENSE):
            for kind, dtype in ((torch.int16, None), (torch.bfloat16, torch.bfloat16)):
                found = ictorch.decode([], bound, design=design, dtype=dtype)
                self.assertEqual(found.values.shape, (0, *bound.shape.values))
                self.assertEqual(found.chroma.shape, (0, *bound.shape.chroma))
                self.assertEqual((found.values.dtype, found.chroma.dtype), (kind, kind))
                self.assertEqual((found.regions.shape, found.errors), ((0, 4), {}))
            with self.assertRaises(icfs.ArgumentError):
                ictorch.decode([], spec, design=design)

    def test_memory_that_could_not_be_made_is_not_counted(self):
        """It was, and then later batches of the kind waited for each other."""
        module = sys.modules["icfs.torch.gpu"]
        ictorch.decode([photo(DENSE)], icfs.Spec(size=31, fit="crop"))
        plan = next(reversed(module._devices._plans.values()))
        for _ in range(module.FLIGHTS):
            with mock.patch.object(module, "check", side_effect=MemoryError), self.assertRaises(MemoryError):
                plan.take(5)
        taken = []
        for _ in range(module.FLIGHTS):
            taken.append(plan.take(5))
            plan.give(*taken[-1])
        self.assertEqual(len({batch.value for _, batch in taken}), module.FLIGHTS)

    def test_many_threads_and_kinds(self):
        contents = self.objects()
        expected = {size: icfs.decode_batch(contents, icfs.Spec(size=size, fit="crop")) for size in range(20, 60)}
        failures = []

        def work(first):
            with torch.cuda.stream(torch.cuda.Stream()):
                for size in [*range(first, 60), *range(20, first)]:
                    found = ictorch.decode(contents, icfs.Spec(size=size, fit="crop"))
                    if not np.array_equal(found.values.cpu().numpy(), expected[size].values):
                        failures.append(size)

        threads = [threading.Thread(target=work, args=(20 + 10 * number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])


def missing():
    try:
        return None if torch.cuda.is_available() else "no GPU that PyTorch can use"
    except NameError:
        return None  # main() names the module


if __name__ == "__main__":
    main(("torch", "python3-torch"), unless=missing())

# SPDX-License-Identifier: MIT
"""icfs.torch: folders, the loader and its ring, crops and flips that follow from a seed, a DataLoader, statistics."""
import dataclasses
import io
import os
import re
import threading

import numpy as np
from PIL import Image

from objects import DENSE, ROOT, SPARSE, Folder, blocks, encode, main, objects, photo, photo_jpegs

import icfs

try:
    import torch
    from icfs import torch as ictorch
    from icfs.torch import Augment, Collate, Loader, PathDataset, Statistics, gpu, statistics
except ImportError:  # main() says so
    pass

PIXELS = icfs.Spec(size=(96, 128), fit="crop")
FREQUENCIES = icfs.Spec(values="frequencies", chroma="apart", dtype="float16", size=(8, 10), fit="crop",
                        whole_blocks=True)


class Torch(Folder):
    def setUp(self):
        super().setUp()
        for number in range(len(photo_jpegs())):
            self.put(f"tree/{'cat' if number % 3 else 'dog'}/{number:02}.ic", photo(SPARSE, number))
        self.put("tree/cat/deeper/nested.IC", photo(SPARSE, 0))
        self.put("tree/cat/label.txt", b"no image")
        self.root = self.dir / "tree"
        self.folder = ictorch.Folder(self.root)

    def batches(self, spec=PIXELS, **options):
        """Copies: the ring is used again."""
        return [[None if part is None else part.clone() for part in batch]
                for batch in Loader(self.folder, spec, 4, **options)]

    def assert_same(self, found, expected):
        self.assertEqual(len(found), len(expected))
        for each, other in zip(found, expected):
            for part, other_part in zip(each, other):
                self.assertTrue(part is other_part is None or torch.equal(part, other_part))


class Written(Torch):
    """What the package and its page say to write runs as it is written, but for the folder."""

    def run_block(self, text):
        block, = blocks(text, "Loader(folder")
        names = {"icfs": icfs, "Folder": ictorch.Folder, "Loader": Loader, "Augment": Augment}
        exec(re.sub(r'Folder\("[^"]*"\)', f"Folder({str(self.root)!r})", block), names)
        self.assertEqual(names["luma"].dtype, torch.float16)
        size = names["spec"].size
        self.assertEqual(names["luma"].shape[2:], size if isinstance(size, tuple) else (size, size))
        self.assertEqual(len(names["luma"]), len(names["targets"]))

    def test_package(self):
        self.run_block(ictorch.__doc__)

    def test_page(self):
        self.run_block((ROOT / "docs/python.md").read_text())


class Folders(Torch):
    def test_classes_and_order(self):
        paths = [os.path.relpath(self.folder.path(index), self.root) for index in range(len(self.folder))]
        self.assertEqual(self.folder.classes, ["cat", "dog"])
        self.assertEqual(paths[-1].split("/")[0], "dog")
        self.assertEqual(set(paths), {str(path.relative_to(self.root)) for path in self.root.rglob("*.[iI][cC]")})
        self.assertEqual([self.folder.classes[target] for target in self.folder.targets],
                         [path.split("/")[0] for path in paths])
        try:
            from torchvision.datasets.folder import make_dataset
        except ImportError:
            return
        expected = make_dataset(str(self.root), {"cat": 0, "dog": 1}, extensions=(".ic",))
        self.assertEqual([(str(self.root / path), int(target)) for path, target in zip(paths, self.folder.targets)],
                         expected)

    def test_what_is_none(self):
        (self.dir / "empty").mkdir()
        self.assertRaises(icfs.ArgumentError, ictorch.Folder, self.dir / "empty")
        (self.root / "bird").mkdir()
        with self.assertRaisesRegex(icfs.ArgumentError, "bird has no .ic file: is it a mount, or an export"):
            ictorch.Folder(self.root)
        self.assertRaises(FileNotFoundError, ictorch.Folder, self.dir / "none")


class Loading(Torch):
    def test_an_epoch_is_what_single_images_are(self):
        for spec in (PIXELS, FREQUENCIES):
            batches = self.batches(spec, augment=Augment("corner"))
            self.assertEqual(len(batches), -(-len(self.folder) // 4))
            index = 0
            for values, chroma, targets in batches:
                for row in range(len(targets)):
                    expected = icfs.open(self.folder.path(index)).tensor(spec)
                    np.testing.assert_array_equal(values[row].numpy(), expected.values)
                    if expected.chroma is not None:
                        np.testing.assert_array_equal(chroma[row].numpy(), expected.chroma)
                    self.assertEqual(targets[row], self.folder.targets[index])
                    index += 1
            self.assertEqual(index, len(self.folder))

    def test_types(self):
        for dtype, kind in (("float16", torch.float16), ("float32", torch.float32), ("uint8", torch.uint8),
                            (torch.float16, torch.float16), (torch.float32, torch.float32)):
            values, chroma, targets = self.batches(icfs.Spec(size=32, fit="crop", dtype=dtype))[0]
            self.assertEqual((values.dtype, chroma, targets.dtype), (kind, None, torch.int64))

    def test_shuffling_follows_from_seed_and_epoch(self):
        augment = Augment("random", flip=True)
        for spec in (PIXELS, FREQUENCIES, dataclasses.replace(PIXELS, size=np.int64(96))):
            options = {"shuffle": True, "augment": augment, "seed": 3}
            first = self.batches(spec, **options)
            self.assert_same(self.batches(spec, threads=3, prefetch=5, **options), first)
            self.assertFalse(torch.equal(torch.cat([batch[0].flatten() for batch in first]).float(),
                                         torch.cat([batch[0].flatten() for batch in
                                                    self.batches(spec, **{**options, "seed": 4})]).float()))
            loader = Loader(self.folder, spec, 4, **options)
            epochs = [torch.cat([batch.targets.clone() for batch in loader]) for _ in range(4)]
            self.assertTrue(all(torch.equal(epoch.sort().values, epochs[0].sort().values) for epoch in epochs))
            self.assertFalse(all(torch.equal(epoch, epochs[0]) for epoch in epochs))
            loader.set_epoch(2)
            self.assertTrue(torch.equal(torch.cat([batch.targets.clone() for batch in loader]), epochs[2]))

    def test_random_crops_and_flips_are_windows_of_the_image(self):
        """Each of many drawn is one of those that there are, and they are not all the same."""
        pixels = [icfs.open(self.folder.path(index)).rgb().transpose(2, 0, 1) for index in range(len(self.folder))]
        size = (pixels[0].shape[1] - 2, pixels[0].shape[2] - 3)
        seen = set()
        for epoch in range(3):
            loader = Loader(self.folder, icfs.Spec(size=size, fit="crop"), len(self.folder),
                            augment=Augment("random", flip=True))
            loader.set_epoch(epoch)
            for values, _, _ in loader:
                for image, found in zip(pixels, values.numpy()):
                    windows = {(top, left, flip): image[:, top:top + size[0], left:left + size[1]][..., ::flip]
                               for top in range(3) for left in range(4) for flip in (1, -1)}
                    seen |= {key for key, window in windows.items() if np.array_equal(window, found)}
                    self.assertTrue(any(np.array_equal(window, found) for window in windows.values()))
        self.assertGreater(len(seen), 12)
        self.assertEqual({flip for _, _, flip in seen}, {1, -1})

    def test_random_crops_of_frequencies_reach_all_places(self):
        from icfs.torch.augment import crop_limits
        layout = icfs.open(photo()).tensor(icfs.Spec(values="frequencies", whole_blocks=True)).values.shape
        limits = crop_limits(self.folder.items, FREQUENCIES)
        self.assertEqual(limits[0].tolist(), [layout[1] - 8, layout[2] - 10, 2])
        drawn = Augment("random").draw(limits[:1].repeat(1000, 0), 1000, torch.Generator().manual_seed(0))
        self.assertEqual(set(drawn.corners[:, 0].tolist()), set(range(0, limits[0, 0] + 1, 2)))
        self.assertEqual(set(drawn.corners[:, 1].tolist()), set(range(0, limits[0, 1] + 1, 2)))

    def test_images_without_a_whole_block(self):
        """Told of when the loader is made, not in the middle of an epoch."""
        Image.new("RGB", (38, 30)).save(held := io.BytesIO(), "JPEG")
        self.put("tree/cat/99.ic", encode(held.getvalue()))
        spec = icfs.Spec("frequencies", size=2, fit="crop or pad", whole_blocks=True)
        count = len(self.folder) + 1
        with self.assertRaisesRegex(icfs.ShapeError, f"^1 of {count} images have no whole block.*: .*/99.ic$"):
            Loader(ictorch.Folder(self.root), spec, 4, augment=Augment("random"), errors="ignore")
        with self.assertRaisesRegex(icfs.ShapeError, "no whole block"):
            list(Loader(ictorch.Folder(self.root), spec, 4))
        Loader(self.folder, spec, 4, augment=Augment("random"))

    def test_a_batch_of_nothing_but_damage(self):
        self.put("tree/dog/99.ic", b"junk")
        targets, values = [], []
        for sample in Loader(ictorch.Folder(self.root), PIXELS, 1, errors="ignore"):
            targets += sample.targets.tolist()
            values.append(bool(sample.values.any()))
        self.assertEqual(targets, [*self.folder.targets.tolist(), -100])
        self.assertEqual(values, [True] * len(self.folder) + [False])

    def test_random_crops_of_grayscale_images_begin_where_those_of_others_do(self):
        """Its chroma is zero, on the grid of the others'."""
        held = io.BytesIO()
        Image.open(io.BytesIO(photo_jpegs()[0])).convert("L").save(held, "JPEG", quality=90)
        self.put("tree/cat/grey.ic", encode(held.getvalue()))
        folder, spec = ictorch.Folder(self.root), dataclasses.replace(FREQUENCIES, components=3, fit="crop or pad")
        for seed in range(5):
            for batch in Loader(folder, spec, 3, augment=Augment("random", flip=True), seed=seed):
                self.assertEqual(batch.chroma.shape[1:], (42, 4, 5))

    def test_resized_crops_are_boxes_resized(self):
        """As torchvision makes them of the same boxes, where it is there."""
        spec = icfs.Spec(size=(40, 30), fit="resize")
        augment = Augment("resized", flip=True)
        pixels = [Image.fromarray(icfs.open(self.folder.path(index)).rgb()) for index in range(len(self.folder))]
        found = torch.cat([values for values, *_ in self.batches(spec, augment=augment, seed=5)])
        self.assertTrue(torch.equal(found, torch.cat([values for values, *_ in self.batches(
            spec, augment=augment, seed=5, threads=3)])))
        sizes = augment.limits(self.folder.items, spec)
        self.assertEqual(sizes.tolist(), [[picture.height, picture.width] for picture in pixels])
        generator = torch.Generator().manual_seed(5 * 0x9E3779B1 % 2**32)
        for start in range(0, len(pixels), 4):
            windows = augment.draw(sizes[start:start + 4], len(sizes[start:start + 4]), generator)
            for number, (box, flip) in enumerate(zip(windows.boxes.tolist(), windows.flips), start):
                top, left, height, width = box
                expected = np.asarray(pixels[number].crop((left, top, left + width, top + height)).resize(
                    (30, 40), Image.Resampling.BILINEAR))[:, ::-1 if flip else 1]
                np.testing.assert_array_equal(found[number].permute(1, 2, 0).numpy(), expected)
        self.assertEqual(Collate(spec, augment)([(self.folder.path(0), 0)]).values.shape, (1, 3, 40, 30))

    def test_boxes_are_drawn_as_torchvision_draws_them(self):
        """Within their limits, over all of them; where none fits, the largest in the middle."""
        draw = Augment("resized").draw
        for rows, columns in ((375, 500), (64, 64), (20, 300), (300, 20), (1, 1), (1, 900)):
            sizes = np.full((4000, 2), (rows, columns), np.int64)
            top, left, height, width = draw(sizes, 4000, torch.Generator().manual_seed(1)).boxes.T
            self.assertTrue(((top >= 0) & (left >= 0) & (height > 0) & (width > 0)).all())
            self.assertTrue(((top + height <= rows) & (left + width <= columns)).all())
            if min(rows, columns) >= 64:
                area, ratio = height * width / (rows * columns), width / height
                self.assertTrue(((area > 0.07) & (ratio > 0.7) & (ratio < 1.4)).all())
                self.assertLess(area.min(), 0.1)
                self.assertGreater(area.max(), 0.9 if rows == columns else 0.75)
                self.assertLess(abs(np.log(ratio).mean()), 0.03 if rows == columns else 0.06)
                self.assertLess(top.min() + left.min(), 3)
        self.assertEqual(draw(np.array([[20, 3000]]), 1, torch.Generator()).boxes.tolist(), [[0, 1486, 20, 27]])
        self.assertEqual(draw(np.array([[0, 0]]), 1, torch.Generator()).boxes.tolist(), [[0, 0, 1, 1]])

    def test_evaluation_is_that_of_torchvision(self):
        try:
            from torchvision import transforms
        except ImportError:
            self.skipTest("no torchvision for this Python; it comes with python3-torchvision")
        whole, middle = icfs.Spec(size=(50, 41), fit="resize"), icfs.Spec(size=(64, 60), fit="resize", short_side=73)
        for spec, transform in ((whole, transforms.Resize((50, 41))),
                                (middle, transforms.Compose([transforms.Resize(73), transforms.CenterCrop((64, 60))]))):
            found = torch.cat([values for values, *_ in self.batches(spec)])
            for index, values in enumerate(found):
                picture = Image.fromarray(icfs.open(self.folder.path(index)).rgb())
                np.testing.assert_array_equal(values.permute(1, 2, 0).numpy(), np.asarray(transform(picture)))

    def test_the_ring_is_used_again_and_what_is_kept_is_not(self):
        for keep in (1, 3):
            pointers, held = set(), []
            for batch in Loader(self.folder, PIXELS, 2, prefetch=2, keep=keep):
                held.append((batch, batch.values.clone()))
                held = held[-keep:]
                for kept, expected in held:
                    self.assertTrue(torch.equal(kept.values, expected))
                pointers.add(batch.values.data_ptr())
            self.assertLessEqual(len(pointers), 2 + keep)
            self.assertLess(len(pointers), len(Loader(self.folder, PIXELS, 2)))

    def test_what_is_kept_is_kept_into_the_next_epoch(self):
        """The second epoch is decoded to its end, into all places that it may have, before what is kept is looked at."""
        count = -(-len(self.folder) // 2)
        for keep in (1, 2, 3):
            for seen in (1, count):
                loader = Loader(self.folder, PIXELS, 2, shuffle=True, prefetch=count, keep=keep)
                first = iter(loader)
                held = [(batch, batch.values.clone()) for batch in (next(first) for _ in range(seen))]
                self.assertFalse(list(first) if seen == count else first.close())
                self.assertTrue(all(torch.equal(batch.values, values) for batch, values in held[-keep:]))
                second = iter(loader)
                held.append((batch := next(second), batch.values.clone()))
                for thread in threading.enumerate():
                    if thread.name == "icfs loader":
                        thread.join()
                self.assertTrue(all(torch.equal(batch.values, values) for batch, values in held[-keep:]))
                self.assertEqual(len(list(second)), count - 1)
                self.assertEqual(len(loader._rings), 1)

    def test_the_last_batch(self):
        count = len(self.folder)
        loader = Loader(self.folder, PIXELS, count - 1)
        self.assertEqual([len(batch.targets) for batch in loader], [count - 1, 1])
        self.assertEqual(len(loader), 2)
        self.assertEqual([len(batch.targets) for batch in Loader(self.folder, PIXELS, count - 1, drop_last=True)],
                         [count - 1])
        self.assertEqual([len(batch.targets) for batch in Loader(self.folder, PIXELS, 1000)], [count])

    def test_an_iteration_that_is_left_ends_its_threads(self):
        before = threading.active_count()
        for _ in range(3):
            for _ in Loader(self.folder, PIXELS, 1):
                break
        iterator = iter(Loader(self.folder, PIXELS, 1))
        next(iterator)
        self.assertGreater(threading.active_count(), before)
        iterator.close()
        self.assertEqual(threading.active_count(), before)

    def test_damaged_files(self):
        index = 5
        with open(self.folder.path(index), "r+b") as file:
            file.truncate(100)
        with self.assertRaisesRegex(icfs.TruncatedError, os.path.basename(self.folder.path(index))):
            self.batches()
        targets = torch.cat([batch[2] for batch in self.batches(errors="ignore")])
        self.assertEqual((targets == -100).nonzero().flatten().tolist(), [index])
        self.assertFalse(self.batches(errors="ignore")[1][0][1].any())

    def test_what_is_ignored_is_damage_alone(self):
        """Files that are gone, and images of another size or design, are no damage."""
        with open(self.folder.path(5), "r+b") as file:
            file.truncate(100)
        loader = Loader(self.folder, PIXELS, 4, errors="ignore")
        self.assertEqual(sum(int((batch.targets == -100).sum()) for batch in loader), 1)
        self.assertEqual(list(loader.ignored), [5])
        self.assertIsInstance(loader.ignored[5], icfs.TruncatedError)
        self.assertIn(self.folder.path(5), str(loader.ignored[5]))
        self.put(os.path.relpath(self.folder.path(3), self.dir), photo("s1x1-b8-k3-q8"))
        with self.assertRaises(icfs.ShapeError):
            self.batches(FREQUENCIES, errors="ignore")
        os.unlink(self.folder.path(4))
        with self.assertRaises(FileNotFoundError):
            self.batches(errors="ignore")

    def test_sources_that_were_damaged_are_told(self):
        cut = photo_jpegs()[0]
        self.put(os.path.relpath(self.folder.path(2), self.dir), encode(cut[:len(cut) * 2 // 3], SPARSE))
        loader = Loader(self.folder, PIXELS, 2, prefetch=20)
        for number, _ in enumerate(loader):
            self.assertEqual(loader.flags, {2: icfs.TRUNCATED} if number else {})

    def test_parts_of_an_epoch(self):
        world, count = 3, len(self.folder) // 3
        for shuffle in False, True:
            loaders = [Loader(self.folder, PIXELS, 2, shuffle=shuffle, seed=4, rank=rank, world=world) for rank in range(world)]
            plans = [np.concatenate([plan.indices for plan in loader._plans(1)]) for loader in loaders]
            self.assertEqual([len(plan) for plan in plans], [count] * world)
            self.assertEqual(len(set(np.concatenate(plans).tolist())), count * world)
            self.assertEqual([sum(len(batch.targets) for batch in loader) for loader in loaders], [count] * world)
            self.assertEqual([len(loader) for loader in loaders], [-(-count // 2)] * world)
        for rank, world in ((1, 1), (-1, 2), (0, 0), (0, len(self.folder) + 1)):
            with self.assertRaises(icfs.ArgumentError):
                Loader(self.folder, PIXELS, 2, rank=rank, world=world)

    def test_an_iteration_does_not_survive_a_fork(self):
        iterator = iter(Loader(self.folder, PIXELS, 1))
        next(iterator)
        child = os.fork()
        if not child:
            try:
                next(iterator)
            except icfs.Error:
                os._exit(7)
            os._exit(1)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 7)
        self.assertEqual(len(list(iterator)), len(self.folder) - 1)

    def test_statistics_and_a_dataloader_go_on_without_damaged_files(self):
        whole = statistics(self.folder)
        for index in 0, 5:
            with open(self.folder.path(index), "r+b") as file:
                file.truncate(100)
        with self.assertRaises(icfs.TruncatedError):
            statistics(self.folder)
        found = statistics(self.folder, errors="ignore")
        self.assertEqual((found.design, found.images), (whole.design, whole.images - 2))
        self.assertEqual(statistics(self.folder, 3, errors="ignore").images, 3)
        samples = [PathDataset(self.folder)[index] for index in range(8)]
        with self.assertRaises(icfs.TruncatedError):
            Collate(PIXELS)(samples)
        targets = Collate(PIXELS, errors="ignore")(samples).targets
        self.assertEqual((targets == -100).nonzero().flatten().tolist(), [0, 5])
        os.unlink(self.folder.path(1))
        with self.assertRaises(FileNotFoundError):
            Collate(PIXELS, errors="ignore")(samples)

    def test_what_a_gpu_is_given(self):
        """Each path that cannot be read costs its own place, and errors name files."""
        good, bad = self.folder.path(0), str(self.dir / "bad.ic")
        self.put("bad.ic", b"no object")
        found = gpu._contents([bad, good, self.dir / "none.ic", photo()], None)
        self.assertEqual([len(content) > 0 for content in found.contents], [True, True, False, True])
        self.assertEqual(found.paths, [bad, good, str(self.dir / "none.ic"), None])
        self.assertEqual([(index, type(error)) for index, error in found.failed.items()], [(2, FileNotFoundError)])
        self.assertEqual(str(gpu._first_design(icfs.Items(found.contents), found.paths, found.failed)), SPARSE)
        with self.assertRaisesRegex(icfs.CorruptError, "bad.ic: "):
            gpu._first_design(icfs.Items(found.contents[:1]), found.paths, {})
        with self.assertRaises(FileNotFoundError):
            gpu._first_design(icfs.Items(found.contents[2:3]), found.paths[2:3], {0: found.failed[2]})

    def test_a_sparser_design(self):
        sparse = self.batches(FREQUENCIES, design="s2x2-b8-k2-q8")
        self.assertEqual(sparse[0][0].shape[1], 3)
        self.assertTrue(torch.equal(sparse[0][0], self.batches(FREQUENCIES)[0][0][:, :3]))

    def test_numbers_of_every_type(self):
        options = {"threads": 2, "prefetch": 3, "keep": 2, "seed": 5}
        loader = Loader(self.folder, PIXELS, np.int64(4), shuffle=True, **{name: np.int16(options[name]) for name in options})
        loader.set_epoch(np.uint8(1))
        expected = Loader(self.folder, PIXELS, 4, shuffle=True, seed=5)
        expected.set_epoch(1)
        for found, batch in zip(loader, expected):
            self.assertTrue(torch.equal(found.values, batch.values))

    def test_what_cannot_be(self):
        nan, inf = float("nan"), float("inf")
        for spec, options in ((icfs.Spec(), {"augment": Augment("random")}), (PIXELS, {"augment": Augment("middle")}),
                              (icfs.Spec(values="frequencies", size=8, fit="crop"), {"augment": Augment(flip=True)}),
                              (PIXELS, {"augment": Augment("resized")}),
                              (icfs.Spec(size=8, fit="resize"), {"augment": Augment("random")}),
                              (icfs.Spec(size=8, fit="resize"), {"augment": Augment("resized", scale=(0, 1))}),
                              (icfs.Spec(size=8, fit="resize"), {"augment": Augment("resized", ratio=(2, 1))}),
                              (icfs.Spec(size=8, fit="resize", short_side=9), {"augment": Augment("resized")}),
                              *((PIXELS, {"augment": Augment(scale=scale)}) for scale in (None, 0.5, "01", (0.5,), (1, "1"))),
                              *((PIXELS, {"augment": Augment(ratio=ratio)}) for ratio in (1, (nan, 1), (1, inf), (1, 2, 3))),
                              *((PIXELS, {name: value}) for value in (0, -1, 1.5, nan, "2", None)
                                for name in ("batch_size", "threads", "prefetch", "keep")),
                              *((PIXELS, {"seed": seed}) for seed in (None, "1", 1.5)),
                              (PIXELS, {"errors": "skip"}), (PIXELS, {"design": 5})):
            with self.assertRaises(icfs.ArgumentError, msg=f"{spec} {options}"):
                Loader(self.folder, spec, **{"batch_size": 4, **options})
        for epoch in (None, "1", 1.5):
            self.assertRaises(icfs.ArgumentError, Loader(self.folder, PIXELS, 4).set_epoch, epoch)
        for folder, spec, augment in ((str(self.root), PIXELS, Augment()), (self.folder, None, Augment()),
                                      (self.folder, PIXELS, "random")):
            with self.assertRaisesRegex(icfs.ArgumentError, "a Loader takes a Folder, a Spec and an Augment, not "):
                Loader(folder, spec, 4, augment=augment)
        for sources in (self.folder.path(0), bytearray(photo()), icfs.open(photo()), None, [7]):
            self.assertRaises(icfs.ArgumentError, ictorch.decode, sources, device="cuda:0")

    def test_memory_is_shared_by_dlpack(self):
        batch = icfs.decode_batch([photo()], icfs.Spec(dtype="float16"))
        tensor = torch.from_dlpack(batch.values)
        self.assertEqual(tensor.data_ptr(), batch.values.ctypes.data)
        out = torch.empty(1, *batch.values.shape[1:], dtype=torch.float16)
        icfs.decode_batch([photo()], icfs.Spec(dtype="float16"), out=out.numpy())
        self.assertTrue(torch.equal(out, tensor))


class ByDataLoader(Torch):
    def test_same_batches(self):
        for workers in (0, 2):
            loader = torch.utils.data.DataLoader(PathDataset(self.folder), 4, collate_fn=Collate(PIXELS),
                                                 num_workers=workers)
            self.assert_same(list(loader), self.batches())

    def test_workers_of_every_kind(self):
        """Those that are no forks get the data set as a pickle."""
        for context in ("spawn", "forkserver"):
            loader = torch.utils.data.DataLoader(PathDataset(self.folder), 4, collate_fn=Collate(PIXELS),
                                                 num_workers=1, multiprocessing_context=context)
            self.assert_same(list(loader), self.batches())

    def test_random_crops(self):
        torch.manual_seed(0)
        loader = torch.utils.data.DataLoader(PathDataset(self.folder), 4, shuffle=True,
                                             collate_fn=Collate(FREQUENCIES, Augment("random", flip=True)))
        batches = list(loader)
        self.assertEqual(sum(len(batch.targets) for batch in batches), len(self.folder))
        self.assertEqual(batches[0].chroma.shape, (4, 42, 4, 5))

    def test_flips_in_workers(self):
        for spec in (PIXELS, FREQUENCIES):
            data = PathDataset(self.folder)
            paths = [path for path, _ in (data[index] for index in range(len(data)))]
            plain, flipped = (icfs.decode_batch(paths, spec, corners="center", flips=[flip] * len(paths)).values
                              for flip in (False, True))
            self.assertFalse(np.array_equal(plain, flipped))
            loader = torch.utils.data.DataLoader(data, 4, num_workers=2, collate_fn=Collate(spec, Augment(flip=True)),
                                                 generator=torch.Generator().manual_seed(1))
            found = torch.cat([batch[0] for batch in loader]).numpy()
            kinds = {(np.array_equal(image, one), np.array_equal(image, other))
                     for image, one, other in zip(found, plain, flipped)}
            self.assertEqual(kinds, {(True, False), (False, True)})

    def test_indices(self):
        data = PathDataset(self.folder)
        self.assertEqual(data[0], data[-len(data)])
        self.assertRaises(IndexError, data.__getitem__, len(data))


class OfFrequencies(Torch):
    def test_values_become_normal(self):
        found = statistics(self.folder)
        self.assertEqual((found.images, found.mean.shape), (len(self.folder), (3, 21)))
        for chroma in ("apart", "repeated"):
            mean, std = found.arranged(chroma)
            spec = icfs.Spec(values="frequencies", chroma=chroma, mean=mean, std=std)
            batch = icfs.decode_batch(self.folder.items, spec)
            parts = [part for part in batch[:2] if part is not None]
            for part in parts if chroma == "apart" else []:  # repetition weighs blocks at odd edges less
                np.testing.assert_allclose(part.mean((0, 2, 3)), 0, atol=1e-3)
                np.testing.assert_allclose(part.std((0, 2, 3)), 1, atol=1e-3)
            self.assertEqual(sum(part.shape[1] for part in parts), 63)
            for part in parts:
                self.assertLess(np.abs(part.mean((0, 2, 3))).max(), 0.1)

    def test_files(self):
        found = statistics(self.folder, images=5, seed=2)
        path = self.dir / "statistics.json"
        found.save(path)
        again = Statistics.load(path)
        self.assertEqual((again.design, again.images), (found.design, 5))
        np.testing.assert_array_equal(again.mean, found.mean)
        np.testing.assert_array_equal(again.std, found.std)
        for text in ("", "{}", "[]", path.read_text().replace("k6", "k5"), path.read_text()[:-5],
                     path.read_text().replace('"images": 5', '"images": 1e999')):
            path.write_text(text)
            self.assertRaises(icfs.CorruptError, Statistics.load, path)

    def test_sparser_designs_and_luma(self):
        found = statistics(self.folder)
        mean, _ = found.arranged("apart", design="s2x2-b8-k2-q8")
        np.testing.assert_array_equal(mean[:3], found.mean[0, :3])
        np.testing.assert_array_equal(mean[3:], found.mean[1:, :3].T.ravel())
        self.assertEqual(len(found.arranged(components=1)[0]), 21)
        self.assertRaises(icfs.ArgumentError, found.arranged, design="s2x2-b8-k7-q8")
        self.assertRaises(icfs.ArgumentError, found.arranged, design="s2x2-b16-k2-q8")
        self.assertRaises(icfs.ArgumentError, found.arranged, design=5)
        self.assertRaises(icfs.ArgumentError, found.arranged, "beside")

    def test_what_cannot_be(self):
        for options in ({"images": 0}, {"images": -1}, {"images": 5.5}, {"images": None}, {"seed": 1.5}, {"seed": None}):
            with self.assertRaises(icfs.ArgumentError, msg=str(options)):
                statistics(self.folder, **options)

    def test_grayscale_counts_for_luma(self):
        self.put("gray/all/0.ic", objects()["grayscale"])
        gray = statistics(ictorch.Folder(self.dir / "gray"))
        self.assertEqual(gray.mean.shape, (1, 21))
        with self.assertRaisesRegex(icfs.ArgumentError, "are grayscale: components=1"):
            gray.arranged("apart")
        self.assertEqual(gray.arranged("apart", components=1)[0].shape, (21,))
        self.put("gray/all/1.ic", photo())
        self.assertEqual(statistics(ictorch.Folder(self.dir / "gray")).mean.shape, (3, 21))
        self.put("gray/all/2.ic", photo(DENSE))
        self.assertRaises(icfs.ArgumentError, statistics, ictorch.Folder(self.dir / "gray"))


if __name__ == "__main__":
    main(("torch", "python3-torch"))

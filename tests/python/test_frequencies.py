# SPDX-License-Identifier: MIT
"""scripts/train_frequency.py: what a channel is, mirrored maps, weights that pass from design to design, chosen
frequencies, and that it trains equally under a seed."""
import argparse
import csv
import io
import os
import subprocess
import sys

import numpy as np
from PIL import Image

from objects import DENSE, ICFS, MKIMAGES, ROOT, SPARSE, Folder, encode, main, photo, photo_jpegs, run

import icfs

try:
    import torch
    from icfs import torch as ictorch
    from icfs.torch import Augment, Channel, Loader, carry, channels, gathered
    sys.path.append(str(ROOT / "scripts"))
    import train
    from frequency_choice import PUBLISHED, parse_choice, published
    from train_frequency import Batches, Frequencies, Input, Maps, mirror
except ImportError:  # main() says so
    pass

SCRIPT = ROOT / "scripts" / "train_frequency.py"
CLASSES, SIZE = 3, 64
NETWORKS = ("mobilenet_v3_small", "resnet18", "vit_small")
ALL = (*NETWORKS, "resnet50", "mobilenet_v3_large", "efficientnet_b0")


def network(name, design, components=3, seed=0, chosen=None):
    torch.manual_seed(seed)
    return Frequencies(name, CLASSES, Input(icfs.Design.parse(design), components, SIZE).narrowed(chosen))


def maps_for(model, count=4, seed=1):
    given, generator = model.given, torch.Generator().manual_seed(seed)
    values, chroma = given.channels
    rows, columns = (places * given.gather for places in given.places)
    shapes = [(len(values), rows, columns)] + ([(len(chroma), rows // 2, columns // 2)] if chroma else [])
    return Maps(torch.randn(count, *shape, generator=generator) for shape in shapes)


def trained(name, design, components=3, chosen=None):
    """One whose norms and biases are no longer those of a new one."""
    model = network(name, design, components, chosen=chosen)
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)
    for step in range(2):
        model(maps_for(model, seed=step)).square().mean().backward()
        optimizer.step()
    return model


class Channels(Folder):
    def test_they_are_what_is_decoded(self):
        for design in (SPARSE, "s1x1-b8-k9-q5-c1", "s4x2-b4-k3-q3", "s1x1-b16-k12-q6"):
            with self.subTest(design):
                image = icfs.open(photo(design))
                for chroma, components in (("apart", 3), ("repeated", 3), ("repeated", 1)):
                    kinds = channels(design, components, chroma)
                    found = image.tensor(icfs.Spec("frequencies", chroma=chroma, components=components))
                    for maps, each in zip((found.values, found.chroma), kinds):
                        self.assertEqual(0 if maps is None else len(maps), len(each))
                        for channel, plane in zip(each, [] if maps is None else maps):
                            at = image.frequencies.index((channel.u, channel.v))
                            expected = image.coefficients(channel.component)[at]
                            if chroma == "repeated" and channel.component and image.design.chroma == 2:
                                expected = expected.repeat(2, 0).repeat(2, 1)[:plane.shape[0], :plane.shape[1]]
                            np.testing.assert_array_equal(plane, expected)
        for wrong in ({"chroma": "none"}, {"components": 2}):
            with self.assertRaises(icfs.ArgumentError):
                channels(SPARSE, **wrong)

    def test_gathered_blocks(self):
        maps = torch.arange(2 * 4 * 6).reshape(1, 2, 4, 6)
        kinds = gathered([Channel(0, 0, 0), Channel(0, 1, 0)], 2)
        for channel, plane in zip(kinds, torch.nn.functional.pixel_unshuffle(maps, 2)[0]):
            self.assertEqual(channel.across, 2)
            self.assertTrue(torch.equal(plane, maps[0, channel.u, channel.row::2, channel.column::2]))

    def test_carry(self):
        a, b, c = (Channel(0, u, 0) for u in range(3))
        values, found = torch.tensor([[1.0, 2.0]]), torch.tensor([[5.0, 6.0]])
        self.assertEqual(carry(values, [a, b], found, [b, c], 1).tolist(), [[1, 5]])
        self.assertEqual(carry(values, [a, b], found, [b, c], 1, new=0).tolist(), [[0, 5]])
        self.assertEqual(carry(values, [a, b], found[:, :1], [c], 1, new=0).tolist(), [[1, 2]])
        for wrong in (([a], [b, c]), ([a, b], [c])):
            with self.assertRaises(icfs.ArgumentError):
                carry(values, wrong[0], found, wrong[1], 1)

    def test_mirrored_as_the_library_does(self):
        for number in range(2):
            self.put(f"tree/a/{number}.ic", photo(SPARSE, number))
        folder = ictorch.Folder(self.dir / "tree")
        spec = icfs.Spec("frequencies", "float32", chroma="apart", components=3, size=(8, 10), fit="crop",
                         whole_blocks=True)
        plain = next(iter(Loader(folder, spec, 2, augment=Augment("corner"))))
        for seed in range(2, 9):  # until both are
            flipped = next(iter(Loader(folder, spec, 2, augment=Augment("corner", flip=True), seed=seed)))
            chosen = torch.tensor([not torch.equal(*pair) for pair in zip(plain.values, flipped.values)])
            for maps, expected, kinds in zip(plain[:2], flipped[:2], channels(SPARSE, chroma="apart")):
                maps = maps.clone()
                mirror(maps, chosen, kinds)
                self.assertTrue(torch.equal(maps, expected))
            if chosen.all():
                return
        self.fail("none mirrored both")


class Passing(Folder):
    def passed(self, model, design, components=3, chosen=None):
        model.save(self.dir / "weights.pt")
        other = network(model.name, design, components, seed=5, chosen=chosen)
        other.load(self.dir / "weights.pt")
        return other.eval()

    def test_the_same_design_goes_on(self):
        for name in ALL:
            with self.subTest(name):
                model = trained(name, SPARSE).eval()
                other = self.passed(model, SPARSE)
                given = maps_for(model)
                self.assertTrue(torch.equal(other(given), model(given)))

    def test_more_frequencies_begin_with_what_was_learnt_without_them(self):
        for name in NETWORKS:
            for sparse, dense in (("s2x2-b8-k3-q8", SPARSE), ("s1x1-b8-k3-q8-c1", "s1x1-b8-k4-q8-c1")):
                with self.subTest(name, design=dense):
                    model = trained(name, sparse).eval()
                    other = self.passed(model, dense)
                    given = maps_for(other)
                    kept = Maps(maps[:, [kinds.index(kind) for kind in wanted]]
                                for maps, kinds, wanted in zip(given, *(
                                    channels(design, chroma="apart" if icfs.Design.parse(design).chroma == 2 else "repeated")
                                    for design in (dense, sparse))))
                    torch.testing.assert_close(other(given), model(kept), rtol=1e-4, atol=1e-5)
                    other.train()(given).square().sum().backward()
                    first = next(p for key, p in other.named_parameters()
                                 if key.endswith(("stem.convolution.weight", "embedding.weight")))
                    new = (first == 0).flatten(2).all(2).all(0)
                    self.assertEqual(int(new.sum()), first.shape[1] - sum(map(len, model.kinds)))
                    self.assertTrue((first.grad[:, new].abs().flatten(2).amax((0, 2)) > 0).all())

    def test_fewer_frequencies_keep_theirs(self):
        model = trained("resnet18", SPARSE)
        other = self.passed(model, "s2x2-b8-k3-q8")
        kept = [sum(model.kinds, []).index(kind) for kind in sum(other.kinds, [])]
        weights, found = (m.model.stem.convolution.weight for m in (model, other))
        self.assertTrue(torch.equal(found, weights[:, kept]))
        for norm in ("luma_norm", "chroma_norm"):
            norms = [getattr(m.model.stem, norm) for m in (model, other)]
            size = len(norms[1].running_mean)
            self.assertTrue(torch.equal(norms[1].running_mean, norms[0].running_mean[:size]))
            self.assertTrue(torch.equal(norms[1].bias, norms[0].bias[:size]))

    def test_every_pair_of_kinds_passes_all_else(self):
        """Other samplings, block sizes, chroma, and grayscale."""
        kinds = ((DENSE, 3), ("s4x2-b8-k6-q8", 3), ("s1x1-b4-k3-q8", 3), ("s2x2-b16-k6-q6", 3), ("s4x4-b32-k2-q4", 3),
                 ("s2x2-b8-k6-q8-c1", 3), ("s1x1-b8-k9-q8-ol", 3), (SPARSE, 1))
        for name in ("mobilenet_v3_small", "vit_small"):
            for before, after in zip(kinds, (*kinds[1:], kinds[0])):
                with self.subTest(name, before=before, after=after):
                    model = trained(name, *before)
                    other = self.passed(model, *after)
                    self.assertEqual(other(maps_for(other)).shape, (4, CLASSES))
                    state, found = model.model.state_dict(), other.model.state_dict()
                    same = [key for key in found if not key.startswith(("stem.", "embedding.weight", "position"))]
                    self.assertGreater(len(same), 50)
                    for key in same:
                        self.assertTrue(torch.equal(state[key], found[key]), key)

    def test_another_size_of_blocks(self):
        """Blocks of 16 have those of 8 as their lowest frequencies. Gathered ones of 4 have none in common."""
        model = trained("mobilenet_v3_small", "s2x2-b8-k3-q8")
        other = self.passed(model, "s1x1-b16-k3-q8")
        self.assertTrue(torch.equal(*(m.model.stem.convolution.weight for m in (model, other))))
        other, new = self.passed(model, "s2x2-b4-k3-q8"), network(model.name, "s2x2-b4-k3-q8", seed=5)
        self.assertTrue(torch.equal(*(m.model.stem.convolution.weight for m in (new, other))))

    def test_positions_are_interpolated(self):
        model = trained("vit_small", DENSE)
        with torch.no_grad():
            rows = model.model.position.shape[2]
            model.model.position.copy_(torch.arange(rows)[:, None].expand_as(model.model.position))
        found = self.passed(model, SPARSE).model.position
        self.assertEqual(found.shape[2], rows // 2)
        torch.testing.assert_close(found[0, 0, :, 0], torch.arange(rows // 2) * 2 + 0.5)

    def test_a_sparser_design_is_a_smaller_input(self):
        places = {design: network("mobilenet_v3_small", design).given.places
                  for design in (DENSE, SPARSE, "s4x2-b8-k6-q8", "s1x1-b4-k3-q8", "s2x2-b16-k6-q6")}
        self.assertEqual(list(places.values()), [(8, 8), (4, 4), (4, 2), (8, 8), (2, 2)])


class Chosen(Folder):
    """Of the frequencies of a design, some."""

    def test_what_was_published(self):
        """Zigzag-like corners of low frequencies, of luma more than of chroma, as many as their names say."""
        for name in PUBLISHED:
            chosen = published(name)
            self.assertEqual(len(chosen), int(name.rpartition("-")[2]))
            self.assertEqual(*({kind[1:] for kind in chosen if kind[0] == component} for component in (1, 2)))
            for component, u, v in chosen:  # with each all below it
                self.assertTrue({(component, x, y) for x in range(u + 1) for y in range(v + 1)} <= chosen)
        self.assertEqual(published("cvpr2020-24"), {(0, u, v) for u in range(4) for v in range(4)} |
                         {(c, u, v) for c in (1, 2) for u in range(2) for v in range(2)})
        self.assertIn((0, 6, 1), published("cvpr2020-64"))
        self.assertNotIn((0, 6, 2), published("cvpr2020-64"))

    def test_one_by_one(self):
        self.assertEqual(parse_choice("Y0.0,Cb10.2,Cr0.1"), {(0, 0, 0), (1, 10, 2), (2, 0, 1)})
        for text in ("", "Y0.0,", "Y0", "y0.0", "Y-1.0", "Y0.0 Y1.0", "Y100.0", "cvpr2020-25", "Y\u0661.0"):
            with self.subTest(text), self.assertRaises(argparse.ArgumentTypeError):
                parse_choice(text)

    def test_no_more_is_read_than_holds_them(self):
        for name, keep in (("cvpr2020-24", 7), ("cvpr2020-64", 12)):
            given = Input(icfs.Design.parse(DENSE), 3, SIZE).narrowed(published(name))
            self.assertEqual((given.design.keep, sum(map(len, given.channels))), (keep, int(name[-2:])))
        luma = Input(icfs.Design.parse(DENSE), 3, SIZE).narrowed(parse_choice("Y1.0,Y2.1"))
        self.assertEqual((luma.design.keep, luma.components, luma.chroma), (4, 1, "repeated"))
        self.assertEqual(luma.channels, ([Channel(0, 1, 0), Channel(0, 2, 1)], []))
        sparser = Input(icfs.Design.parse("s2x2-b8-k3-q8"), 3, SIZE).narrowed(published("cvpr2020-24"))
        self.assertEqual([len(kinds) for kinds in sparser.channels], [6, 8])
        for text in ("Cb0.0", "Y9.9"):
            with self.subTest(text), self.assertRaisesRegex(SystemExit, "nothing of luma"):
                Input(icfs.Design.parse(DENSE), 3, SIZE).narrowed(parse_choice(text))

    def test_the_network_is_shown_them_alone(self):
        """Equal to all that is decoded, at the chosen places, mirrored or not."""
        chosen = parse_choice("Y0.0,Y1.0,Y3.1,Cb1.0,Cb0.0,Cr0.1")
        for design in (DENSE, "s1x1-b8-k9-q8-c1", "s2x2-b16-k12-q6"):
            with self.subTest(design):
                for number in range(2):
                    self.put(f"{design}/a/{number}.ic", photo(design, number))
                folder = ictorch.Folder(self.dir / design)
                found = ictorch.statistics(folder)
                whole = Input(found.design, 3, SIZE)
                some = whole.narrowed(chosen)
                shown = [next(iter(Batches(Loader(folder, given.spec(found), 2, design=given.design), given, 7)))[0]
                         for given in (whole, some)]
                for every, part, kinds, kept in zip(*shown, whole.channels, some.channels):
                    self.assertEqual(set(kept), {kind for kind in kinds if kind[:3] in chosen})
                    self.assertTrue(torch.equal(part, every[:, [kinds.index(kind) for kind in kept]]))

    def test_weights_pass_on(self):
        some, more = (published(f"cvpr2020-{count}") for count in (24, 64))
        for name in NETWORKS:
            with self.subTest(name):
                model = trained(name, DENSE, chosen=some).eval()
                given = maps_for(model)
                same = Passing.passed(self, model, DENSE, chosen=some)
                self.assertTrue(torch.equal(same(given), model(given)))
                other = Passing.passed(self, model, DENSE, chosen=more)
                more_given = maps_for(other)
                kept = Maps(maps[:, [kinds.index(kind) for kind in wanted]] for maps, kinds, wanted in
                            zip(more_given, other.given.channels, model.given.channels))
                torch.testing.assert_close(other(more_given), model(kept), rtol=1e-4, atol=1e-5)


class Frozen(Folder):
    def test_it_judges_as_the_other(self):
        for name in NETWORKS:
            for design in (SPARSE, "s1x1-b8-k9-q5-c1"):
                with self.subTest(name, design=design):
                    model = trained(name, design)
                    batches = [(maps_for(model, count), None) for count in (4, 3)]
                    frozen = train.frozen(model, batches, torch.device("cpu"))
                    self.assertEqual(list(frozen.parameters()), [])
                    for maps, _ in batches * 2:
                        torch.testing.assert_close(frozen(maps), model(maps), rtol=1e-4, atol=1e-5)


class Script(Folder):
    OPTIONS = ("--model", "mobilenet_v3_small", "--epochs", "2", "--size", "96", "--batch", "4", "--device", "cpu")

    def setUp(self):
        super().setUp()
        self.env = {**os.environ, "OMP_NUM_THREADS": "1"}
        for design in (SPARSE, "s2x2-b8-k3-q8"):
            for number, jpeg in enumerate(photo_jpegs()):
                for split in ("train", "val"):
                    self.put(f"{design}/{split}/{'ab'[2 * number // len(photo_jpegs())]}/{number}.ic", encode(jpeg, design))

    def script(self, design, *options):
        lines = run(sys.executable, SCRIPT, self.dir / design, *self.OPTIONS, *options, env=self.env)
        lines = lines.decode().splitlines()
        return dict(line.split("=") for line in lines if "=" in line)

    def test_equal_under_a_seed_and_passed_on(self):
        paths = [self.dir / name / "weights.pt" for name in "abc"]  # the name is in the file
        for path in paths:
            path.parent.mkdir()
        told = [self.script(SPARSE, "--seed", seed, "--workers", workers, "--save", path)
                for seed, workers, path in zip((0, 0, 1), (0, 3, 1), paths)]
        content = [path.read_bytes() for path in paths]
        self.assertEqual(content[0], content[1])
        self.assertNotEqual(content[0], content[2])
        self.assertEqual(list(told[0]), ["accuracy", "images_per_s", "bytes_read", "wait_share", "train_s", "infer_s",
                                     "test_s"])
        self.assertEqual(int(told[0]["bytes_read"]), sum(path.stat().st_size for path in
                                                         (self.dir / SPARSE / "train").rglob("*.ic")))
        self.assertTrue(all(float(told[0][name]) > 0 for name in ("images_per_s", "train_s", "infer_s")))
        again = self.script(SPARSE, "--epochs", "0", "--init", paths[0])
        self.assertEqual(again["accuracy"], told[0]["accuracy"])
        self.assertNotIn("train_s", again)
        self.assertTrue(0 <= float(self.script("s2x2-b8-k3-q8", "--init", paths[0])["accuracy"]) <= 1)

    def test_chosen_channels(self):
        weights = self.dir / "weights.pt"
        told = self.script(SPARSE, "--channels", "Y0.0,Y1.0,Cb0.0", "--save", weights)
        kept = torch.load(weights, map_location="cpu", weights_only=True)
        self.assertEqual(kept["weights"]["stem.convolution.weight"].shape[1], 3)
        again = self.script(SPARSE, "--channels", "Cb0.0,Y1.0,Y0.0", "--epochs", "0", "--init", weights)
        self.assertEqual(again["accuracy"], told["accuracy"])
        self.assertIn("nothing of luma is chosen that s2x2-b8-k6-q8 has", self.refused("--channels", "Y7.7"))

    def test_it_learns(self):
        """Pictures from dark ones."""
        for path in (self.dir / SPARSE).rglob("*.ic"):
            path.unlink()
        for number, jpeg in enumerate(photo_jpegs()):
            held = io.BytesIO()
            Image.open(io.BytesIO(jpeg)).point(lambda value: value // 4).save(held, "JPEG", quality=90)
            for split in ("train", "val"):
                self.put(f"{SPARSE}/{split}/a/{number}.ic", encode(jpeg))
                self.put(f"{SPARSE}/{split}/b/{number}.ic", encode(held.getvalue()))
        told = self.script(SPARSE, "--model", "vit_small", "--epochs", "5")
        self.assertGreater(float(told["accuracy"]), 0.9)

    def refused(self, *options):
        done = subprocess.run([str(word) for word in (sys.executable, SCRIPT, self.dir / SPARSE, *self.OPTIONS, *options)],
                              capture_output=True, text=True, env=self.env)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        return done.stderr

    def test_what_does_not_fit(self):
        network("vit_small", SPARSE).save(self.dir / "vit.pt")
        network("mobilenet_v3_small", SPARSE).save(self.dir / "classes.pt")
        torch.save({"weight": torch.zeros(1)}, self.dir / "other.pt")
        self.put("text.pt", b"no weights")
        self.assertIn("weights of vit_small, not of mobilenet_v3_small", self.refused("--init", self.dir / "vit.pt"))
        self.assertIn("are there other classes?", self.refused("--init", self.dir / "classes.pt"))
        for name in ("other.pt", "text.pt"):
            self.assertIn("is no checkpoint of this script", self.refused("--init", self.dir / name))
        self.assertIn("No such file", self.refused("--init", self.dir / "none.pt"))
        self.put(f"{SPARSE}/train/a/0.ic", photo("s2x2-b8-k3-q8"))
        self.assertIn("others are of", self.refused())


class Baselines(Folder):
    def test_scripts_baselines_trains_them(self):
        """With the scripts as they are. Pruned in each order, and chosen as was published."""
        run(MKIMAGES, "--classes", "2", "--count", "10", "--size", "96x72", self.dir / "data")
        results = self.dir / "results.csv"
        run(sys.executable, ROOT / "scripts" / "baselines", "run", results, self.dir / "data", "--seeds", "1", "--icfs",
            ICFS, "--quality", "50", "--shrink", "2", "--", "--model", "mobilenet_v3_small", "--epochs", "1", "--size",
            "64", "--batch", "8", "--workers", "0", "--device", "cpu", env={**os.environ, "OMP_NUM_THREADS": "1"})
        with results.open(newline="") as file:
            rows = {row["name"]: row for row in csv.DictReader(file)}
        self.assertEqual(list(rows), ["JPEG", "JPEG q50 1/2", "CVPR2020-24",
                                      *(f"pruning {order} s1x1-b8-k6-q8" for order in ("oh", "ol", "ox", "oy"))])
        for row in rows.values():
            self.assertTrue(0 <= float(row["accuracy"]) <= 1)
            self.assertTrue(all(float(row[name]) > 0 for name in ("nbytes", "load_s", "infer_s", "train_s")))
        self.assertEqual(rows["CVPR2020-24"]["nbytes"], rows["JPEG"]["nbytes"])


if __name__ == "__main__":
    main(("torch", "python3-torch"), ("torchvision", "python3-torchvision"))

# SPDX-License-Identifier: MIT
"""Models of torchvision that take frequencies: with chroma apart and without, of any size, and that they learn."""
import copy
import unittest
import warnings

import numpy as np

from objects import ROOT, blocks, main, photo

import icfs

try:
    import torch
    from torchvision import models
    from icfs.torch import stems
except ImportError:  # main() says so
    pass

LUMA, CHROMA, CLASSES = 21, 42, 5
SMALL = {"weights": None, "num_classes": CLASSES}


def makers():
    """Each model, and what changes it."""
    return {
        "resnet18": (lambda: models.resnet18(**SMALL), stems.resnet),
        "resnet50": (lambda: models.resnet50(**SMALL), stems.resnet),
        "resnet18, late": (lambda: models.resnet18(**SMALL), stems.resnet_late_concat),
        "resnet50, late": (lambda: models.resnet50(**SMALL), stems.resnet_late_concat),
        "mobilenet_v3_small": (lambda: models.mobilenet_v3_small(**SMALL), stems.mobilenet_v3),
        "mobilenet_v3_large": (lambda: models.mobilenet_v3_large(**SMALL), stems.mobilenet_v3),
        "efficientnet_b0": (lambda: models.efficientnet_b0(**SMALL), stems.efficientnet),
        "vit": (lambda: models.VisionTransformer(224, 16, 2, 2, 48, 96, num_classes=CLASSES), stems.vit),
    }


def inputs(height, width, count=2):
    generator = torch.Generator().manual_seed(height)
    return (torch.randn(count, LUMA, height, width, generator=generator),
            torch.randn(count, CHROMA, -(-height // 2), -(-width // 2), generator=generator))


def last_maps(model, call):
    """The size of what the model pools."""
    seen = []
    pool = next(module for name, module in model.named_modules() if isinstance(module, torch.nn.AdaptiveAvgPool2d)
                and "fc" not in name and "block" not in name)
    handle = pool.register_forward_hook(lambda module, given, result: seen.append(tuple(given[0].shape[2:])))
    with torch.no_grad():
        call()
    handle.remove()
    return seen[-1]


class Written(unittest.TestCase):
    def test_page(self):
        """What the page says to write runs as it is written."""
        block, = blocks((ROOT / "docs/python.md").read_text(), "stems.resnet_late_concat")
        names = {"luma": torch.zeros(2, LUMA, 28, 28), "chroma": torch.zeros(2, CHROMA, 14, 14)}
        exec(block, names)
        self.assertEqual(names["model"].training, True)


class Stems(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(0)
        torch.set_num_threads(1)

    def test_apart_and_together(self):
        for name, (make, change) in makers().items():
            with self.subTest(name):
                values, chroma = inputs(*[28 if name == "vit" else 12] * 2)
                self.assertEqual(change(make(), LUMA, CHROMA)(values, chroma).shape, (2, CLASSES))
                if "late" not in name:
                    self.assertEqual(change(make(), LUMA)(values).shape, (2, CLASSES))

    def test_models_of_other_numbers_and_devices(self):
        for name, (make, change) in makers().items():
            with self.subTest(name):
                values, chroma = (maps.double() for maps in inputs(*[28 if name == "vit" else 12] * 2))
                found = change(make().double(), LUMA, CHROMA)(values, chroma)
                self.assertEqual((found.shape, found.dtype), ((2, CLASSES), torch.float64))
                changed = change(make().to("meta"), LUMA, CHROMA)
                self.assertTrue(all(parameter.is_meta for parameter in changed.parameters()))

    def test_odd_sizes(self):
        for name, (make, change) in makers().items():
            if name != "vit":
                with self.subTest(name):
                    self.assertEqual(change(make(), LUMA, CHROMA)(*inputs(25, 31)).shape, (2, CLASSES))

    def test_chroma_as_large_as_luma(self):
        """Repeated by hand it gives what half of it gives, and no place is taken for another's."""
        luma, half = inputs(12, 12)
        whole = half.repeat_interleave(2, 2).repeat_interleave(2, 3)
        for name in ("resnet", "mobilenet", "efficientnet"):
            make, change = makers()[next(known for known in makers() if known.startswith(name) and "late" not in known)]
            model = change(make(), LUMA, CHROMA).eval()
            with self.subTest(name), torch.no_grad():
                np.testing.assert_allclose(model(luma, whole).numpy(), model(luma, half).numpy(), rtol=1e-4, atol=1e-5)
                for wrong in (whole[:, :, :-1], half[:, :, :, 1:], half[:, :, :3]):
                    with self.assertRaisesRegex(icfs.ArgumentError, r"^chroma: \("):
                        model(luma, wrong)

    def test_traced(self):
        """What is checked stays a call, also where luma is alone."""
        values, chroma = inputs(12, 12)
        for name, (make, change) in makers().items():
            if name == "vit":  # torchvision's own encoder asks for shapes
                continue
            for apart in (True,) if "late" in name else (True, False):
                model = change(make(), LUMA, *[CHROMA] * apart).eval()
                maps = (values, chroma) if apart else (values,)
                given = {} if apart else {"concrete_args": {"chroma": None}}
                with self.subTest(name, apart=apart), torch.no_grad(), warnings.catch_warnings():
                    warnings.simplefilter("error", torch.jit.TracerWarning)
                    wanted, traced = model(*maps), torch.fx.symbolic_trace(model, **given)
                    torch.testing.assert_close(traced(*maps), wanted)
                    with self.assertRaisesRegex(icfs.ArgumentError, "^values: "):
                        traced(values[:, 1:], *maps[1:])
                    if not apart or "late" in name:
                        torch.testing.assert_close(torch.jit.trace(model, maps)(*maps), wanted)

    def test_what_is_frozen_stays_so(self):
        for name in ("mobilenet_v3_small", "efficientnet_b0"):
            make, change = makers()[name]
            model = make()
            kept = model.features[-1]
            kept.eval()
            change(model, LUMA)
            with self.subTest(name):
                self.assertFalse(any(module.training for module in kept.modules()))
                self.assertTrue(model.features[0].training)
            model = make()
            model.features[0] = torch.nn.Conv2d(1, 16, 3)
            with self.subTest(name), self.assertRaisesRegex(icfs.ArgumentError, "^model: "):
                change(model, LUMA)
            self.assertTrue(all(module.training for module in model.modules()))

    def test_maps_that_a_model_is_not_made_for(self):
        for name, (make, change) in makers().items():
            side = 28 if name == "vit" else 12
            values, chroma = inputs(side, side)
            both = change(make(), LUMA, CHROMA)
            wrong = [("values", values[:, :-1], chroma), ("values", torch.cat([values, chroma.repeat(1, 1, 2, 2)], 1), chroma),
                     ("values", values[0], chroma), ("chroma", values, None), ("chroma", values, chroma[:, 1:]),
                     ("chroma", values, chroma[:, :, 1:])]
            if name == "vit" or "late" in name:
                wrong.append(("chroma", values, chroma.repeat(1, 1, 2, 2)))
            for field, *maps in wrong:
                with self.subTest(name, field=field), self.assertRaisesRegex(icfs.ArgumentError, f"^{field}: "):
                    both(*maps)
            with self.subTest(name), self.assertRaisesRegex(icfs.ArgumentError, "^chroma: "):
                both(values)

    def test_what_a_model_cannot_be_made_of(self):
        """It is as it was afterwards."""
        for name, (make, change) in makers().items():
            model = make()
            before = repr(model)
            least = 1 if "late" in name else 0
            for field, luma, chroma in (*(("luma", wrong, CHROMA) for wrong in (0, -1, 1.5, "21")),
                                        *(("chroma", LUMA, wrong) for wrong in (least - 1, 2.5, None))):
                with self.subTest(name), self.assertRaisesRegex(icfs.ArgumentError, f"^{field}: "):
                    change(model, luma, chroma)
            for other, _ in makers().values():
                model_of_other = other()
                if type(model_of_other) is not type(model) and not (hasattr(model, "features")
                                                                    and hasattr(model_of_other, "features")):
                    with self.subTest(name), self.assertRaisesRegex(
                            icfs.ArgumentError, f"^model: a {type(model).__name__} .* {type(model_of_other).__name__} has no "):
                        change(model_of_other, LUMA, CHROMA)
            self.assertEqual(repr(model), before, name)
        coarse = models.mobilenet_v3_small(**SMALL)
        coarse.features = coarse.features[:1]
        with self.assertRaisesRegex(icfs.ArgumentError, "^model: none of its layers is 8 times as coarse"):
            stems.mobilenet_v3(coarse, LUMA, CHROMA)
        self.assertTrue(coarse.features.training)

    def test_the_last_maps_are_as_large_as_with_pixels(self):
        for name, (make, change) in makers().items():
            if name != "vit":
                with self.subTest(name):
                    plain, changed = make().eval(), change(make(), LUMA, CHROMA).eval()
                    expected = last_maps(plain, lambda: plain(torch.zeros(1, 3, 128, 128)))
                    self.assertEqual(last_maps(changed, lambda: changed(*inputs(16, 16, 1))), expected)

    def test_every_weight_learns_and_the_rest_is_kept(self):
        for name, (make, change) in makers().items():
            with self.subTest(name):
                plain = make()
                plain_state = plain.state_dict()  # the very memory
                before = {key: value.clone() for key, value in plain_state.items()}
                changed = change(plain, LUMA, CHROMA)
                kept = {value.data_ptr() for value in changed.state_dict().values()}
                shared = [key for key, value in plain_state.items() if value.data_ptr() in kept]
                self.assertGreater(len(shared), len(plain_state) / 2)
                for key in shared:
                    self.assertTrue(torch.equal(plain_state[key], before[key]), key)
                side = 28 if name == "vit" else 9
                changed(*inputs(side, side)).square().sum().backward()
                for key, parameter in changed.named_parameters():
                    self.assertIsNotNone(parameter.grad, key)

    def test_frequencies_are_learnt_from(self):
        """Four images of a class each, told apart after a few steps."""
        spec = icfs.Spec(values="frequencies", chroma="apart", size=8, fit="crop", std=20)
        batch = icfs.decode_batch([photo(number=number) for number in range(4)], spec)
        luma, chroma = torch.from_numpy(batch.values), torch.from_numpy(batch.chroma)
        targets = torch.arange(4)
        for model in (stems.mobilenet_v3(models.mobilenet_v3_small(**SMALL), LUMA, CHROMA),
                      stems.vit(models.VisionTransformer(64, 16, 2, 2, 48, 96, num_classes=CLASSES), LUMA, CHROMA)):
            with self.subTest(type(model).__name__):
                optimizer = torch.optim.Adam(model.parameters(), 3e-3)
                for _ in range(30):
                    optimizer.zero_grad()
                    loss = torch.nn.functional.cross_entropy(model(luma, chroma), targets)
                    loss.backward()
                    optimizer.step()
                self.assertLess(loss.item(), 0.5)  # of ln 4

    def test_a_vit_of_another_size_says_so(self):
        make, change = makers()["vit"]
        with self.assertRaisesRegex(icfs.ArgumentError, "^values: 26 x 28, the model is for maps of 28 x 28"):
            change(make(), LUMA, CHROMA)(*inputs(26, 28))
        odd = models.VisionTransformer(224, 14, 1, 1, 8, 8)
        self.assertRaises(icfs.ArgumentError, stems.vit, odd, LUMA)
        single = models.VisionTransformer(224, 8, 1, 1, 8, 8)
        self.assertRaises(icfs.ArgumentError, stems.vit, copy.deepcopy(single), LUMA, CHROMA)
        self.assertEqual(stems.vit(single, LUMA)(inputs(28, 28)[0]).shape, (2, 1000))

    def test_grouped_embedding_is_a_projection_of_each_patch(self):
        make, change = makers()["vit"]
        model = change(make(), LUMA, CHROMA)
        luma, chroma = inputs(28, 28, 1)
        patch = np.concatenate([luma[0, :, 2:4, 6:8].reshape(-1), chroma[0, :, 1, 3]])
        found = model.embedding(torch.cat([torch.nn.functional.pixel_unshuffle(luma, 2), chroma], 1))[0, :, 1, 3]
        expected = model.embedding.weight.detach().flatten(1).numpy() @ patch + model.embedding.bias.detach().numpy()
        np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-3, atol=1e-4)


if __name__ == "__main__":
    main(("torch", "python3-torch"), ("torchvision", "python3-torchvision"))

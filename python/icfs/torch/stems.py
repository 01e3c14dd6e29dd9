# SPDX-License-Identifier: MIT
"""Let models of torchvision take frequencies.

A map of frequencies of 8 x 8 blocks is 8 times as coarse as the pixels, which is what the first layers of a network for
pixels make of them; so those layers are replaced, and the rest is as it was: 224 x 224 pixels are maps of 28 x 28. Each
function changes the model that it is given, and returns a module that is called with `values`, or with `values, chroma`
where chroma is apart (of half as many rows and columns, rounded up; `resnet`, `mobilenet_v3` and `efficientnet` take it
as large as luma, too). `luma` and `chroma` are their channels. Weights of what stays are kept, so that a pretrained
model may be fine-tuned.

A model without the layers that a function replaces or uses, or a number of channels that there cannot be, is an
ArgumentError, before the model is changed; so are maps that a changed model was not made for. torch.fx traces these
models: what is checked stays a call of its own.

Sources:
[1] L. Gueguen, A. Sergeev, B. Kadlec, R. Liu, J. Yosinski: Faster Neural Networks Straight from JPEG. NeurIPS 2018.
[2] K. Xu, M. Qin, F. Sun, Y. Wang, Y.-K. Chen, F. Ren: Learning in the Frequency Domain. CVPR 2020.
[3] J. Park, J. Johnson: RGB No More: Minimally-Decoded JPEG Vision Transformers. CVPR 2023.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Optional, SupportsIndex, TypeVar, cast

import torch
import torch.fx
from torch import Tensor, nn
from torchvision.models import EfficientNet, MobileNetV3, ResNet, VisionTransformer

from ..errors import ArgumentError
from ..tensor import integer

STRIDE = 8  # pixels that one place of a map of frequencies stands for, at blocks of 8 x 8

# Public, but mypy does not see that they are.
_is_tracing: Callable[[], bool] = getattr(torch.jit, "is_tracing")
_leave_whole: Callable[[str], object] = getattr(torch.fx, "wrap")


def _count(name: str, channels: SupportsIndex, least: int) -> int:
    """Channels of a model's input. ArgumentError for fewer than there must be."""
    count = integer(name, channels)
    if count < least:
        raise ArgumentError(f"{name}: {count} channels, at least {least} must be")
    return count


def _check_parts(model: nn.Module, kind: type[nn.Module], *parts: str) -> None:
    """That a model has the parts that are replaced or used. ArgumentError."""
    missing = [part for part in parts if not hasattr(model, part)]
    if missing:
        raise ArgumentError(f"model: a {kind.__name__} of torchvision is wanted; this {type(model).__name__} has no "
                            f"{', '.join(missing)}")


def _maps(name: str, maps: Optional[Tensor], channels: int) -> Tensor:
    """Those that a model was made for. ArgumentError for none, or others."""
    if maps is None:
        raise ArgumentError(f"{name}: none was given, the model was made for {channels} channels of it")
    if _is_tracing():  # a trace would take the answer for a constant, and say so
        return maps
    if maps.dim() != 4 or maps.shape[1] != channels:
        raise ArgumentError(f"{name}: the model was made for (images, {channels} channels, rows, columns), not "
                            f"{tuple(maps.shape)}")
    return maps


def _on_grid(chroma: Tensor, values: Tensor) -> Tensor:
    """Chroma on luma's grid: as it is where it is as large, of designs with full chroma, else each place for 2 x 2.
    ArgumentError for other sizes."""
    rows, cols = values.shape[2:]
    if chroma.shape[2:] == values.shape[2:]:
        return chroma
    if tuple(chroma.shape[2:]) != (-(-rows // 2), -(-cols // 2)):
        raise ArgumentError(f"chroma: {tuple(chroma.shape[2:])} is neither as large as luma, {(rows, cols)}, nor half")
    return chroma.repeat_interleave(2, 2).repeat_interleave(2, 3)[:, :, :rows, :cols]


def _as_early(late: Tensor, early: Tensor, values: Tensor) -> Tensor:
    """Maps of chroma that are as large as those of luma that they are joined with. ArgumentError for others."""
    if not _is_tracing() and early.shape[2:] != late.shape[2:]:
        raise ArgumentError(f"chroma: {tuple(late.shape[2:])} is not half of luma, {tuple(values.shape[2:])}; `resnet` "
                            "takes chroma that is as large, too")
    return late


def _whole(name: str, maps: Optional[Tensor], channels: int, side: int) -> Tensor:
    """Maps of so many rows and columns. ArgumentError for none, or others."""
    found = _maps(name, maps, channels)
    if not _is_tracing() and found.shape[2:] != (side, side):
        raise ArgumentError(f"{name}: {found.shape[2]} x {found.shape[3]}, the model is for maps of {side} x {side}, as "
                            "its image_size says")
    return found


for _check in ("_maps", "_on_grid", "_as_early", "_whole"):
    _leave_whole(_check)


Changed = TypeVar("Changed", bound=nn.Module)


class Stem(nn.Module):
    """Batch-normalised frequencies to `out` channels by a 3 x 3 convolution. Chroma that is apart is brought to luma's
    grid by repetition first ("UpSampling" of [1])."""

    def __init__(self, luma: int, chroma: int, out: int) -> None:
        super().__init__()
        self.luma_norm = nn.BatchNorm2d(luma)
        self.chroma_norm = nn.BatchNorm2d(chroma) if chroma else None
        self.convolution = nn.Conv2d(luma + chroma, out, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(out)

    def forward(self, values: Tensor, chroma: Optional[Tensor] = None) -> Tensor:
        joined = self.luma_norm(_maps("values", values, self.luma_norm.num_features))
        if self.chroma_norm is not None:
            apart = self.chroma_norm(_maps("chroma", chroma, self.chroma_norm.num_features))
            joined = torch.cat([joined, _on_grid(apart, values)], 1)
        return nn.functional.relu(self.norm(self.convolution(joined)))


class Entry(nn.Module):
    """A stem before a model whose own first layers are gone."""

    def __init__(self, stem: Stem, model: nn.Module) -> None:
        super().__init__()
        self.stem, self.model = stem, model

    def forward(self, values: Tensor, chroma: Optional[Tensor] = None) -> Tensor:
        return cast(Tensor, self.model(self.stem(values, chroma)))


def _as_model(changed: Changed, model: nn.Module) -> Changed:
    """With its new layers of the type and on the device that the model's are."""
    return changed.to(next(model.parameters()))


def _set_stride(stage: nn.Module, stride: int) -> None:
    """Of the first block of a stage of a ResNet, where it is that of its 3 x 3 convolution and its shortcut."""
    first = cast(nn.Sequential, stage)[0]
    for module in first.modules():
        if isinstance(module, nn.Conv2d) and module.stride == (2, 2):
            module.stride = (stride, stride)


def _channels_in(stage: nn.Module) -> int:
    return next(module.in_channels for module in stage.modules() if isinstance(module, nn.Conv2d))


def resnet(model: ResNet, luma: int, chroma: int = 0) -> nn.Module:
    """The frequencies enter at the first stage, in place of the first convolution and the pooling [1, 2], and the second
    stage does not halve the maps, so that the last ones are as large as with pixels ("UpSampling-RFA" of [1] takes the
    strides of early blocks for the same reason)."""
    luma, chroma = _count("luma", luma, 1), _count("chroma", chroma, 0)
    _check_parts(model, ResNet, "conv1", "bn1", "maxpool", "layer1", "layer2")
    stem = _as_model(Stem(luma, chroma, _channels_in(model.layer1)), model)
    model.conv1, model.bn1, model.relu, model.maxpool = (nn.Identity() for _ in range(4))
    _set_stride(model.layer2, 1)
    return Entry(stem, model)


class LateConcat(nn.Module):
    """See `resnet_late_concat`."""

    def __init__(self, model: ResNet, luma: int, chroma: int) -> None:
        super().__init__()
        joined = _channels_in(model.layer3)
        self.stem = Stem(luma, 0, _channels_in(model.layer1))
        self.chroma_stem = Stem(chroma, 0, joined // 2)
        self.join = nn.Sequential(nn.Conv2d(joined + joined // 2, joined, 1, bias=False), nn.BatchNorm2d(joined),
                                  nn.ReLU())
        self.early = nn.Sequential(model.layer1, model.layer2)
        self.late = nn.Sequential(model.layer3, model.layer4, model.avgpool, nn.Flatten(), model.fc)
        _set_stride(model.layer3, 1)

    def forward(self, values: Tensor, chroma: Optional[Tensor] = None) -> Tensor:
        early = self.early(self.stem(values))
        late = self.chroma_stem(_maps("chroma", chroma, self.chroma_stem.luma_norm.num_features))
        late = _as_early(late, early, values)
        return cast(Tensor, self.late(self.join(torch.cat([early, late], 1))))


def resnet_late_concat(model: ResNet, luma: int, chroma: int) -> LateConcat:
    """Luma goes through two stages, the second of which halves it; there it is as small as chroma, and they are joined
    ("Late-Concat-RFA" of [1]). No value of chroma is computed on twice."""
    luma, chroma = _count("luma", luma, 1), _count("chroma", chroma, 1)
    _check_parts(model, ResNet, "layer1", "layer2", "layer3", "layer4", "avgpool", "fc")
    return _as_model(LateConcat(model, luma, chroma), model)


def _entry_of(features: nn.Sequential) -> tuple[int, int]:
    """The first layer whose output is STRIDE times as coarse as its pixels: its index, and the channels of it."""
    weights, modes = next(features.parameters()), [(module, module.training) for module in features.modules()]
    features.eval()
    try:
        with torch.no_grad():
            maps = torch.zeros(1, 3, 8 * STRIDE, 8 * STRIDE, dtype=weights.dtype, device=weights.device)
            for index, layer in enumerate(features):
                maps = layer(maps)
                if maps.shape[2] == 8:
                    return index, maps.shape[1]
    except RuntimeError as error:
        raise ArgumentError(f"model: it does not take pixels of three channels: {error}") from None
    finally:
        for module, is_training in modes:  # some may be frozen
            module.training = is_training
    raise ArgumentError(f"model: none of its layers is {STRIDE} times as coarse as pixels, where frequencies could enter")


def _replace_features(model: MobileNetV3 | EfficientNet, kind: type[nn.Module], luma: int, chroma: int) -> Entry:
    luma, chroma = _count("luma", luma, 1), _count("chroma", chroma, 0)
    _check_parts(model, kind, "features")
    features = cast(nn.Sequential, model.features)
    last, channels = _entry_of(features)
    model.features = features[last + 1:]
    return Entry(_as_model(Stem(luma, chroma, channels), model), model)


def mobilenet_v3(model: MobileNetV3, luma: int, chroma: int = 0) -> nn.Module:
    """The layers up to the first that is 8 times as coarse as pixels are replaced, as [2] replaces those of
    MobileNetV2 that come before maps of the size of its frequencies."""
    return _replace_features(model, MobileNetV3, luma, chroma)


def efficientnet(model: EfficientNet, luma: int, chroma: int = 0) -> nn.Module:
    """As `mobilenet_v3`: EfficientNet is built of the same blocks, for which [2] made the change."""
    return _replace_features(model, EfficientNet, luma, chroma)


class GroupedEmbedding(nn.Module):
    """See `vit`."""

    def __init__(self, model: VisionTransformer, luma: int, chroma: int) -> None:
        super().__init__()
        if model.patch_size % STRIDE:
            raise ArgumentError(f"model: a patch of {model.patch_size} pixels is no number of blocks of {STRIDE}")
        self.side = model.patch_size // STRIDE  # blocks of luma across a patch
        if chroma and self.side % 2:
            raise ArgumentError(f"model: a patch of {model.patch_size} pixels does not hold whole blocks of chroma, which "
                                f"stand for {2 * STRIDE} each; without chroma it does")
        self.maps = model.image_size // STRIDE
        self.model, self.chroma = model, chroma
        self.embedding = nn.Conv2d(luma * self.side**2 + chroma * (self.side // 2)**2, model.hidden_dim, 1)
        model.conv_proj = nn.Identity()

    @property
    def luma(self) -> int:
        """Channels."""
        return int((self.embedding.in_channels - self.chroma * (self.side // 2)**2) // self.side**2)

    def forward(self, values: Tensor, chroma: Optional[Tensor] = None) -> Tensor:
        patches = nn.functional.pixel_unshuffle(_whole("values", values, self.luma, self.maps), self.side)
        if self.chroma:
            half = _whole("chroma", chroma, self.chroma, self.maps // 2)
            patches = torch.cat([patches, nn.functional.pixel_unshuffle(half, self.side // 2)], 1)
        tokens = self.embedding(patches).flatten(2).transpose(1, 2)
        first = self.model.class_token.expand(len(tokens), -1, -1)
        encoded = self.model.encoder(torch.cat([first, tokens], 1))
        return cast(Tensor, self.model.heads(encoded[:, 0]))


def vit(model: VisionTransformer, luma: int, chroma: int = 0) -> GroupedEmbedding:
    """All coefficients of a patch, its blocks of luma (2 x 2 in 16 x 16 pixels) and of chroma (one each), are projected
    to a token together ("grouped embedding" of [3]); the encoder is as it was. The maps must be as large as the model's
    `image_size` says: 28 x 28 for 224. The spec should normalise each frequency: there is no norm before it."""
    luma, chroma = _count("luma", luma, 1), _count("chroma", chroma, 0)
    _check_parts(model, VisionTransformer, "patch_size", "image_size", "hidden_dim", "conv_proj", "class_token", "encoder",
                 "heads")
    return _as_model(GroupedEmbedding(model, luma, chroma), model)

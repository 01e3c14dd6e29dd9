#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Train an image classifier on the frequencies of .ic files, as scripts/train.py does on pixels: no inverse transform.

    scripts/train_frequency.py DATA [--model resnet18] [--epochs 5] [--seed 0] [--init FILE] [--save FILE]
                               [--channels NAME-OR-LIST]

DATA is a tree as for train.py under the face ic. The options, and what is printed, are train.py's. The network's input
is a map with a place for each 8 x 8 samples (for each block, where blocks are larger), so that a design with fewer
samples makes the network cheaper, and one with fewer frequencies its first layer. Images are cropped, and padded, to
--size pixels of the source, and mirrored; they are not resized. --init takes what --save wrote under any design: see
Frequencies.load. --channels shows some of the design's frequencies alone to the network, and reads no more of the files
than has them.
"""
import math
import os
import pickle
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, Optional

import torch
from torch import nn
from torch.nn.functional import interpolate, pixel_unshuffle

sys.dont_write_bytecode = True
sys.path.append(str(Path(__file__).resolve().parent.parent / 'python'))  # where icfs is not installed

import icfs  # noqa: E402
from icfs.torch import Augment, Channel, Folder, Loader, Statistics, carry, channels, gathered, statistics  # noqa: E402
from icfs.torch import stems  # noqa: E402
import train  # noqa: E402
from frequency_choice import PUBLISHED, Choice, parse_choice  # noqa: E402

STEMS = {'resnet18': stems.resnet, 'resnet50': stems.resnet, 'mobilenet_v3_small': stems.mobilenet_v3,
         'mobilenet_v3_large': stems.mobilenet_v3, 'efficientnet_b0': stems.efficientnet}
SAMPLES = 8  # of luma across a place of the maps: smaller blocks are gathered, larger ones are a place each
FORM = 'icfs frequencies 1'  # of checkpoints
NORM = ('weight', 'bias', 'running_mean', 'running_var')


class Maps(tuple[torch.Tensor, ...]):
    """A batch of images: luma's maps, or all where chroma is on the same grid, and, where it is not, chroma's. train.py
    passes it on as it does a tensor."""

    def to(self, device: torch.device, **options: bool) -> 'Maps':
        return Maps(part.to(device, **options) for part in self)


class Input(NamedTuple):
    """What all images of a tree become."""

    design: icfs.Design
    components: int
    size: int  # pixels of the source
    chosen: Optional[Choice] = None  # of the design's frequencies, where it is not all

    def narrowed(self, chosen: Optional[Choice]) -> 'Input':
        """To those of `chosen` that the design has, and to the sparsest design with them: a prefix is a design."""
        if chosen is None:
            return self
        kept = {kind[:3] for kinds in self.all_channels for kind in kinds} & chosen
        if not any(component == 0 for component, _, _ in kept):
            raise SystemExit(f'--channels: nothing of luma is chosen that {self.design} has')
        keeps = (self.design._replace(keep=keep) for keep in range(1, self.design.keep + 1))
        design = next(each for each in keeps if {kind[1:] for kind in kept} <= set(each.frequencies))
        components = self.components if any(component for component, _, _ in kept) else 1
        return self._replace(design=design, components=components, chosen=frozenset(kept))

    @property
    def all_channels(self) -> tuple[list[Channel], list[Channel]]:
        return channels(self.design, self.components, self.chroma)

    @property
    def channels(self) -> tuple[list[Channel], list[Channel]]:
        """Of single blocks: those of the values, and those of chroma that is apart."""
        values, chroma = (list(kinds) for kinds in self.all_channels)
        if self.chosen is not None:
            values, chroma = ([kind for kind in kinds if kind[:3] in self.chosen] for kinds in (values, chroma))
        return values, chroma

    @property
    def gather(self) -> int:
        """Blocks across a place."""
        return max(1, SAMPLES // self.design.block)

    @property
    def places(self) -> tuple[int, int]:
        """Rows and columns: even, for chroma of half as many, and so that a mirrored batch stays on its grid."""
        side = 2 * max(SAMPLES, self.design.block)
        return 2 * math.ceil(self.size / (self.design.sy * side)), 2 * math.ceil(self.size / (self.design.sx * side))

    def spec(self, found: Statistics) -> icfs.Spec:
        mean, std = found.arranged(self.chroma, self.components, self.design)
        return icfs.Spec(values='frequencies', chroma=self.chroma, components=self.components, dtype='float32',
                         size=(self.places[0] * self.gather, self.places[1] * self.gather), fit='crop or pad',
                         mean=mean, std=std)

    @property
    def chroma(self) -> Literal['repeated', 'apart']:
        """Apart where it is halved."""
        return 'apart' if self.components == 3 and self.design.chroma == 2 else 'repeated'


def mirror(maps: torch.Tensor, chosen: torch.Tensor, kinds: list[Channel]) -> None:
    """Left to right, the chosen images: the waves that are odd across change their sign."""
    signs = torch.tensor([-1.0 if kind.u % 2 else 1.0 for kind in kinds])[:, None, None]
    maps[chosen] = maps[chosen].flip(3) * signs


class Batches:
    """What train.py wants of a DataLoader, of an icfs.torch.Loader."""

    def __init__(self, loader: Loader, given: Input, mirrors: Optional[int]) -> None:
        self.loader, self.kinds = loader, given.channels
        self.places = [None if given.chosen is None else torch.tensor(
                           [place for place, kind in enumerate(found) if kind in kept])
                       for found, kept in zip(given.all_channels, self.kinds)]
        self.generator = None if mirrors is None else torch.Generator().manual_seed(mirrors)

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[tuple[Maps, torch.Tensor]]:
        for *given, labels in self.loader:
            maps = Maps(each if places is None else each.index_select(1, places)
                        for each, places in zip(given, self.places) if each is not None)
            if self.generator is not None:
                chosen = torch.rand(len(labels), generator=self.generator) < 0.5
                for each, kinds in zip(maps, self.kinds):
                    mirror(each, chosen, kinds)
            yield maps, labels


class GroupedViT(nn.Module):
    """train.py's small vision transformer. A token has 2 x 2 places, all of whose frequencies are projected together,
    as in icfs.torch.stems.vit, at a position learnt for each."""

    def __init__(self, vit: train.SmallViT, inputs: int, places: tuple[int, int]) -> None:
        super().__init__()
        width = vit.head.in_features
        del vit.patches, vit.position
        self.embedding = nn.Conv2d(inputs, width, 1)
        self.position = nn.Parameter(torch.randn(1, width, places[0] // 2, places[1] // 2) * 0.02)
        self.vit = vit

    def forward(self, values: torch.Tensor, chroma: Optional[torch.Tensor] = None) -> torch.Tensor:
        maps = values if chroma is None else torch.cat([values, chroma], 1)
        tokens = (self.embedding(maps) + self.position).flatten(2).transpose(1, 2)
        return self.vit.head(self.vit.encoder(tokens).mean(1))


class Frequencies(nn.Module):
    """A network of train.py whose first layers take frequencies."""

    def __init__(self, name: str, classes: int, given: Input) -> None:
        super().__init__()
        self.name, self.given = name, given
        self.across = across_of(name, given)
        values, chroma = self.kinds = inputs_of(name, given)
        model = train.make_model(name, classes, given.size)
        if name == 'vit_small':
            self.model = GroupedViT(model, len(values + chroma), given.places)
        else:
            self.model = STEMS[name](model, len(values), len(chroma))

    def forward(self, maps: Maps) -> torch.Tensor:
        return self.model(*(part if across == 1 else pixel_unshuffle(part, across)
                            for part, across in zip(maps, self.across)))

    def save(self, path: Path) -> None:
        torch.save({'form': FORM, 'model': self.name, 'design': str(self.given.design),
                    'components': self.given.components, 'weights': self.model.state_dict(),
                    'channels': None if self.given.chosen is None else sorted(self.given.chosen)}, path)

    def load(self, path: Path) -> None:
        """Weights of another design's network are mapped. Channels of the input that both have (icfs.torch.Channel) are
        copied. New ones get weights of 0: a design with more frequencies begins with what was learnt without them, and
        learns from there. Where none is common, the first layer is as new. Positions of a transformer are interpolated.
        All else is of one shape for all designs, and copied."""
        found = read_checkpoint(path)
        if found['model'] != self.name:
            raise SystemExit(f'{path} has weights of {found["model"]}, not of {self.name}')
        chosen = found.get('channels')
        kinds = inputs_of(self.name, Input(icfs.Design.parse(found['design']), found['components'], 0,
                                           None if chosen is None else frozenset(chosen)))
        weights, own = found['weights'], self.model.state_dict()
        mapped = {**weights, **self._first_layers(own, weights, sum(kinds, []))}
        if 'position' in own:
            mapped['position'] = interpolate(weights['position'], own['position'].shape[2:], mode='bilinear')
        wrong = [key for key in own if key not in mapped or mapped[key].shape != own[key].shape]
        if wrong:
            raise SystemExit(f'{path} does not fit, at {wrong[0]}: are there other classes?')
        self.model.load_state_dict({key: mapped[key] for key in own})

    def _first_layers(self, own: dict[str, torch.Tensor], weights: dict[str, torch.Tensor],
                      found: list[Channel]) -> dict[str, torch.Tensor]:
        wanted = sum(self.kinds, [])
        first = 'embedding.weight' if self.name == 'vit_small' else 'stem.convolution.weight'
        mapped = {first: carry(own[first], wanted, weights[first], found, 1, new=0.0)}
        if self.name == 'vit_small':
            return mapped
        norms = [f'stem.{name}.' for name in ('luma_norm', 'chroma_norm')]
        for field in NORM:
            mine, theirs = (torch.cat([state[norm + field] for norm in norms if norm + field in state])
                            for state in (own, weights))
            parts = carry(mine, wanted, theirs, found).split([len(part) for part in self.kinds])
            mapped |= {norm + field: part for norm, part in zip(norms, parts)}
        # Those count batches, and nothing asks for them.
        return mapped | {key: own[key] for key in own if key.startswith('stem.') and key.endswith('_tracked')}


def across_of(name: str, given: Input) -> tuple[int, int]:
    """Blocks across what the values and the chroma are gathered to: a place, or a token of 2 x 2."""
    return given.gather * (2 if name == 'vit_small' else 1), given.gather


def inputs_of(name: str, given: Input) -> tuple[list[Channel], list[Channel]]:
    """The channels that the network's first layer has."""
    values, chroma = given.channels
    across = across_of(name, given)
    return gathered(values, across[0]), gathered(chroma, across[1])


def read_checkpoint(path: Path) -> dict[str, Any]:
    try:
        found = torch.load(path, map_location='cpu', weights_only=True)
    except (RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError) as error:
        raise SystemExit(f'{path} is no checkpoint of this script') from error
    if not isinstance(found, dict) or found.get('form') != FORM:
        raise SystemExit(f'{path} is no checkpoint of this script')
    return found


def main() -> None:
    parser = train.make_parser(__doc__.split('\n')[0], 192, 'side of what is shown of an image, pixels of the source')
    parser.add_argument('--channels', type=parse_choice, metavar='CHOICE', help='show these of the frequencies alone: '
                        f'{", ".join(PUBLISHED)}, or a list of component, u and v, such as Y0.0,Y1.0,Cb0.0')
    args = parser.parse_args()
    random.seed(args.seed)
    torch.manual_seed(args.seed)
    folders = [Folder(train.find_split(args.data, names)) for names in (('train',), ('val', 'test'))]
    if folders[0].classes != folders[1].classes:
        raise SystemExit(f'{args.data}: training and test images have different classes')
    found = statistics(folders[0], seed=args.seed)
    given = Input(found.design, len(found.mean), args.size).narrowed(args.channels)
    spec, threads = given.spec(found), max(1, args.workers)
    train_loader = Loader(folders[0], spec, args.batch, shuffle=True, augment=Augment('random'), seed=args.seed,
                          drop_last=len(folders[0]) >= args.batch, design=given.design, threads=threads)
    test_loader = Loader(folders[1], spec, args.batch, design=given.design, threads=threads)
    model = Frequencies(args.model, len(folders[0].classes), given)
    if args.init:
        model.load(args.init)
    told = train.fit(model, Batches(train_loader, given, args.seed), Batches(test_loader, given, None), args)
    if args.save:
        model.save(args.save)
    train.report(told, sum(os.stat(folders[0].path(index)).st_size for index in range(len(folders[0]))))


if __name__ == '__main__':
    try:
        main()
    except (icfs.Error, OSError) as error:
        raise SystemExit(f'{os.path.basename(__file__)}: {error}') from error

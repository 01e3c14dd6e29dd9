#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Train an image classifier on the pixels of .ic files, as scripts/train.py does, by the loader of icfs.torch.

    scripts/train_pixels.py DATA [--model resnet18] [--epochs 5] [--seed 0] [--init FILE] [--save FILE]

DATA is a tree as for train.py under the face ic. The networks, the options, what is printed, and what becomes of the
images (boxes of them resized, and mirrored, to train on; all of each resized to test on) are train.py's; batches are
decoded whole by --workers threads (at least one), the sizes that a sampled design has going straight to that of the
network. Checkpoints are those of train.py.
"""
import argparse
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

sys.dont_write_bytecode = True
sys.path.append(str(Path(__file__).resolve().parent.parent / 'python'))  # where icfs is not installed

import icfs  # noqa: E402
from icfs.torch import Augment, Folder, Loader  # noqa: E402
import train  # noqa: E402


class Batches:
    """What train.py wants of a DataLoader, of an icfs.torch.Loader."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for values, _, labels in self.loader:
            yield values, labels


def make_loaders(args: argparse.Namespace) -> tuple[Batches, Batches, Folder]:
    """To train on, to test on, and what is trained on."""
    folders = [Folder(train.find_split(args.data, names)) for names in (('train',), ('val', 'test'))]
    if folders[0].classes != folders[1].classes:
        raise SystemExit(f'{args.data}: training and test images have different classes')
    spec = icfs.Spec(size=args.size, fit='resize', dtype='float32', mean=[255 * mean for mean in train.MEAN],
                     std=[255 * std for std in train.STD])
    threads = max(1, args.workers)
    shuffled = Loader(folders[0], spec, args.batch, shuffle=True, seed=args.seed, threads=threads,
                      augment=Augment('resized', flip=True, scale=(0.5, 1.0)),
                      drop_last=len(folders[0]) >= args.batch)
    return Batches(shuffled), Batches(Loader(folders[1], spec, args.batch, threads=threads)), folders[0]


def main() -> None:
    args = train.make_parser(__doc__.split('\n')[0], 128, 'side of the input of the network, pixels').parse_args()
    random.seed(args.seed)
    torch.manual_seed(args.seed)
    train_loader, test_loader, folder = make_loaders(args)
    model = train.make_model(args.model, len(folder.classes), args.size)
    if args.init:
        model.load_state_dict(torch.load(args.init, map_location='cpu'))
    told = train.fit(model, train_loader, test_loader, args)
    if args.save:
        torch.save(model.state_dict(), args.save)
    train.report(told, sum(os.stat(folder.path(index)).st_size for index in range(len(folder))))


if __name__ == '__main__':
    try:
        main()
    except (icfs.Error, OSError) as error:
        raise SystemExit(f'{os.path.basename(__file__)}: {error}') from error

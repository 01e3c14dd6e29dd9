#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Train an image classifier on a folder of images: plain PyTorch and torchvision, one folder a class.

    scripts/train.py DATA [--model resnet18] [--epochs 5] [--seed 0] [--init FILE] [--save FILE] [--freeze]

DATA has a folder for training (train) and one for testing (val or test), each with a folder for each class. Prints a
line for each epoch and, last, lines of `name=value`: accuracy (0..1, on the test images, after the last epoch),
images_per_s (training, over all epochs), bytes_read (of image files, an epoch), wait_share (of the training time spent
waiting for data), train_s (seconds of training an image, without the waiting; not there without an epoch), infer_s
(seconds forward an image) and test_s (seconds a test image, from its file to its class).
"""
import argparse
import os
import random
import statistics
import time
from pathlib import Path
from typing import Iterable

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, models, transforms

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, as torchvision's weights use
FROZEN_PASSES = 5  # over the test images: compiling takes the first two


class SmallViT(nn.Module):
    """A vision transformer for small data sets (Dosovitskiy et al., ICLR 2021): 6 layers, 192 channels, 3 heads."""

    def __init__(self, classes: int, size: int, patch: int = 16, width: int = 192, layers: int = 6, heads: int = 3):
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.position = nn.Parameter(torch.randn(1, (size // patch) ** 2, width) * 0.02)
        layer = nn.TransformerEncoderLayer(width, heads, 4 * width, 0.1, 'gelu', batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, nn.LayerNorm(width))
        self.head = nn.Linear(width, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        tokens = self.patches(images).flatten(2).transpose(1, 2) + self.position
        return self.head(self.encoder(tokens).mean(1))


MODELS = {
    'resnet18': models.resnet18,
    'resnet50': models.resnet50,
    'mobilenet_v3_small': models.mobilenet_v3_small,
    'mobilenet_v3_large': models.mobilenet_v3_large,
    'efficientnet_b0': models.efficientnet_b0,
}


def make_model(name: str, classes: int, size: int) -> nn.Module:
    if name == 'vit_small':
        return SmallViT(classes, size)
    model = MODELS[name](num_classes=classes)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.1  # PyTorch's own; MobileNet's 0.01 needs more steps than a small data set has
    return model


def find_split(data: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        if (data / name).is_dir():
            return data / name
    raise SystemExit(f'{data}: no folder called {" or ".join(names)}')


def make_loaders(args: argparse.Namespace) -> tuple[DataLoader, DataLoader, list[str]]:
    normalize = [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    # Images may come smaller than asked for, so both ways end in a resize to the size of the network's input.
    augment = transforms.Compose([transforms.RandomResizedCrop(args.size, scale=(0.5, 1.0), antialias=True),
                                  transforms.RandomHorizontalFlip(), *normalize])
    center = transforms.Compose([transforms.Resize((args.size, args.size), antialias=True), *normalize])
    train = datasets.ImageFolder(str(find_split(args.data, ('train',))), augment)
    test = datasets.ImageFolder(str(find_split(args.data, ('val', 'test'))), center)
    if train.classes != test.classes:
        raise SystemExit(f'{args.data}: training and test images have different classes')
    order = torch.Generator()
    order.manual_seed(args.seed)
    common = {'num_workers': args.workers, 'worker_init_fn': seed_worker, 'persistent_workers': args.workers > 0}
    train_loader = DataLoader(train, args.batch, shuffle=True, drop_last=len(train) >= args.batch, generator=order,
                              **common)
    return train_loader, DataLoader(test, args.batch, **common), [path for path, _ in train.samples]


def seed_worker(_: int) -> None:
    random.seed(torch.initial_seed() % 2**32)


def train_epoch(model: nn.Module, loader: DataLoader, optimizer: torch.optim.Optimizer,
                schedule: torch.optim.lr_scheduler.OneCycleLR, device: torch.device) -> dict[str, float]:
    model.train()
    images_seen, waited, total_loss = 0, 0.0, 0.0
    start = asked = time.perf_counter()
    for images, labels in loader:
        waited += time.perf_counter() - asked
        images, labels = images.to(device, non_blocking=True), labels.to(device, non_blocking=True)
        loss = nn.functional.cross_entropy(model(images), labels, label_smoothing=0.1)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        images_seen += len(labels)
        total_loss += loss.item() * len(labels)
        asked = time.perf_counter()
    return {'images': images_seen, 'seconds': time.perf_counter() - start, 'waited': waited,
            'loss': total_loss / max(images_seen, 1)}


@torch.no_grad()
def evaluate(model: nn.Module, loader: DataLoader, device: torch.device) -> dict[str, float]:
    """The accuracy; the seconds an image that the median batch takes forward, of the largest ones: the first takes longer,
    and an image of a short one, too; and those of the whole pass: read, decode, forward."""
    model.eval()
    right = total = 0
    seconds = []
    began = time.perf_counter()
    for images, labels in loader:
        images = images.to(device)
        start = time.perf_counter()
        found = model(images).argmax(1).cpu()  # waits for a GPU, too
        seconds.append((len(labels), (time.perf_counter() - start) / len(labels)))
        right += (found == labels).sum().item()
        total += len(labels)
    largest = max(count for count, _ in seconds)
    return {'accuracy': right / max(total, 1),
            'infer_s': statistics.median(each for count, each in seconds if count == largest),
            'test_s': (time.perf_counter() - began) / max(total, 1)}


@torch.no_grad()
def frozen(model: nn.Module, loader: DataLoader, device: torch.device) -> nn.Module:
    """The network as it is served: normalisations folded into weights, operations fused."""
    model.eval()
    images, _ = next(iter(loader))
    return torch.jit.optimize_for_inference(torch.jit.trace(model, (images.to(device),)))


def fit(model: nn.Module, train_loader: DataLoader, test_loader: DataLoader,
        args: argparse.Namespace) -> dict[str, float]:
    """Train for all epochs, a line each; what there is to tell at the end, by name."""
    device = torch.device(args.device)
    model.to(device)
    optimizer = torch.optim.AdamW(model.parameters(), args.lr, weight_decay=0.05)
    steps = max(1, args.epochs * len(train_loader))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.lr, steps)
    images, seconds, waited = 0, 0.0, 0.0
    passes = [] if args.epochs else [evaluate(model, test_loader, device)]
    for epoch in range(args.epochs):
        run = train_epoch(model, train_loader, optimizer, schedule, device)
        judged = evaluate(model, test_loader, device)
        passes.append(judged)
        images, seconds, waited = images + run['images'], seconds + run['seconds'], waited + run['waited']
        print(f'epoch {epoch + 1}/{args.epochs}: loss {run["loss"]:.3f}, accuracy {judged["accuracy"]:.4f}, '
              f'{run["images"] / run["seconds"]:.1f} images/s, {run["waited"] / run["seconds"]:.1%} waiting',
              flush=True)
    if args.freeze:
        served = frozen(model, test_loader, device)
        passes = [evaluate(served, test_loader, device) for _ in range(FROZEN_PASSES)]
    # Accuracy is the last pass's, times are those of the fastest.
    return {**min(passes, key=lambda judged: judged['test_s']), 'accuracy': passes[-1]['accuracy'],
            'images': images, 'seconds': seconds, 'waited': waited}


def report(told: dict[str, float], nbytes: int) -> None:
    """The last lines. `nbytes` are those that an epoch reads."""
    seconds = max(told['seconds'], 1e-9)
    print(f'accuracy={told["accuracy"]:.6f}')
    print(f'images_per_s={told["images"] / seconds:.2f}')
    print(f'bytes_read={nbytes}')
    print(f'wait_share={told["waited"] / seconds:.4f}')
    if told['images']:
        print(f'train_s={(told["seconds"] - told["waited"]) / told["images"]:.9f}')
    print(f'infer_s={told["infer_s"]:.9f}')
    print(f'test_s={told["test_s"]:.9f}')


def make_parser(description: str, size: int, size_is: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('data', type=Path)
    parser.add_argument('--model', choices=[*MODELS, 'vit_small'], default='resnet18')
    parser.add_argument('--epochs', type=int, default=5)
    parser.add_argument('--batch', type=int, default=32)
    parser.add_argument('--size', type=int, default=size, help=size_is)
    parser.add_argument('--lr', type=float, default=1e-3, help='highest learning rate of AdamW, one cycle')
    parser.add_argument('--workers', type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--init', type=Path, help='begin with the weights of this checkpoint')
    parser.add_argument('--save', type=Path, help='write the weights here at the end')
    parser.add_argument('--freeze', action='store_true', help='test, at the end, the network as it is served: frozen')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    return parser


def main() -> None:
    args = make_parser(__doc__.split('\n')[0], 128, 'side of the input of the network, pixels').parse_args()
    random.seed(args.seed)
    torch.manual_seed(args.seed)
    train_loader, test_loader, paths = make_loaders(args)
    model = make_model(args.model, len(train_loader.dataset.classes), args.size)
    if args.init:
        model.load_state_dict(torch.load(args.init, map_location='cpu'))
    told = fit(model, train_loader, test_loader, args)
    if args.save:
        torch.save(model.state_dict(), args.save)
    report(told, sum(os.stat(path).st_size for path in paths))


if __name__ == '__main__':
    main()

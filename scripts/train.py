#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Train an image classifier on a folder of images: plain PyTorch and torchvision, one folder a class.

    scripts/train.py DATA [--model resnet18] [--epochs 5] [--seed 0] [--init FILE] [--save FILE]

DATA has a folder for training (train) and one for testing (val or test), each with a folder for each class. Prints a
line for each epoch and, last, lines of `name=value`: accuracy (0..1, on the test images, after the last epoch),
images_per_s (training, over all epochs), bytes_read (of image files, an epoch), wait_share (of the training time spent
waiting for data).
"""
import argparse
import os
import random
import time
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, models, transforms

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, as torchvision's weights use


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
def evaluate(model: nn.Module, loader: DataLoader, device: torch.device) -> float:
    model.eval()
    right = total = 0
    for images, labels in loader:
        right += (model(images.to(device)).argmax(1).cpu() == labels).sum().item()
        total += len(labels)
    return right / max(total, 1)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('data', type=Path)
    parser.add_argument('--model', choices=[*MODELS, 'vit_small'], default='resnet18')
    parser.add_argument('--epochs', type=int, default=5)
    parser.add_argument('--batch', type=int, default=32)
    parser.add_argument('--size', type=int, default=128, help='side of the input of the network, pixels')
    parser.add_argument('--lr', type=float, default=1e-3, help='highest learning rate of AdamW, one cycle')
    parser.add_argument('--workers', type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--init', type=Path, help='begin with the weights of this checkpoint')
    parser.add_argument('--save', type=Path, help='write the weights here at the end')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    random.seed(args.seed)
    torch.manual_seed(args.seed)
    device = torch.device(args.device)
    train_loader, test_loader, paths = make_loaders(args)
    model = make_model(args.model, len(train_loader.dataset.classes), args.size)
    if args.init:
        model.load_state_dict(torch.load(args.init, map_location='cpu'))
    model.to(device)

    optimizer = torch.optim.AdamW(model.parameters(), args.lr, weight_decay=0.05)
    steps = max(1, args.epochs * len(train_loader))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.lr, steps)
    images, seconds, waited, accuracy = 0, 0.0, 0.0, evaluate(model, test_loader, device) if not args.epochs else 0.0
    for epoch in range(args.epochs):
        run = train_epoch(model, train_loader, optimizer, schedule, device)
        accuracy = evaluate(model, test_loader, device)
        images, seconds, waited = images + run['images'], seconds + run['seconds'], waited + run['waited']
        print(f'epoch {epoch + 1}/{args.epochs}: loss {run["loss"]:.3f}, accuracy {accuracy:.4f}, '
              f'{run["images"] / run["seconds"]:.1f} images/s, {run["waited"] / run["seconds"]:.1%} waiting',
              flush=True)
    if args.save:
        torch.save(model.state_dict(), args.save)
    print(f'accuracy={accuracy:.6f}')
    print(f'images_per_s={images / max(seconds, 1e-9):.2f}')
    print(f'bytes_read={sum(os.stat(path).st_size for path in paths)}')
    print(f'wait_share={waited / max(seconds, 1e-9):.4f}')


if __name__ == '__main__':
    main()

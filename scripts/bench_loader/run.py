# SPDX-License-Identifier: MIT
"""One run: copies and mounts are made, everything is timed in turns, and the figures put together."""
from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from . import report, timing
from .floors import flat_trees
from .loaders import LOADERS, Loader, use_one_thread, why_missing
from .peers import PEERS, SHRUNK, SOURCE, Inputs, Opened, Peer, shrink_tree
from .report import COLD, FILES, MOUNT, TREE
from .timing import Pass
from .trees import Mount, NoData, copy_jpegs, copy_tree, mean_bytes


class Settings(NamedTuple):
    icfs: Path
    dataset: Path
    work: Path              # an empty folder
    variants: Sequence[str]
    peers: bool
    images: int             # at most
    rounds: int
    least: float            # seconds that a cell is timed for in each round


class Key(NamedTuple):
    """A cell of the tables; a peer is `served` by its name and `source` is its pixels."""
    served: str
    source: str
    loader: str = ''


ORDER = (FILES, MOUNT, COLD)  # of rows
Times = dict[Key, list[float]]


def say(what: str) -> None:
    print(f'bench-loader: {what}', file=sys.stderr)


def usable_loaders(missing: dict[str, str]) -> list[Loader]:
    found = []
    for loader in LOADERS:
        reason = why_missing(loader.modules)
        if reason:
            missing[loader.name] = reason
        else:
            found.append(loader)
    if not found:
        raise NoData('nothing to time with: ' + '; '.join(missing.values()))
    return found


def opens(loader: Loader, variant: str) -> bool:
    return variant.partition(',')[2] in loader.faces


def time_cold(settings: Settings, tree: Path, loaders: Sequence[Loader]) -> Times:
    """Each on a mount of its own: what one loader has read is warm for the next."""
    times = {}
    for variant in settings.variants:
        for loader in loaders:
            if opens(loader, variant):
                with Mount(settings.icfs, tree, variant) as point:
                    times[Key(variant, COLD, loader.name)] = [timing.seconds(loader.open(point))]
    return times


def folder_cells(folders: dict[Key, Path], loaders: Sequence[Loader]) -> dict[Key, Pass]:
    """In the order they are timed in: what is compared lies side by side."""
    return {key._replace(loader=loader.name): loader.open(folder)
            for loader in loaders for key, folder in folders.items() if key.served == TREE or opens(loader, key.served)}


def open_peer(peer: Peer, inputs: Inputs) -> Opened | str:
    """Or the reason why it cannot be timed. Any error is one: a peer may import and still not work on this machine."""
    reason = why_missing(peer.modules)
    if reason:
        return reason
    try:
        opened = peer.open(inputs)
        opened.run()
        return opened
    except Exception as error:
        return f'{type(error).__name__}: {error}'


def open_peers(settings: Settings, tree: Path, missing: dict[str, str]) -> dict[Key, Opened]:
    if not settings.peers:
        return {}
    inputs = Inputs({SOURCE: tree, SHRUNK: settings.work / 'shrunk'}, settings.work)
    shrink_tree(tree, inputs.trees[SHRUNK])
    found = {}
    for peer in PEERS:
        opened = open_peer(peer, inputs)
        if isinstance(opened, Opened):
            found[Key(peer.name, peer.pixels)] = opened
        else:
            missing[f'{peer.name} ({peer.pixels})'] = ' '.join(opened.split())[:200]  # some are pages long
    return found


def make_rows(times: Times, nbytes: dict[str, float], images: int) -> list[dict[str, Any]]:
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for key, seconds in times.items():
        row = rows.setdefault(key[:2], {'served': key.served, 'from': key.source, 'bytes': round(nbytes[key.served], 1),
                                        'share': round(nbytes[key.served] / nbytes[TREE], 4), 'cells': {}})
        base = times[Key(TREE, FILES, key.loader)]
        files = times[key._replace(source=FILES)] if key.source == MOUNT else None
        row['cells'][key.loader] = report.cell(seconds, base, files, images)
    return sorted(rows.values(), key=lambda row: (list(nbytes).index(row['served']), ORDER.index(row['from'])))


def make_peers(times: Times, opened: dict[Key, Opened], base: Sequence[float], tree_bytes: float,
               images: int) -> list[dict[str, Any]]:
    return [{'name': key.served, 'pixels': key.source, 'bytes': round(peer.nbytes, 1),
             'share': round(peer.nbytes / tree_bytes, 4), **report.cell(times[key], base, None, images)}
            for key, peer in opened.items()]


def copy_served(settings: Settings, tree: Path) -> dict[str, float]:
    """Files with the bytes that each mount serves; returns what an image takes, mean, by what is served."""
    nbytes = {TREE: mean_bytes(tree)}
    for variant in settings.variants:
        with Mount(settings.icfs, tree, variant) as point:
            copy_tree(point, settings.work / variant)
        nbytes[variant] = mean_bytes(settings.work / variant)
    return nbytes


def time_warm(settings: Settings, tree: Path, floors: Iterable[str], loaders: Sequence[Loader],
              peers: dict[Key, Opened]) -> Times:
    folders = {Key(TREE, FILES): tree, **{Key(name, FILES): settings.work / name for name in floors}}
    with contextlib.ExitStack() as mounts:
        for variant in settings.variants:
            folders[Key(variant, FILES)] = settings.work / variant
            folders[Key(variant, MOUNT)] = mounts.enter_context(Mount(settings.icfs, tree, variant))
        cells = {**folder_cells(folders, loaders), **{key: peer.run for key, peer in peers.items()}}
        say(f'{len(cells)} cells, {settings.rounds} rounds')
        return timing.measure(cells, settings.rounds, settings.least)


def run(settings: Settings) -> dict[str, Any]:
    use_one_thread()
    missing: dict[str, str] = {}
    loaders = usable_loaders(missing)
    tree = settings.work / 'tree'
    images = copy_jpegs(settings.dataset, tree, settings.images)
    say(f'{images} images; files with the bytes that each mount serves')
    nbytes = copy_served(settings, tree)
    floors = flat_trees(settings.work, settings.variants, missing)
    say('cold mounts')
    cold = time_cold(settings, tree, loaders)
    say('peers')
    peers = open_peers(settings, tree, missing)
    times = time_warm(settings, tree, floors, loaders, peers)
    warm = {key: seconds for key, seconds in times.items() if key not in peers}
    return {'images': images, 'rounds': settings.rounds, 'loaders': [loader.name for loader in loaders],
            'rows': make_rows({**warm, **cold}, {**nbytes, **floors}, images),
            'peers': make_peers(times, peers, times[Key(TREE, FILES, loaders[0].name)], nbytes[TREE], images),
            'missing': missing}

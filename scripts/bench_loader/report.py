# SPDX-License-Identifier: MIT
"""Results as Markdown tables for people, and as JSON for programs.

The JSON is an object: `command`; `machine`; `images`, their number; `rounds`; `loaders`, their names; `rows`, a list;
`peers`, a list; `missing`, an object of name and reason. A row has `served` (DESIGN,FACE or `JPEG tree` or, for
floors.py, `one colour SAMPLING,jpeg`), `from` (`files`, `mount` or `cold mount`), `bytes` (an image, mean), `share` (of
the JPEG tree's) and `cells`, an object by name of the loader. A cell has `ms` (an image) and `ratio` (how many times as
fast as the JPEG tree), and warm on a mount `of_files` (its speed as a share of that of the same bytes in files);
`fastest` and `of_files_fastest` are the same of the fastest pass of either, the least disturbed where others use the
machine. A peer has `name`, `pixels`, `bytes`, `share`, and of these `ms`, `ratio` and `fastest`, to the JPEG tree under
the first loader. Each figure is an object of `min`, `median` and `max` over the rounds."""
from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from .timing import Spread, ratios, spread

TREE, FILES, MOUNT, COLD = 'JPEG tree', 'files', 'mount', 'cold mount'
Figure = dict[str, float]


def figure(values: Sequence[float]) -> Figure:
    return {name: round(value, 4) for name, value in Spread._asdict(spread(values)).items()}


def per_image(seconds: Sequence[float], images: int) -> Figure:
    return figure([value * 1e3 / images for value in seconds])


def cell(seconds: Sequence[float], base: Sequence[float], files: Sequence[float] | None,
         images: int) -> dict[str, Figure]:
    """A cold pass is no part of a round, so its ratio is to the median of the base."""
    pairs = base if len(seconds) == len(base) else [statistics.median(base)] * len(seconds)
    made = {'ms': per_image(seconds, images), 'ratio': figure(ratios(pairs, seconds)),
            'fastest': figure([min(pairs) / min(seconds)])}
    if files is not None:
        made['of_files'] = figure(ratios(files, seconds))
        made['of_files_fastest'] = figure([min(files) / min(seconds)])
    return made


def between(value: Figure, digits: int = 2) -> str:
    if value['min'] == value['max']:
        return f'{value["median"]:.{digits}f}'
    return f'{value["median"]:.{digits}f} ({value["min"]:.{digits}f}-{value["max"]:.{digits}f})'


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Columns of equal width, so that it reads as well in a terminal."""
    rows = [list(head), *map(list, lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    padded = ['| ' + ' | '.join(word.ljust(width) for word, width in zip(row, widths)) + ' |' for row in rows]
    return '\n'.join([padded[0], '|' + '|'.join('-' * (width + 2) for width in widths) + '|', *padded[1:]])


def cells_table(result: dict[str, Any], measure: str, digits: int, sources: Sequence[str]) -> str:
    lines = []
    for row in result['rows']:
        if row['from'] in sources:
            found = [row['cells'].get(name, {}).get(measure) for name in result['loaders']]
            lines.append([row['served'], row['from'], f'{row["share"]:.2f}',
                          *(between(value, digits) if value else '' for value in found)])
    return table(['served as', 'from', 'bytes', *result['loaders']], lines)


def peers_table(result: dict[str, Any]) -> str:
    lines = [[peer['name'], peer['pixels'], f'{peer["share"]:.2f}',
              *(between(peer[measure], digits) for measure, digits in (('ms', 3), ('ratio', 2), ('fastest', 2)))]
             for peer in result['peers']]
    return table(['peer', 'pixels', 'bytes', 'ms an image', 'ratio', 'fastest'], lines)


def render(result: dict[str, Any]) -> str:
    machine, tree = result['machine'], result['rows'][0]
    versions = ', '.join(f'{name} {number}' for name, number in machine['versions'].items())
    parts = [
        f'{result["command"]}\n{machine["date"]}; {machine["processor"]}, one of {machine["cores"]} cores; '
        f'Linux {machine["kernel"]}; Python {machine["python"]}; {versions}',
        f'{result["images"]} images of {tree["bytes"]:.0f} bytes. Times and ratios: median (least-most) of '
        f'{result["rounds"]} rounds, a cold pass once; bytes and speed of the JPEG tree = 1.',
        'How many times as fast as the JPEG tree:\n\n' + cells_table(result, 'ratio', 2, (TREE, FILES, MOUNT, COLD)),
        'The same of the fastest pass of each, which others disturbed least:\n\n' +
        cells_table(result, 'fastest', 2, (TREE, FILES, MOUNT)),
        'Speed of a warm mount as a share of that of the same bytes in files:\n\n' +
        cells_table(result, 'of_files', 2, (MOUNT,)),
        'The same of the fastest passes:\n\n' + cells_table(result, 'of_files_fastest', 2, (MOUNT,)),
        'Milliseconds an image:\n\n' + cells_table(result, 'ms', 3, (TREE, FILES, MOUNT, COLD)),
    ]
    if result['peers']:
        parts.append(f'Peers; ratio to the JPEG tree under {result["loaders"][0]}:\n\n' + peers_table(result))
    if result['missing']:
        parts.append('Missing:\n' + '\n'.join(f'  {name}: {reason}' for name, reason in result['missing'].items()))
    return '\n\n'.join(parts)

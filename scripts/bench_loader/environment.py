# SPDX-License-Identifier: MIT
"""The virtual environment that the peers are installed into, and what this machine is."""
from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

# In the versions that were tried, each installed by itself: what fails is named, and the others go on. FFCV is compiled
# here, with what scripts/packages lists for it, and brings opencv-python.
PACKAGES = (
    ('numpy==2.4.6', 'pillow==13.0.0', 'torch==2.15.0', 'torchvision==0.29.2'),
    ('opencv-python==5.0.0.93',),
    ('simplejpeg==1.9.0',),
    ('PyTurboJPEG==1.8.2',),  # later ones want libjpeg-turbo 3, which distributions may not have
    ('webdataset==1.0.2',),
    ('nvidia-dali-cuda130==2.4.0',),
    ('nvidia-nvimgcodec-cu13==0.9.0.20',),
    ('ffcv==1.0.2',),
)


def make_venv(venv: Path) -> Path:
    """Make the environment, once; returns its Python. `missing.json` in it holds what could not be installed."""
    python, record = venv / 'bin' / 'python', venv / 'missing.json'
    wanted = [' '.join(group) for group in PACKAGES]
    try:
        if json.loads(record.read_text())['wanted'] == wanted:
            return python
    except (OSError, ValueError, KeyError):
        pass
    subprocess.run([sys.executable, '-m', 'venv', '--clear', venv], check=True)
    missing = {}
    for group in PACKAGES:
        print(f'bench-loader: installing {" ".join(group)}', file=sys.stderr)
        reason = install(python, group)
        if reason:
            missing[' '.join(group)] = reason
    record.write_text(json.dumps({'wanted': wanted, 'missing': missing}, indent=1) + '\n')
    return python


def install(python: Path, group: tuple[str, ...]) -> str | None:
    """The reason why it cannot be installed, or None."""
    line = [python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', *group]
    done = subprocess.run(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode == 0:
        return None
    errors = [text for text in done.stdout.splitlines() if text.lower().startswith('error')]
    return errors[-1] if errors else f'pip ended with {done.returncode}'


def not_installed() -> dict[str, str]:
    """What make_venv() could not install into the environment that this Python runs in."""
    try:
        return json.loads(Path(sys.prefix, 'missing.json').read_text())['missing']
    except (OSError, ValueError, KeyError):
        return {}


def versions() -> dict[str, str]:
    """Of what is timed. Other programs' Python may know them by other names; those are left out."""
    names = [word.partition('==')[0] for group in PACKAGES for word in group]
    found = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            pass
    return found


def processor() -> str:
    try:
        with open('/proc/cpuinfo', encoding='utf-8') as file:
            return next(line.partition(':')[2].strip() for line in file if line.startswith('model name'))
    except (OSError, StopIteration):
        return platform.machine()


def machine() -> dict[str, object]:
    return {'processor': processor(), 'cores': os.cpu_count(), 'kernel': platform.release(),
            'python': platform.python_version(), 'versions': versions(),
            'date': datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%d')}


def leave(code: int) -> NoReturn:
    """Without unloading the peers: numba, which FFCV brings, may wait for ever for the threads of TBB as it goes."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

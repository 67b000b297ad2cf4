"""Makes the virtual environment with nothing but the standard library.

A fresh Debian has python3 without pip and without ensurepip, so pip is run from
its wheel, which lies beside this file. Versions are those of constraints.txt.

    python3 tools/make_venv.py FOLDER [EXTRA …]
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent


def main(folder: str, *extras: str) -> int:
    """Install the run-time dependencies, or those of the extras named."""
    if sys.version_info < (3, 11):
        print(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}", file=sys.stderr)
        return 2
    place = PROJECT / folder
    if not (place / "bin" / "python").exists():
        venv.create(place, with_pip=False, symlinks=True)
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"]
    if extras:
        wanted = [name for extra in extras for name in project["optional-dependencies"][extra]]
    print(f"installing {len(wanted)} packages and what they need …", file=sys.stderr, flush=True)
    return subprocess.run(
        [
            str(place / "bin" / "python"),
            str(next(HERE.glob("pip-*.whl")) / "pip"),
            *("install", "--quiet", "--disable-pip-version-check", "--no-warn-script-location"),
            *("--prefer-binary", "--root-user-action", "ignore"),
            *("--constraint", str(PROJECT / "constraints.txt")),
            *wanted,
        ],
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

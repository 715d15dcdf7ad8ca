"""Fetch a dataset from the shell: ``python -m helpers.datasets NAME [DATA_DIR]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from helpers.datasets import DatasetError, fetch


def main(argv: Sequence[str] | None = None) -> int:
    """Fetch a dataset from the shell: ``python -m helpers.datasets NAME [DATA_DIR]``."""
    parser = argparse.ArgumentParser(prog="python -m helpers.datasets", description="fetch")
    parser.add_argument("name", help="name of the dataset, see data/README.md")
    parser.add_argument("data_dir", nargs="?", default="data", help="folder of the datasets")
    arguments = parser.parse_args(argv)
    try:
        print(fetch(arguments.name, arguments.data_dir))
    except DatasetError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

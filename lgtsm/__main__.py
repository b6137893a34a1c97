"""`python -m lgtsm`: the command line without its console script."""

from __future__ import annotations

from .cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())

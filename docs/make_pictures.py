"""Make the pictures of the documentation from the project's own rendered scene.

Run from the repository: python docs/make_pictures.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from PIL import Image

from lgtsm.demo import run_demo
from lgtsm.scene.camera import SceneOptions

_WIDTH = 1200


def main() -> None:
    """Render the demo and keep its contact sheet as docs/demo.jpg."""
    with tempfile.TemporaryDirectory() as folder:
        result = run_demo(Path(folder), SceneOptions())
        sheet = Image.open(result.sheet).convert("RGB")
        size = (_WIDTH, round(sheet.height * _WIDTH / sheet.width))
        sheet.resize(size, Image.Resampling.LANCZOS).save(
            Path(__file__).parent / "demo.jpg", quality=88
        )


if __name__ == "__main__":
    main()

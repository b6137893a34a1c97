"""What must import without torch: the floor, the list of public names, the command line's help."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

TORCH_FREE = (
    "lgtsm",
    "lgtsm.errors",
    "lgtsm.knobs",
    "lgtsm.options",
    "lgtsm.report",
    "lgtsm.interruption",
    "lgtsm.whole_file",
    "lgtsm.file_names",
    "lgtsm.film_names",
    "lgtsm.plate_names",
    "lgtsm.timeline.options",
    "lgtsm.models.neighbour_spec",
    "lgtsm.models.spec",
    "lgtsm.weights.catalogue",
    "lgtsm.weights.header",
    "lgtsm.video.presets",
    "lgtsm.masks.draw.kinds",
    "lgtsm.masks.text.options",
    "lgtsm.evaluate.score.columns",
    "lgtsm.evaluate.score.paper",
    "lgtsm.evaluate.score.protocols",
)


def _run_without(packages, code):
    blocked = "".join(f"sys.modules[{name!r}] = None\n" for name in packages)
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{blocked}{code}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


HEAVY = ("torch", "av", "kornia", "einops", "safetensors", "PIL")


def test_floor_imports_without_torch():
    _run_without(HEAVY, "\n".join(f"import {name}" for name in TORCH_FREE))


def test_public_names_are_listed_without_torch():
    listed = _run_without(HEAVY, "import lgtsm\nprint(*dir(lgtsm), lgtsm.InpaintOptions.__name__)")
    assert "inpaint_video" in listed


def test_help_prints_without_torch():
    code = (
        "from lgtsm.cli.main import main\n"
        "try:\n    code = main(['--help'])\n"
        "except SystemExit as stop:\n    code = stop.code\n"
        "sys.exit(code)"
    )
    assert "lgtsm" in _run_without(HEAVY, code)


def test_clips_in_memory_bench_and_training_need_no_pyav_and_no_kornia():
    code = (
        "import lgtsm\n"
        "lgtsm.inpaint, lgtsm.load_model, lgtsm.free_form_masks, lgtsm.estimate\n"
        "import lgtsm.models.build, lgtsm.engine.run, lgtsm.weights.load\n"
        "import lgtsm.evaluate.bench.run, lgtsm.scene.render, train.loop, train.tools.export, train.tools.compare\n"
    )
    _run_without(("av", "kornia"), code)

"""`lgtsm score`: compare methods on clips and keep every number."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import OptionError
from ..evaluate.score.protocols import PROTOCOLS
from ..interruption import Interruption
from ..options import InpaintOptions, RunOptions
from . import score_masks
from .arguments import add_model, add_options
from .terminal import align_tables, make_folder, progress_bar, write_text

if TYPE_CHECKING:
    from ..evaluate.score.results import Results
    from ..evaluate.score.run import ScoreSettings

_QUICK_METHODS = ("mean", "telea", "ns", "smooth", "nearest", "median", "homography", "flow")
_TRACKING = "tracking"
"""The protocol that measures masks instead of fills."""
_EPILOG = """The folder of -o keeps every cell (one method on one case), so that the same command continues
where it was stopped and repeats only what changed: the clips, a method's options, or the code it
depends on.

examples:
  lgtsm score --quick -o quick
  lgtsm score --protocol moving --data EVAL --perceptual SQUEEZENET -o run --workers 2
  lgtsm score --data EVAL -o run --variant "still=--motion none" --theirs NAME=DIR
  lgtsm score --data EVAL --export inputs            inputs for other tools
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "score",
        help="compare the quality with other methods",
        description="Run methods side by side on clips with known truth; write results.json, tables, plots and\n"
        "pictures, worst cases first.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--protocol",
        choices=(*PROTOCOLS, *score_masks.PROTOCOLS, _TRACKING),
        help="which clips and holes [moving, with --quick scene]",
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="the data set's folder")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("lgtsm_score"),
        metavar="DIR",
        help="folder for results, cells and pictures [./lgtsm_score]",
    )
    parser.add_argument(
        "--quick", action="store_true", help="the rendered scenes, or two clips of --data, 8 frames"
    )
    group = parser.add_argument_group("what")
    group.add_argument(
        "--frames", type=int, metavar="N", help="first frames of each clip; 0 is all"
    )
    group.add_argument("--clips", type=int, metavar="N", help="the first clips only")
    group.add_argument(
        "--methods",
        metavar="A,B",
        help="simple methods by name, and `network` for the network alone; none runs none of them "
        "[all]",
    )
    group.add_argument(
        "--theirs",
        action="append",
        default=[],
        metavar="NAME=DIR",
        help="results of another tool, in DIR/CLIP.HOLES; may be repeated",
    )
    group.add_argument(
        "--variant",
        action="append",
        default=[],
        metavar='NAME="OPTIONS"',
        help="another variant of this package with options as below; may be repeated",
    )
    group.add_argument(
        "--perceptual", type=Path, metavar="FILE", help="SqueezeNet v1.0 as safetensors"
    )
    group.add_argument(
        "--i3d", type=Path, metavar="FILE", help="I3D (RGB) as safetensors, for the video FID"
    )
    group.add_argument(
        "--lpips", choices=("alex", "vgg", "squeeze"), help="add LPIPS (needs the package lpips)"
    )
    group.add_argument(
        "--export", type=Path, metavar="DIR", help="write the inputs for other tools and stop"
    )
    group.add_argument(
        "--page", type=Path, metavar="DIR", help="print RESULTS.md from the results in DIR and stop"
    )
    _add_product(parser)
    group = parser.add_argument_group("run")
    group.add_argument(
        "--workers",
        type=int,
        default=max(1, (os.cpu_count() or 1)),
        metavar="N",
        help="processes of one thread each [as many as cores]",
    )
    group.add_argument("--no-pictures", action="store_true", help="no films, sheets and plots")
    group.add_argument("--quiet", action="store_true", help="no bar")
    parser.set_defaults(run=run)


def _add_product(parser: argparse.ArgumentParser) -> None:
    """Add the options of this package's own fill, as in `lgtsm inpaint`."""
    add_model(parser)
    add_options(parser.add_argument_group("fill"), InpaintOptions, skip=("cuts", "feather"))
    add_options(parser.add_argument_group("machine"), RunOptions)


def _product(arguments: argparse.Namespace) -> tuple[InpaintOptions, str | None]:
    """Return options and model of one variant; feathering would blend in the black of the hole."""
    given = vars(arguments)
    return InpaintOptions.of(given, feather=0, run=RunOptions.of(given)), arguments.model


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Score, write the results and print the tables."""
    from ..evaluate.score.run import run_score

    if arguments.page:
        from ..evaluate.score.page import page_of_folder

        print(page_of_folder(arguments.page), end="")
        return 0
    if arguments.protocol in score_masks.PROTOCOLS:
        return score_masks.run(arguments, interruption)
    if arguments.protocol == _TRACKING:
        return _track(arguments, interruption)
    settings = _settings(arguments)
    if arguments.export:
        return _export(settings, arguments.export)
    with progress_bar("score", unit="case", quiet=arguments.quiet) as bar:
        results = run_score(settings, progress=bar, cancel=interruption.happened)
    _write(results, settings, pictures=not arguments.no_pictures)
    return 0


def _track(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Measure the tracker, write tracking.json and print the tables."""
    from ..evaluate.score.tracking import TrackingSettings, run_tracking
    from ..evaluate.tracking.results import tracking_text

    settings = TrackingSettings(
        data=arguments.data,
        num_frames=arguments.frames or None,
        max_clips=arguments.clips,
        workers=arguments.workers,
    )
    make_folder(arguments.output)
    with progress_bar("score", unit="clip", quiet=arguments.quiet) as bar:
        results = run_tracking(settings, progress=bar, cancel=interruption.happened)
    target = arguments.output / "tracking.json"
    write_text(target, results.to_json())
    print(tracking_text(results))
    print(f"results: {target}")
    return 0


def _settings(arguments: argparse.Namespace) -> ScoreSettings:
    from ..evaluate.score.measure import NetworkPaths
    from ..evaluate.score.methods import choose_methods
    from ..evaluate.score.protocols import find_protocol
    from ..evaluate.score.run import ScoreSettings

    scene = arguments.quick and arguments.data is None
    protocol = find_protocol(arguments.protocol or ("scene" if scene else "moving"))
    names = None
    if arguments.methods is not None:
        names = [n for n in arguments.methods.split(",") if n not in ("", "none")]
    elif arguments.quick:
        names = list(_QUICK_METHODS)
    ours = [("lgtsm", *_product(arguments))]
    ours += [_variant(text) for text in arguments.variant]
    theirs = [(name, Path(folder)) for name, folder in map(_pair, arguments.theirs)]
    chosen = choose_methods(names, ours, theirs)
    clips = arguments.clips
    if arguments.quick and clips is None and arguments.data is not None:
        clips = 2
    frames = arguments.frames
    if arguments.quick and frames is None:
        frames = 8
    shown = tuple(m.name for m in chosen.methods if m.name in _shown(arguments))
    return ScoreSettings(
        protocol=protocol,
        chosen=chosen,
        out=arguments.output,
        data=arguments.data,
        num_frames=frames,
        max_clips=clips,
        networks=NetworkPaths(
            perceptual=arguments.perceptual, i3d=arguments.i3d, lpips=arguments.lpips
        ),
        workers=arguments.workers,
        shown=() if arguments.no_pictures else shown,
    )


def _shown(arguments: argparse.Namespace) -> set[str]:
    names = {"smooth", "homography", "flow", "lgtsm", "truth"}
    return names | {_pair(text)[0] for text in (*arguments.variant, *arguments.theirs)}


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise OptionError(f"Expected NAME=VALUE, got {text}; write it as mine=VALUE.")
    return name, value


def _variant(text: str) -> tuple[str, InpaintOptions, str | None]:
    """Read NAME="OPTIONS" with the options of this command's own fill."""
    name, options = _pair(text)
    parser = argparse.ArgumentParser(prog=f"--variant {name}", add_help=False)
    _add_product(parser)
    try:
        words = _words(options)
    except ValueError as error:
        raise OptionError(
            f"Expected the options of variant {name} as on a command line, got {options:.80} "
            f"({error}); close the quotes."
        ) from error
    return name, *_product(parser.parse_args(words))


def _words(options: str) -> list[str]:
    """Split options into words at spaces outside quotes; a backslash is a letter, as in paths of Windows.

    Raises:
        ValueError: a quote is not closed.
    """
    lexer = shlex.shlex(options, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.escape, lexer.commenters = True, "", ""
    return list(lexer)


def _export(settings: ScoreSettings, folder: Path) -> int:
    from ..evaluate.score.cases import plan_cases
    from ..evaluate.score.pictures import export_inputs

    cases = plan_cases(
        settings.protocol,
        settings.data,
        num_frames=settings.num_frames,
        max_clips=settings.max_clips,
    )
    print(f"{export_inputs(cases, folder)} cases written to {folder}")
    return 0


def _write(results: Results, settings: ScoreSettings, *, pictures: bool) -> None:
    """Write results.json, summary.json, tables.md, plots and the list of the worst."""
    import json

    from ..evaluate.score.pictures import write_index
    from ..evaluate.score.plots import has_matplotlib, write_plots
    from ..evaluate.score.results import strict_json
    from ..evaluate.score.summary import main_method, summarise, worst_cases
    from ..evaluate.score.tables import full_text

    out, text = settings.out, full_text(results)
    try:
        (out / "results.json").write_text(results.to_json() + "\n", encoding="utf-8")
        summary = json.dumps(strict_json(summarise(results)), indent=1, allow_nan=False)
        (out / "summary.json").write_text(summary + "\n", encoding="utf-8")
        (out / "tables.md").write_text(text, encoding="utf-8")
        main = main_method(results)
        if pictures and main:
            write_index(out, worst_cases(results, main), main)
        if pictures and has_matplotlib():
            write_plots(results, out / "plots")
    except OSError as error:
        raise OptionError(
            f"Expected to write the results to {out}, got: {error.strerror}; check free space."
        ) from error
    print(align_tables(text) if sys.stdout.isatty() else text)
    print(f"results: {out / 'results.json'}")

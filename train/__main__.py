"""`python -m train COMMAND`; the commands are listed in `arguments`."""

from __future__ import annotations

import argparse
import logging
import sys
import traceback
from collections import Counter
from io import TextIOWrapper
from pathlib import Path

import torch
from tqdm import tqdm

from lgtsm.errors import told
from lgtsm.metrics.perceptual import load_features
from lgtsm.weights.load import load_model

from .arguments import build_parser, recipe_of, run_of
from .data.cached import cache_items
from .data.sources import Library, is_decoded, open_library, open_or_prepare, prepare
from .loop import train, train_both
from .losses.perceptual import PerceptualNet, load_perceptual
from .process_group import ProcessGroup, open_group
from .run import STAGES, Run
from .session import warn_of_losses
from .tools.blend_weights import fit_blend_weights
from .tools.compare import compare, format_scores, write_scores
from .tools.export import Terms, export
from .tools.slice import train_slice
from .tools.strength import format_trials, try_strengths


def _prepare(args: argparse.Namespace) -> None:
    library = prepare(args.data, args.out, num_scenes=args.scenes)
    print(f"{len(library.clips)} clips and photographs in {args.out}")


def _items(args: argparse.Namespace) -> None:
    # of the training clips only; validation items are made by each run
    training, _ = open_library(args.data).split()
    counts = cache_items(training, recipe_of(args), args.out, args.count, workers=args.workers)
    with tqdm(total=args.count, disable=None) as bar:
        for count in counts:
            bar.update(count - bar.n)
    print(f"{args.count} items in {args.out}")


def _stage(args: argparse.Namespace) -> None:
    """Train one stage in this process, or in all processes that torchrun has started."""
    run, net = run_of(args), _perceptual(args)
    with open_group(args.device) as group:
        train(run, _library(run, args.data, net, group), net, group)


def _all(args: argparse.Namespace) -> None:
    run, net = run_of(args), _perceptual(args)
    run.recipe.stage(STAGES[1])  # fail before anything slow
    with open_group(args.device) as group:
        train_both(run, _library(run, args.data, net, group), net, group)


def _library(run: Run, data: Path, net: PerceptualNet | None, group: ProcessGroup) -> Library:
    """Open decoded clips; one process alone decodes films itself."""
    if group.size > 1 or is_decoded(data):
        return open_library(data)
    run.torch_device()
    warn_of_losses(run, net)  # again where the stage starts: decoding may take hours
    return open_or_prepare(data, run.out, resume=run.resume)


def _slice(args: argparse.Namespace) -> None:
    summary = train_slice(run_of(args), args.data, _perceptual(args))
    print(f"{summary['clips_per_second']} clips a second, steps {summary['steps']}")


def _perceptual(args: argparse.Namespace) -> PerceptualNet | None:
    return load_perceptual(args.perceptual) if args.perceptual else None


def _export(args: argparse.Namespace) -> None:
    name = load_perceptual(args.perceptual).name if args.perceptual else "not stated"
    terms = Terms(stage=args.stage, licence=args.licence, strength=args.strength, perceptual=name)
    card = export(args.run, recipe_of(args), open_library(args.data), args.out, terms)
    print(f"{args.out}: {card.provenance['steps']} steps, half precisions {card.dtypes}")


def _blend_weights(args: argparse.Namespace) -> None:
    blended, best = fit_blend_weights(
        open_library(args.data),
        args.out,
        num_clips=args.clips,
        steps=args.steps,
        seed=args.seed,
        workers=args.workers,
    )
    print(f"{args.out}: {blended:.2f} dB on held-out sources ({best:.2f} dB best)")


def _compare(args: argparse.Namespace) -> None:
    folders = sorted(p for p in args.clips.iterdir() if p.is_dir())
    net, network = load_features(args.perceptual), load_model(args.weights)
    scores = compare(network, folders, net, num_frames=args.frames)
    print(format_scores(scores))
    if args.json:
        write_scores(scores, args.json)


def _strength(args: argparse.Namespace) -> None:
    stems = Counter(path.stem for path in args.weights)  # in hub folders all are called "model"
    networks = {
        path.stem if stems[path.stem] == 1 else str(path): load_model(path) for path in args.weights
    }
    _, held_out = open_library(args.data).split()
    features = load_features(args.perceptual)
    trials = try_strengths(
        networks, held_out, features, num_clips=args.clips, num_frames=args.frames
    )
    print(format_trials(list(trials)))


_COMMANDS = {
    "prepare": _prepare,
    "items": _items,
    "stage1": _stage,
    "stage2": _stage,
    "all": _all,
    "slice": _slice,
    "export": _export,
    "blend-weights": _blend_weights,
    "compare": _compare,
    "strength": _strength,
}


def main(argv: list[str] | None = None) -> int:
    """Run one command; return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a console need not know every letter of a name
            stream.reconfigure(errors="backslashreplace")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    args = build_parser().parse_args(argv)
    try:
        if getattr(args, "threads", None):
            torch.set_num_threads(args.threads)
        _COMMANDS[args.command](args)
    except KeyboardInterrupt:
        print("train: interrupted", file=sys.stderr)
        return 130
    except Exception as error:  # noqa: BLE001  the outermost level: a sentence for every error
        if args.debug:
            traceback.print_exc()
        is_known, sentence = told(error)
        print(f"train: {sentence}", file=sys.stderr)
        return 1 if is_known else 3
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

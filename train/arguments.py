"""The command line of `python -m train`."""

from __future__ import annotations

import argparse
from dataclasses import fields, replace
from pathlib import Path

from .recipe import Recipe, with_width
from .recipes import RECIPES, load_recipe
from .run import STAGES, Precision, Run

_SUMMARY = """Train networks: decode clips (prepare), cache items (items), train one stage or both
(stage1, stage2, all), train a slice on a machine that is only available for a while (slice), export
weights (export), choose how much of their correction to apply (strength), score them (compare), fit
the weights of the blending (blend-weights)."""
_CACHE = "folder that prepare wrote"
_SQUEEZENET = "SqueezeNet weights"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(prog="python -m train", description=_SUMMARY)
    parser.add_argument(
        "--debug", action="store_true", help="show where an error arose (the traceback)"
    )
    commands = parser.add_subparsers(dest="command", required=True)

    prepare = commands.add_parser("prepare", help="decode clips and photographs once")
    prepare.add_argument("--data", type=Path, help="folder or manifest, see docs/training.md")
    prepare.add_argument("--out", type=Path, required=True, help="folder for the decoded arrays")
    prepare.add_argument("--scenes", type=int, default=0, help="also render this many scenes")

    items = commands.add_parser("items", help="cache items, for recipes that train on cached items")
    items.add_argument("--data", type=Path, required=True, help=_CACHE)
    items.add_argument("--out", type=Path, required=True, help="folder for the items")
    _add_recipe(items)
    items.add_argument("--count", type=int, default=500, help="number of items")
    items.add_argument("--workers", type=int, default=1, help="processes that make them")

    for name, text in (
        ("stage1", "train, without a discriminator except for guided"),
        ("stage2", "train with a discriminator, from the weights of stage 1 (--init)"),
        ("all", "both stages, into OUT/stage1 and OUT/stage2"),
        ("slice", "train from one compact checkpoint to the next"),
    ):
        _add_training(commands.add_parser(name, help=text), name)

    export = commands.add_parser("export", help="write a run's averaged weights for inference")
    export.add_argument("--run", type=Path, required=True, help="folder of the run")
    export.add_argument("--data", type=Path, required=True, help=f"{_CACHE}, for the card")
    _add_recipe(export)
    export.add_argument("--stage", choices=STAGES, default="stage1")
    export.add_argument("--out", type=Path, required=True, help=".safetensors file, or hub folder")
    export.add_argument(
        "--strength", type=float, default=1.0, help="scale the correction of the fill, 0..1"
    )
    export.add_argument("--licence", default="Apache-2.0", help="licence of the weights")
    export.add_argument("--perceptual", type=Path, help="feature network of the losses")

    blend = commands.add_parser("blend-weights", help="fit the weights of copies and smooth fill")
    blend.add_argument("--data", type=Path, required=True, help=_CACHE)
    blend.add_argument("--out", type=Path, required=True, help=".safetensors file")
    blend.add_argument("--clips", type=int, default=248, help="clips to draw")
    blend.add_argument("--steps", type=int, default=1200)
    blend.add_argument("--workers", type=int, default=1, help="processes that make the items")
    blend.add_argument("--seed", type=int, default=0)

    strength = commands.add_parser(
        "strength", help="score several strengths of the correction on held-out clips"
    )
    strength.add_argument(
        "--weights", type=Path, nargs="+", required=True, help="full-strength files"
    )
    strength.add_argument("--data", type=Path, required=True, help=_CACHE)
    strength.add_argument("--perceptual", type=Path, required=True, help=_SQUEEZENET)
    strength.add_argument("--clips", type=int, default=14, help="clips to draw")
    strength.add_argument("--frames", type=int, default=16, help="frames of each clip")

    compare = commands.add_parser("compare", help="score weights and fills on clips with truth")
    compare.add_argument("--weights", type=Path, required=True, help=".safetensors file")
    compare.add_argument("--clips", type=Path, required=True, help="folder of folders of frames")
    compare.add_argument("--perceptual", type=Path, required=True, help=_SQUEEZENET)
    compare.add_argument("--frames", type=int, default=16, help="frames of each clip")
    compare.add_argument("--json", type=Path, help="also write all scores to this file")
    return parser


def _add_recipe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipe", choices=list(RECIPES), default="refine_small")
    parser.add_argument("--width", type=int, help="base width instead of the recipe's")
    parser.add_argument("--batch", type=int, help="items of a step instead of the recipe's")
    parser.add_argument("--size", type=int, help="side of square crops instead of the recipe's")
    parser.add_argument("--frames", type=int, help="frames of an item instead of the recipe's")
    parser.add_argument("--seed", type=int, help="instead of the recipe's")


def _add_training(parser: argparse.ArgumentParser, command: str) -> None:
    """Add the options that all training commands share."""
    other = "or its .tar" if command == "slice" else "or films, decoded into OUT/data first"
    parser.add_argument("--data", type=Path, required=True, help=f"{_CACHE}; {other}")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    _add_recipe(parser)
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--steps", type=int, help="end each stage after this many steps")
    length.add_argument("--minutes", type=float, help="end after this long, resumed time included")
    parser.add_argument(
        "--schedule-minutes", type=float, help="length of the whole schedule, for slices"
    )
    parser.add_argument(
        "--perceptual",
        help="SqueezeNet or VGG-16 as safetensors, or the word torchvision; dfpn needs VGG-16",
    )
    if command == "slice":
        parser.set_defaults(resume=False)
        parser.add_argument("--stage", choices=STAGES, default="stage1")
        parser.add_argument(
            "--checkpoint", type=Path, help="folder of the compact checkpoint to continue from"
        )
    else:
        parser.set_defaults(stage=STAGES[0] if command == "all" else command, checkpoint=None)
        parser.add_argument("--resume", action="store_true", help="continue the run in --out")
    parser.add_argument("--aligner", type=Path, help="network that aligns references, for chn")
    parser.add_argument("--init", type=Path, help="weight file or run to start from")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", choices=[p.value for p in Precision], default="auto")
    parser.add_argument("--items", type=Path, help="folder of cached items to train on")
    parser.add_argument("--micro-batch", type=int, help="items in the network at once")
    parser.add_argument("--threads", type=int, help="threads of the training process")
    parser.add_argument("--workers", type=int, default=1, help="processes that make items")
    parser.add_argument("--validate-minutes", type=float, default=10.0)
    parser.add_argument("--validate-items", type=int, default=24)
    parser.add_argument("--picture-steps", type=int, default=1000)
    parser.add_argument("--log-steps", type=int, default=50)


def recipe_of(args: argparse.Namespace) -> Recipe:
    """Return the recipe with the changes from the command line."""
    recipe = load_recipe(args.recipe)
    if args.width:
        recipe = with_width(recipe, args.width)
    data = {"size": args.size, "width": 0} if args.size else {}
    data |= {"num_frames": args.frames} if args.frames else {}
    recipe = replace(recipe, data=replace(recipe.data, **data))
    if args.seed is not None:
        recipe = replace(recipe, seed=args.seed)
    if args.batch:
        second = recipe.stage2 and replace(recipe.stage2, batch=args.batch)
        first = replace(recipe.stage1, batch=args.batch)
        recipe = replace(recipe, stage1=first, stage2=second)
    return recipe


def run_of(args: argparse.Namespace) -> Run:
    """Return the run of a training command."""
    names = {field.name for field in fields(Run)}
    changed = {
        "recipe": recipe_of(args),
        "precision": Precision(args.precision),
        "num_workers": args.workers,
        "validate_seconds": 60 * args.validate_minutes,
    }
    return Run(**{name: value for name, value in vars(args).items() if name in names} | changed)

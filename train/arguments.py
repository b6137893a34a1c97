"""The words of `python -m train`, and the objects they become."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from .recipe import Recipe, with_width
from .recipes import NAMES, load_recipe
from .run import STAGES, Precision, Run

_SUMMARY = """Train networks: decode clips once (prepare), make items once (items), train one stage or
both (stage1, stage2, all), train a slice on a machine that is free for a while (slice), write weights (export),
choose how strongly they step from the copies (strength), score them (compare)."""


def build_parser() -> argparse.ArgumentParser:
    """Describe the commands."""
    parser = argparse.ArgumentParser(prog="python -m train", description=_SUMMARY)
    commands = parser.add_subparsers(dest="command", required=True)
    ready = commands.add_parser("prepare", help="decode clips and photographs once")
    ready.add_argument("--data", type=Path, help="folder or manifest, see docs/training.md")
    ready.add_argument("--out", type=Path, required=True, help="folder for the decoded arrays")
    ready.add_argument("--scenes", type=int, default=0, help="also render so many scenes")
    kept = commands.add_parser("items", help="make items once, for recipes that keep them")
    kept.add_argument("--data", type=Path, required=True, help="folder that prepare wrote")
    kept.add_argument("--out", type=Path, required=True, help="folder for the items")
    _add_recipe(kept)
    kept.add_argument("--count", type=int, default=500, help="how many")
    kept.add_argument("--workers", type=int, default=1, help="processes that make them")
    for name, text in (
        ("stage1", "train without an adversary"),
        ("stage2", "train with one, from the weights of stage 1 (--init)"),
        ("all", "both stages, into OUT/stage1 and OUT/stage2"),
        ("slice", "train a slice from a light state and leave another"),
    ):
        _add_training(commands.add_parser(name, help=text), name)
    out = commands.add_parser("export", help="write a run's averaged weights for inference")
    out.add_argument("--run", type=Path, required=True, help="folder of the run")
    out.add_argument("--data", type=Path, required=True, help="decoded clips, for the card")
    _add_recipe(out)
    out.add_argument("--stage", choices=STAGES, default="stage1")
    out.add_argument("--out", type=Path, required=True, help=".safetensors file, or hub folder")
    out.add_argument(
        "--strength", type=float, default=1.0, help="scale the step from the fill, 0..1"
    )
    out.add_argument("--licence", default="Apache-2.0", help="licence of the weights")
    out.add_argument("--perceptual", type=Path, help="feature network that was trained with")
    gate = commands.add_parser("gate", help="fit the numbers that weigh copies and smooth fill")
    gate.add_argument("--data", type=Path, required=True, help="folder that prepare wrote")
    gate.add_argument("--out", type=Path, required=True, help="the .safetensors file")
    gate.add_argument("--clips", type=int, default=248, help="clips to draw")
    gate.add_argument("--steps", type=int, default=1200)
    gate.add_argument("--workers", type=int, default=1, help="processes that make the items")
    gate.add_argument("--seed", type=int, default=0)
    strong = commands.add_parser(
        "strength", help="try how strongly weights should step from the copies, on held-out clips"
    )
    strong.add_argument(
        "--weights", type=Path, nargs="+", required=True, help="full-strength files"
    )
    strong.add_argument("--data", type=Path, required=True, help="folder that prepare wrote")
    strong.add_argument("--perceptual", type=Path, required=True, help="SqueezeNet weights")
    strong.add_argument("--clips", type=int, default=14, help="clips to draw")
    strong.add_argument("--frames", type=int, default=16, help="of each")
    against = commands.add_parser("compare", help="score weights against fills on true clips")
    against.add_argument("--weights", type=Path, required=True, help="the .safetensors file")
    against.add_argument("--clips", type=Path, required=True, help="folder of folders of frames")
    against.add_argument("--perceptual", type=Path, required=True, help="SqueezeNet weights")
    against.add_argument("--frames", type=int, default=16)
    against.add_argument("--json", type=Path, help="write every single score here")
    return parser


def _add_recipe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipe", choices=NAMES, default="refine_small")
    parser.add_argument("--width", type=int, help="base width instead of the recipe's")
    parser.add_argument("--batch", type=int, help="items of a step instead of the recipe's")
    parser.add_argument("--size", type=int, help="side of square crops instead of the recipe's")
    parser.add_argument("--frames", type=int, help="frames of an item instead of the recipe's")
    parser.add_argument("--seed", type=int, help="instead of the recipe's")


def _add_training(parser: argparse.ArgumentParser, command: str) -> None:
    """Add what all training commands share."""
    parser.add_argument(
        "--data", type=Path, required=True, help="folder that prepare wrote; slice: or a .tar of it"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    _add_recipe(parser)
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--steps", type=int, help="end each stage after so many steps")
    length.add_argument("--minutes", type=float, help="end after so long, resumed time included")
    parser.add_argument(
        "--schedule-minutes", type=float, help="length of the whole schedule, for slices"
    )
    parser.add_argument(
        "--perceptual", help="SqueezeNet or VGG-16 as safetensors, or the word torchvision"
    )
    if command == "slice":
        parser.add_argument("--stage", choices=STAGES, default="stage1")
        parser.add_argument("--light", type=Path, help="folder of the light state to go on from")
    else:
        parser.add_argument("--resume", action="store_true", help="go on from the state in --out")
    parser.add_argument("--init", type=Path, help="weight file or run whose weights come first")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", choices=[p.value for p in Precision], default="auto")
    parser.add_argument("--items", type=Path, help="folder of kept items to learn from")
    parser.add_argument("--at-once", type=int, help="items in the network at once")
    parser.add_argument("--threads", type=int, help="threads of the training process")
    parser.add_argument("--workers", type=int, default=1, help="processes that make items")
    parser.add_argument("--validate-minutes", type=float, default=10.0)
    parser.add_argument("--validate-items", type=int, default=24)
    parser.add_argument("--picture-steps", type=int, default=1000)
    parser.add_argument("--log-steps", type=int, default=50)


def recipe_of(args: argparse.Namespace) -> Recipe:
    """Return the recipe that was asked for, with what the command line changes in it."""
    recipe = load_recipe(args.recipe)
    if args.width:
        recipe = with_width(recipe, args.width)
    if args.size:
        recipe = replace(recipe, data=replace(recipe.data, size=args.size, width=0))
    if args.frames:
        recipe = replace(recipe, data=replace(recipe.data, num_frames=args.frames))
    if args.seed is not None:
        recipe = replace(recipe, seed=args.seed)
    if args.batch:
        second = recipe.stage2 and replace(recipe.stage2, batch=args.batch)
        first = replace(recipe.stage1, batch=args.batch)
        recipe = replace(recipe, stage1=first, stage2=second)
    return recipe


def run_of(args: argparse.Namespace) -> Run:
    """Return the run that was asked for."""
    return Run(
        out=args.out,
        steps=args.steps,
        minutes=args.minutes,
        schedule_minutes=args.schedule_minutes,
        resume=getattr(args, "resume", False),
        init=args.init,
        light=getattr(args, "light", None),
        device=args.device,
        precision=Precision(args.precision),
        items=args.items,
        at_once=args.at_once,
        num_workers=args.workers,
        validate_seconds=60 * args.validate_minutes,
        validate_items=args.validate_items,
        picture_steps=args.picture_steps,
        log_steps=args.log_steps,
    )

"""`python -m train prepare|stage1|export|compare`."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import torch

from lgtsm.metrics.perceptual import load_features
from lgtsm.weights.load import load_model

from .compare import compare, format_scores, write_scores
from .export import export
from .loop import Run, train_stage1
from .recipes import NAMES, load_recipe
from .sources import open_library, prepare


def _parser() -> argparse.ArgumentParser:
    """Describe the commands."""
    parser = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    ready = commands.add_parser("prepare", help="decode clips and photographs once")
    ready.add_argument("--data", type=Path, required=True, help="folder with train/ and stills/")
    ready.add_argument("--out", type=Path, required=True, help="folder for the decoded arrays")
    stage1 = commands.add_parser("stage1", help="train without an adversary")
    stage1.add_argument("--data", type=Path, required=True, help="folder made by prepare")
    stage1.add_argument("--out", type=Path, required=True, help="folder of the run")
    stage1.add_argument("--recipe", choices=NAMES, default="refine_cpu")
    length = stage1.add_mutually_exclusive_group(required=True)
    length.add_argument("--steps", type=int, help="end after so many steps")
    length.add_argument(
        "--minutes", type=float, help="end after so much time, resumed time included"
    )
    stage1.add_argument("--perceptual", type=Path, help="SqueezeNet v1.0 safetensors file")
    stage1.add_argument("--resume", action="store_true", help="go on from the state in --out")
    stage1.add_argument("--device", default="cpu")
    stage1.add_argument("--bf16", action="store_true", help="run the trunk in bfloat16")
    stage1.add_argument("--threads", type=int, help="threads of the training process")
    stage1.add_argument("--workers", type=int, default=1, help="processes that make items")
    stage1.add_argument("--validate-steps", type=int, default=500)
    out = commands.add_parser("export", help="write a run's averaged weights for inference")
    out.add_argument("--run", type=Path, required=True, help="folder of the run")
    out.add_argument(
        "--data", type=Path, required=True, help="folder made by prepare, for the card"
    )
    out.add_argument("--recipe", choices=NAMES, default="refine_cpu")
    out.add_argument("--out", type=Path, required=True, help="the .safetensors file")
    out.add_argument(
        "--strength", type=float, default=1.0, help="scale the step from the fill, 0..1"
    )
    out.add_argument("--licence", default="Apache-2.0", help="licence of the weights")
    against = commands.add_parser("compare", help="score weights against fills on true clips")
    against.add_argument("--weights", type=Path, required=True, help="the .safetensors file")
    against.add_argument("--clips", type=Path, required=True, help="folder of folders of frames")
    against.add_argument("--perceptual", type=Path, required=True, help="SqueezeNet weights")
    against.add_argument("--frames", type=int, default=16)
    against.add_argument("--json", type=Path, help="write every single score here")
    return parser


def main() -> None:
    """Run one command."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    args = _parser().parse_args()
    if args.command == "prepare":
        library = prepare(args.data, args.out)
        print(f"{len(library.clips)} clips and photographs in {args.out}")
    elif args.command == "stage1":
        if args.threads:
            torch.set_num_threads(args.threads)
        run = Run(
            out=args.out,
            steps=args.steps,
            minutes=args.minutes,
            resume=args.resume,
            device=args.device,
            bf16=args.bf16,
            num_workers=args.workers,
            validate_steps=args.validate_steps,
        )
        net = load_features(args.perceptual).to(args.device) if args.perceptual else None
        train_stage1(open_library(args.data), load_recipe(args.recipe), run, net)
    elif args.command == "compare":
        folders = sorted(p for p in args.clips.iterdir() if p.is_dir())
        net = load_features(args.perceptual)
        network = load_model(args.weights)
        scores = compare(network, folders, net, num_frames=args.frames)
        print(format_scores(scores))
        if args.json:
            write_scores(scores, args.json)
    else:
        recipe, library = load_recipe(args.recipe), open_library(args.data)
        card = export(
            args.run, recipe, library, args.out, licence=args.licence, strength=args.strength
        )
        print(f"{args.out}: {card.provenance['steps']} steps, half precisions {card.dtypes}")


if __name__ == "__main__":
    main()

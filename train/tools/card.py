"""Folder for a hub: configuration, weights, model card, hashes and curves."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from torch import nn

from lgtsm.models.neighbour_spec import NeighbourSpec
from lgtsm.weights.header import Card, sha256_of
from lgtsm.weights.save import save_model

from ..logs import read_csv
from ..recipe import Recipe

MODEL, CONFIG, README, SUMS = "model.safetensors", "config.json", "README.md", "SHA256SUMS"
_EXTRAS = ("curves.png", "samples.png")
_SHOWN_SOURCES = 40


def write_folder(folder: Path, network: nn.Module, card: Card, recipe: Recipe, run: Path) -> None:
    """Write all files that `lgtsm publish` uploads, the weights in half precision.

    Curves and validation scores come from the folder of the run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_model(network, folder / MODEL, card, dtype=torch.float16)
    config = json.dumps(card.spec.to_config(), indent=1)
    (folder / CONFIG).write_text(config, encoding="utf-8")
    for name in _EXTRAS:
        if (run / name).is_file():
            shutil.copyfile(run / name, folder / name)
    rows = read_csv(run / "validation.csv")
    text = model_card(card, recipe, rows, sum(p.numel() for p in network.parameters()))
    (folder / README).write_text(text, encoding="utf-8")
    names = sorted(p.name for p in folder.iterdir() if p.name != SUMS and p.is_file())
    lines = [f"{sha256_of(folder / name)}  {name}" for name in names]
    (folder / SUMS).write_text("\n".join(lines) + "\n", encoding="utf-8")


def model_card(card: Card, recipe: Recipe, rows: list[dict[str, str]], num_parameters: int) -> str:
    """Return the text of a model card with its YAML header.

    The rows are those of the run's validation log, oldest first.
    """
    about = card.provenance
    licences = "\n".join(f"- {k}: {n}" for k, n in sorted(about["training_licences"].items()))
    head = [
        "---",
        f"license: {card.licence.lower()}",
        "library_name: lgtsm",
        "pipeline_tag: video-to-video",
        "tags:",
        *(f"- {tag}" for tag in ("video-inpainting", "object-removal", card.spec.family)),
        "---",
    ]
    use = 'load them with\n`lgtsm.load_model("owner/name")`'
    if isinstance(card.spec, NeighbourSpec):
        use = f"give them as\n{card.spec.role.takes}"
    command = f"python -m train {about['stage']} --recipe {about['recipe']}"
    body = f"""
# {card.spec.family}, {num_parameters:,} parameters

Video inpainting weights for the Python package `lgtsm`; {use}. Frames are RGB in 0..1, a hole is 1.

## Training

`{command}`: {about["steps"]} steps in {about["minutes"]} minutes, seed {about["seed"]}, feature
network of the losses: {about["perceptual"]}. Half precisions within 45 dB of float32:
{", ".join(card.dtypes) or "none listed"}.
{_origin(about)}{_lacks(about)}
Recipe:

```json
{json.dumps(recipe.to_config(), indent=1)}
```

## Data

{about["training_items"]} clips and photographs, by licence:

{licences}

Held-out sources: {_some(about["held_out_sources"])}.

## Held-out scores

{_scores(rows)}

## Limits

Do not use it on faces of people who did not agree, nor to hide what happened. Large areas that no
frame shows come out soft.
"""
    return "\n".join(head) + body


def _origin(about: dict) -> str:
    """Return a sentence about the initial weights, if they were not random."""
    name = about.get("initialised_from")
    if not name:
        return ""
    runs = [f"{run['stage']}, {run['step']} steps" for run in about.get("runs_before", [])]
    after = f", after {'; '.join(runs)}" if runs else ""
    return f"Initialised from `{name}`{after}.\n"


def _lacks(about: dict) -> str:
    """Return a paragraph about the losses that this run and those before lacked."""
    runs = [*about.get("runs_before", []), {"stage": about["stage"], **about}]
    lines = [f"**{run['stage']}: {run['left_out']}.**\n" for run in runs if run.get("left_out")]
    return "".join(f"\n{line}" for line in lines)


def _some(names: list[str]) -> str:
    more = len(names) - _SHOWN_SOURCES
    shown = ", ".join(names[:_SHOWN_SOURCES]) or "none"
    return f"{shown} and {more} more" if more > 0 else shown


def _scores(rows: list[dict[str, str]]) -> str:
    """Return the last row as a table of baseline and result."""
    if not rows:
        return "None: no clip was held out."
    row = {name: float(value) for name, value in rows[-1].items()}
    return (
        "| | hole PSNR, dB | distance in SqueezeNet features, times 1000 (not LPIPS) |\n"
        "|---|---|---|\n"
        f"| baseline | {row['baseline_psnr']:.2f} | "
        f"{row['baseline_distance']:.1f} |\n"
        f"| this network | {row['psnr']:.2f} | {row['distance']:.1f} |\n\n"
        f"Flicker (temporal change in the hole over that around it): {row['flicker']:.2f}."
    )

"""Which mask and which outputs belong to which input of `lgtsm inpaint`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import OptionError
from ..film_names import films_in, stem_of, written_name

if TYPE_CHECKING:
    from ..masks.boxes import MaskBox


@dataclass(frozen=True, kw_only=True)
class Task:
    """One input with its files; target is None where nothing is written."""

    source: Path
    mask: Path | list[MaskBox]
    target: Path | None = None
    fill_layer: Path | None = None
    mask_used: Path | None = None
    compare: Path | None = None


def plan_tasks(arguments: argparse.Namespace) -> list[Task]:
    """Plan the tasks of one command.

    A folder of films stands for the films in it. One input: paths are used unchanged. Several: outputs are folders that receive one file per
    input, named after it; a mask folder with one entry per input, named after it, gives each input
    its own mask, and any other mask serves all.

    Args:
        arguments: inputs, mask, box, output, fill_layer, mask_used, compare, lossless.

    Raises:
        OptionError: inputs of one name, or a mask folder that lacks the mask of an input.
    """
    sources, boxes = _sources(arguments.inputs), _boxes(arguments.box or ())
    if sources == arguments.inputs and len(sources) == 1:
        return [
            Task(
                source=sources[0],
                mask=boxes or arguments.mask,
                target=arguments.output,
                fill_layer=arguments.fill_layer,
                mask_used=arguments.mask_used,
                compare=arguments.compare,
            )
        ]
    _check_names(sources)
    output, layer, used = arguments.output, arguments.fill_layer, arguments.mask_used
    compare = arguments.compare
    own_masks = {} if boxes else _masks_by_name(arguments.mask, sources)
    return [
        Task(
            source=source,
            mask=boxes or own_masks.get(source) or arguments.mask,
            target=output and output / written_name(source, lossless=arguments.lossless),
            fill_layer=layer and layer / f"{stem_of(source)}.mov",
            mask_used=used and used / f"{stem_of(source)}.mkv",
            compare=compare and compare / f"{stem_of(source)}.mp4",
        )
        for source in sources
    ]


def _boxes(texts: Sequence[str]) -> list[MaskBox]:
    if not texts:
        return []
    from ..masks.boxes import MaskBox  # loads torch

    return [MaskBox.parse(text) for text in texts]


def check_files(tasks: list[Task], plates: list[Path], report: Path | None) -> None:
    """Compare all files of a command before any work, so that no output replaces another file.

    Args:
        tasks: of the command.
        plates: files of pictures.
        report: file of the figures, None for none.

    Raises:
        OptionError: a plate in an output folder, or a report that cannot be written; VideoError: two
            files of one name, or the only input or its mask is not there.
    """
    if report is not None and (report.is_dir() or not report.absolute().parent.is_dir()):
        raise OptionError(
            f"Expected a file in an existing folder for the report, got {report}; create the folder "
            "or name a file."
        )
    from ..file_names import refuse_missing, refuse_shared_names

    masks = [task.mask for task in tasks if isinstance(task.mask, Path)]
    if len(tasks) == 1:  # of several, one that fails does not stop the others
        for path in (tasks[0].source, *masks):
            refuse_missing(path)
    written = [path for task in tasks for path in outputs(task)]
    refuse_shared_names([*plates, *masks, *(task.source for task in tasks)], [*written, report])
    folders = {task.target.resolve() for task in tasks if task.target is not None}
    for plate in plates:
        if plate.resolve().parent in folders:
            raise OptionError(
                f"Expected plates outside the folder that frames are written into, got {plate}; "
                "move it."
            )


def make_folders(arguments: argparse.Namespace, tasks: list[Task]) -> None:
    """Create the folders of outputs that are named after their inputs.

    Raises:
        OptionError: a folder cannot be created.
    """
    given = (arguments.output, arguments.fill_layer, arguments.mask_used, arguments.compare)
    if [outputs(task) for task in tasks] == [[path for path in given if path is not None]]:
        return
    for folder in given:
        if str(folder) == "-":
            raise OptionError(
                "Expected a folder for the outputs, got -; name one, since stdout takes no film."
            )
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OptionError(
                    f"Expected a folder for the outputs of {len(tasks)} inputs, got "
                    f"{folder} ({error.strerror}); choose another."
                ) from error


def outputs(task: Task) -> list[Path]:
    """Return the outputs of a task."""
    paths = (task.target, task.fill_layer, task.mask_used, task.compare)
    return [path for path in paths if path is not None]


def _sources(inputs: list[Path]) -> list[Path]:
    """Replace every folder that holds films and no images by its films, in natural order."""
    found: list[Path] = []
    for path in inputs:
        films = films_in(path) if path.is_dir() else []
        found += films or [path]
    return found


def _check_names(sources: list[Path]) -> None:
    seen: dict[str, Path] = {}
    for source in sources:
        other = seen.setdefault(stem_of(source), source)
        if other is not source:
            raise OptionError(
                f"Expected inputs of different names, got {other} and {source}, whose outputs "
                "would be one file; give them in two calls."
            )


def _masks_by_name(mask: Path, sources: list[Path]) -> dict[Path, Path]:
    """Find each input's own mask in a folder; empty where the folder is one mask clip for all."""
    if not mask.is_dir():
        return {}
    entries = {stem_of(entry): entry for entry in sorted(mask.iterdir()) if entry.name[0] != "."}
    found = {source: entries[stem_of(source)] for source in sources if stem_of(source) in entries}
    if found and len(found) < len(sources):
        missing = next(source for source in sources if source not in found)
        raise OptionError(
            f"Expected a mask named {stem_of(missing)} in {mask} like those of the other inputs, got "
            f"{len(found)} masks for {len(sources)} inputs; add it or give one mask for all."
        )
    return found

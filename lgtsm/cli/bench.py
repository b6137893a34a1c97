"""`lgtsm bench`: speed on this machine, relative to the published form of the same network."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..batch.options import BatchOptions
from ..errors import OptionError
from ..interruption import Interruption
from ..options import DType, RunOptions
from .arguments import add_option
from .terminal import progress_bar, write_text

if TYPE_CHECKING:
    import torch

_PRESETS = (
    "quick",
    "targets",
    "families",
    "neighbours",
    "full",
    "sizes",
    "areas",
    "lengths",
    "product",
    "key_frames",
    "operations",
    "memory",
    "batch",
)


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "bench",
        help="measure the speed on this machine",
        description="Measure the speed on this machine, relative to the published form of the "
        "network.",
    )
    parser.add_argument(
        "--preset",
        choices=_PRESETS,
        default="quick",
        help="what to run [quick, a few minutes on two cores]",
    )
    add_option(parser, RunOptions, "device")
    add_option(
        parser,
        RunOptions,
        "dtype",
        default=DType.FP32.value,
        help="arithmetic of both networks [fp32]",
    )
    add_option(
        parser,
        RunOptions,
        "threads",
        help="threads of the CPU that compute; 0 takes as many as torch does [0]",
    )
    add_option(parser, BatchOptions, "workers", default=2, help="workers of the preset batch [2]")
    add_option(
        parser,
        BatchOptions,
        "on",
        help="cluster on which the preset batch also runs: ray or ray://HOST:PORT",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures as JSON")
    parser.add_argument(
        "--compare", type=Path, metavar="FILE", help="print the change since an earlier --json FILE"
    )
    parser.add_argument(
        "--against",
        type=Path,
        metavar="FOLDER",
        help="compare the preset product with another version instead: a checkout of it",
    )
    parser.add_argument("--quiet", action="store_true", help="no bar")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Measure and print the table."""
    import torch

    from ..engine.threads import computing_threads

    with computing_threads(arguments.threads or torch.get_num_threads()):
        return _run(arguments)


def _run(arguments: argparse.Namespace) -> int:
    from ..engine.policy import choose_device, choose_dtype
    from ..evaluate.bench.cases import PRESETS
    from ..evaluate.bench.results import compare_runs, format_changes, format_table, read_run
    from ..evaluate.bench.run import run_bench

    device = choose_device(arguments.device)
    if arguments.against and (arguments.preset != "product" or device.type != "cpu"):
        raise OptionError(
            f"Expected --against with --preset product on a CPU, got the preset {arguments.preset} on "
            f"{device}; add --preset product --device cpu."
        )
    if arguments.preset in _WITHOUT_PUBLISHED:
        if arguments.compare or arguments.dtype != DType.FP32.value:
            raise OptionError(
                f"Expected the preset {arguments.preset} without --compare and --dtype, got one of "
                "them; it runs the built-in weights in fp32."
            )
        return _WITHOUT_PUBLISHED[arguments.preset](arguments, device)
    dtype = choose_dtype(DType(arguments.dtype), device, ("bf16", "fp16"))
    cases = PRESETS[arguments.preset]
    # before minutes of work
    earlier = read_run(arguments.compare) if arguments.compare else None
    with progress_bar("bench", unit="case", quiet=arguments.quiet) as bar:
        result = run_bench(cases, device=device, dtype=dtype, progress=bar)
    print(format_table(result))
    if earlier is not None:
        print(f"\nsince {arguments.compare}:\n{format_changes(compare_runs(earlier, result))}")
    if arguments.json:
        write_text(arguments.json, result.to_json())
    return 0


def _run_product(arguments: argparse.Namespace, device: torch.device) -> int:
    """Measure copies, network and compositing together."""
    if arguments.against:
        return _run_against(arguments)
    from ..evaluate.bench.product import format_product, product_json, run_product

    with progress_bar("bench", unit="case", quiet=arguments.quiet) as bar:
        results = run_product(device=device, progress=bar)
    return _told(arguments, format_product(results), product_json(results))


def _run_against(arguments: argparse.Namespace) -> int:
    """Measure this version and another one."""
    import torch

    from ..evaluate.bench.against import against_json, format_against, run_against

    with progress_bar("bench", unit="case", quiet=arguments.quiet) as bar:
        results = run_against(arguments.against, threads=torch.get_num_threads(), progress=bar)
    return _told(arguments, format_against(results), against_json(results))


def _run_memory(arguments: argparse.Namespace, device: torch.device) -> int:
    """Measure the memory of long clips."""
    import torch

    from ..evaluate.bench.memory import format_memory, memory_json, run_memory

    if device.type != "cpu":
        raise OptionError(f"Expected the preset memory on a CPU, got {device}; add --device cpu.")
    with progress_bar("bench", unit="case", quiet=arguments.quiet) as bar:
        results = run_memory(threads=torch.get_num_threads(), progress=bar)
    return _told(arguments, format_memory(results), memory_json(results))


def _run_key_frames(arguments: argparse.Namespace, device: torch.device) -> int:
    """Measure the completion of key frames."""
    from ..evaluate.bench.key_frames import format_key_frames, key_frames_json, run_key_frames

    with progress_bar("bench", unit="case", quiet=arguments.quiet) as bar:
        results = run_key_frames(device=device, progress=bar)
    return _told(arguments, format_key_frames(results), key_frames_json(results))


def _count_operations(arguments: argparse.Namespace, device: torch.device) -> int:
    """Count what the whole product dispatches for a frame."""
    from ..evaluate.bench.operations import count_operations, format_operations, operations_json

    with progress_bar("count", quiet=arguments.quiet) as bar:
        found = count_operations(device=device, progress=bar)
    return _told(arguments, format_operations(found), operations_json(found))


def _run_batches(arguments: argparse.Namespace, device: torch.device) -> int:
    """Measure what a batch costs, and what several workers gain."""
    from tempfile import TemporaryDirectory

    from ..evaluate.bench.batch import BatchCase, batch_json, format_batch, run_batch_bench

    case = BatchCase(workers=arguments.workers, on=arguments.on, device=str(device))
    with TemporaryDirectory(prefix="lgtsm_") as folder:
        with progress_bar("bench", unit="command", quiet=arguments.quiet) as bar:
            figures = run_batch_bench(case, Path(folder), progress=bar)
    return _told(arguments, format_batch(figures), batch_json(figures))


def _told(arguments: argparse.Namespace, table: str, figures: str) -> int:
    """Print a table, and write the figures as JSON where asked for."""
    print(table)
    if arguments.json:
        write_text(arguments.json, figures)
    return 0


_WITHOUT_PUBLISHED = {
    "product": _run_product,
    "key_frames": _run_key_frames,
    "operations": _count_operations,
    "memory": _run_memory,
    "batch": _run_batches,
}
"""Presets that run the whole product."""

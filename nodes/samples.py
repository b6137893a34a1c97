"""Sample clips of the workflows, in the input folder, so that these run as they are opened."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import folder_paths

_LOG = logging.getLogger(__name__)
_SAMPLES = Path(__file__).resolve().parents[1] / "workflows" / "samples"


def place_samples() -> None:
    """Copy the samples that are missing; a file of the same name is left alone."""
    target = Path(folder_paths.get_input_directory())
    for sample in sorted(_SAMPLES.glob("lgtsm_sample_*")):
        try:
            if not (target / sample.name).exists():
                shutil.copyfile(sample, target / sample.name)
        except OSError as error:  # a folder that cannot be written must not cost the nodes
            _LOG.info("The sample %s is not in the input folder: %s", sample.name, error)

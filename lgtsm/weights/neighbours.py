"""From a weight file to a network that helps to fill: an aligner, or a carrier of key frames."""

from __future__ import annotations

from pathlib import Path

from ..errors import WeightsError
from ..models.neighbour_spec import NeighbourSpec, Role
from ..models.neighbours.frames import Aligner
from ..models.neighbours.guided import Guided
from ..models.neighbours.roles import Neighbours
from ..neighbour_options import LEARNED
from ..options import InpaintOptions
from .header import sha256_of
from .load import StoredWeights, find_weights, network_of, read_weights


def load_aligner(name_or_path: str | Path, family: str | None = None) -> Aligner:
    """Load a network that aligns frames.

    Args:
        name_or_path: as for `load_model`.
        family: the only one to be accepted, dfpn or cpn; None accepts both.

    Returns:
        The network on the CPU, float32, in eval mode, without gradients.

    Raises:
        WeightsError: as `load_model`, or a network of another role or family.
    """
    stored = read_weights(name_or_path)
    spec = _spec_of(stored, Role.ALIGNER)
    if family not in (None, spec.family):
        raise WeightsError(
            f"Expected {family} as the aligner, got {stored.name} with {spec.family}; choose that "
            "motion or another file."
        )
    network = network_of(stored)
    assert isinstance(network, Aligner)  # its role says so
    return network


def load_carrier(name_or_path: str | Path) -> Guided:
    """Load a network that carries key frames; arguments, state and errors as of `load_aligner`."""
    stored = read_weights(name_or_path)
    _spec_of(stored, Role.CARRIER)
    network = network_of(stored)
    assert isinstance(network, Guided)  # its role says so
    return network


def load_neighbours(options: InpaintOptions) -> Neighbours:
    """Load the networks that help a job.

    Raises:
        WeightsError: as `load_aligner` and `load_carrier`.
    """
    chosen, motion = options.neighbours, options.motion.value
    aligner = carrier = None
    if chosen.aligner_model is not None:
        aligner = load_aligner(chosen.aligner_model, motion if motion in LEARNED else None)
    if chosen.carrier_model is not None and options.synthesises:
        carrier = load_carrier(chosen.carrier_model)
    return Neighbours(aligner, carrier)


def neighbour_digests(options: InpaintOptions) -> list[str]:
    """Return the SHA-256 of every file of `load_neighbours`, whatever its name.

    Raises:
        WeightsError: no such file.
    """
    chosen = options.neighbours
    files = [name for name in (chosen.aligner_model, chosen.carrier_model) if name is not None]
    return [sha256_of(find_weights(name)[1]) for name in files]


def _spec_of(stored: StoredWeights, role: Role) -> NeighbourSpec:
    spec = stored.card.spec
    if isinstance(spec, NeighbourSpec) and spec.role is role:
        return spec
    takes = spec.role.takes if isinstance(spec, NeighbourSpec) else "--model"
    raise WeightsError(
        f"Expected a network for the role of {role.value}, got {stored.name} with {spec.family}; "
        f"give that one as {takes}."
    )

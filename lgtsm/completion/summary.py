"""How much was added to a clip's masks, in figures and in a sentence."""

from __future__ import annotations

from dataclasses import dataclass, field

from .completer import Completed
from .kinds import Addition

_TOLD = 1e-4
"""Mean share of the picture from which on something is told."""


@dataclass
class Summary:
    """Sums over frames.

    frames: how many.
    shares: sums of the picture's shares that were added, by kind.
    perhaps: the same of what was not added but may belong to the object.
    """

    frames: int = 0
    shares: dict[Addition, float] = field(default_factory=dict[Addition, float])
    perhaps: float = 0.0

    def add(self, one: Completed) -> None:
        """Count a frame."""
        self.frames += 1
        for kind, added in one.added.items():
            self.shares[kind] = self.shares.get(kind, 0.0) + float(added.mean())
        self.perhaps += float(one.perhaps.mean())

    @property
    def means(self) -> dict[str, float]:
        """Mean shares of the picture, 0 to 1: those added by kind, and `perhaps`."""
        sums = {kind.value: total for kind, total in self.shares.items()}
        return {
            name: x / max(1, self.frames) for name, x in (sums | {"perhaps": self.perhaps}).items()
        }

    @property
    def text(self) -> str:
        """What was added, such as `shadow 1.20 %, rim 0.05 % of the picture`."""
        parts = [f"{kind.value} {self.means[kind.value]:.2%}" for kind in self.shares]
        return f"added {', '.join(parts)} of the picture on average"

    @property
    def notes(self) -> list[str]:
        """What the user should know."""
        means, notes = self.means, list[str]()
        found = [kind.value for kind in self.shares if means[kind.value] >= _TOLD]
        if found:
            total = sum(means[name] for name in found)
            notes.append(
                f"the object reaches outside the mask: {' and '.join(found)}, {total:.2%} of the picture"
            )
        if means["perhaps"] >= _TOLD:
            notes.append(
                f"{means['perhaps']:.2%} of the picture may belong to the object, too: look there, and paint it if it is to go"
            )
        return notes

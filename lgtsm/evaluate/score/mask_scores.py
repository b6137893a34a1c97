"""Results of a protocol that measures masks, as JSON."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, TypeVar

from ...errors import OptionError
from .results import strict_json

_Run = TypeVar("_Run", bound="MaskScores")


@dataclass(frozen=True, kw_only=True)
class MaskScores(ABC):
    """One run of a protocol; text describes it.

    protocol: its name; score: the dataclass of a row.
    """

    protocol: ClassVar[str]
    score: ClassVar[type]
    text: str
    scores: tuple[Any, ...]

    def to_json(self) -> str:
        """Return JSON text, one line per row."""
        rows = ",\n".join(json.dumps(strict_json(asdict(row))) for row in self.scores)
        return f'{{\n"text": {json.dumps(self.text)},\n"scores": [\n{rows}\n]\n}}\n'

    @classmethod
    def from_json(cls: type[_Run], text: str) -> _Run:
        """Read what `to_json` wrote.

        Raises:
            OptionError: it is something else.
        """
        try:
            values: dict[str, Any] = json.loads(text)
            return cls(
                text=values["text"], scores=tuple(cls.score(**row) for row in values["scores"])
            )
        except (ValueError, TypeError, KeyError) as error:
            raise OptionError(
                f"Expected the results of the protocol {cls.protocol}, got something else ({error}); "
                "run it again."
            ) from error

    @abstractmethod
    def table(self) -> str:
        """Return a markdown table with means at its end."""

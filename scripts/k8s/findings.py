"""What is wrong, collected, so that one run tells everything."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]


@dataclass
class Findings:
    """Messages, each once, with the place that they are about."""

    messages: list[str] = field(default_factory=list)

    def add(self, place: str, message: str) -> None:
        text = f"{place}: {message}"
        if text not in self.messages:
            self.messages.append(text)

    def require(self, holds: object, place: str, message: str) -> None:
        """Notes `message` unless it `holds`."""
        if not holds:
            self.add(place, message)


def name_of(obj: Object) -> str:
    """How messages call an object."""
    metadata = obj.get("metadata", {})
    namespace = metadata.get("namespace")
    return f"{obj.get('kind')} {namespace + '/' if namespace else ''}{metadata.get('name')}"

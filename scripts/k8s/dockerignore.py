"""What .dockerignore keeps from the builder, by the rules of Docker: patterns from the root, later ones go before earlier ones, `!` takes back."""

from __future__ import annotations

import re
from pathlib import Path


class Ignore:
    """The patterns of a file."""

    def __init__(self, file: Path) -> None:
        lines = file.read_text().splitlines() if file.is_file() else []
        patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        self.patterns = [(not line.startswith("!"), matcher(line.removeprefix("!").strip("/"))) for line in patterns]

    def excludes(self, path: str) -> bool:
        """Whether `path` is kept from the builder: a pattern that matches a folder is about all that is in it."""
        parts = path.split("/")
        upwards = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        excluded = False
        for excludes, pattern in self.patterns:
            if any(pattern.fullmatch(part) for part in upwards):
                excluded = excludes
        return excluded


def matcher(pattern: str) -> re.Pattern[str]:
    """A pattern as a regular expression: `**` is any number of folders, `*` and `?` stay within a name."""
    text, at = "", 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            text, at = text + "(?:.*/)?", at + 3
        elif pattern.startswith("**", at):
            text, at = text + ".*", at + 2
        elif pattern[at] == "*":
            text, at = text + "[^/]*", at + 1
        elif pattern[at] == "?":
            text, at = text + "[^/]", at + 1
        else:
            text, at = text + re.escape(pattern[at]), at + 1
    return re.compile(text)

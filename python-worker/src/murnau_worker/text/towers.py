"""What a text tower is, as plain data. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tower:
    """A text tower of a family: it reads prompts, and has rows of its own for learnt words.

    `part`: the model's part that it is. `title`: its usual name. `role`: whose text tower it is, for messages.
    `reads_english_only`: it reads the English template where another tower reads one of another language.
    `learning_rate`: of its rows, where a spec gives none.
    """

    name: str
    title: str
    role: str
    part: str
    reads_english_only: bool = False
    learning_rate: float = 0.2

    @property
    def label(self) -> str:
        """For messages: its name and its title."""
        return f"{self.name} ({self.title})"

"""What a mutant is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One replacement in one file of mia_audit; `old` stands there exactly once.

    equivalent  why no test can tell it from the original; such a mutant is named, not run
    """

    file: str
    old: str
    new: str
    equivalent: str = ""

    @property
    def room(self) -> str:
        """The room that the file is in, or is."""
        return self.file.partition("/")[0].removesuffix(".py")

    def inside(self, text: str) -> str:
        """Return the file's text with the mutant in it; ValueError where `old` does not stand there once."""
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file}: {self.old!r} stands there {text.count(self.old)} times; mend the table")
        return text.replace(self.old, self.new)

"""Help whose list of commands says each one's first sentence whole: typer cuts it at the terminal's width."""

from typing import Any

from typer.core import TyperGroup


class WholeHelp(TyperGroup):
    """A group of commands whose help wraps what it says of them."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a line or more for each command."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(_WHOLE)) for name, one in commands if one is not None and not one.hidden])


_WHOLE = 10_000
"""Characters that no first sentence has."""

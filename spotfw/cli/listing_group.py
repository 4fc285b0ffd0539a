"""Groups that list without a command: what is the listing's own is led there, not refused alone."""

from __future__ import annotations

import os
import shlex
from typing import Any

import click

from spotfw.errors import WrongUse


class ListingGroup(click.Group):
    """A group that runs one of its commands where none is named.

    Args:
      listing: that command's name.
    """

    def __init__(self, *args: Any, listing: str = "list", **options: Any) -> None:
        super().__init__(*args, **options)
        self._listing = listing

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does.

        Raises:
          WrongUse: an option is the listing's.
        """
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            command = self.commands[self._listing]
            if not any(error.option_name in option.opts for option in command.params):
                raise
            raise WrongUse(
                f"{error.option_name} is of the command {self._listing}: "
                f"`{self._with_listing(ctx, given)}`."
            ) from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does.

        Raises:
          WrongUse: a folder or file stands in the place of a command, and the listing takes one.
        """
        name = args[0]
        command = self.commands[self._listing]
        takes = any(isinstance(option, click.Argument) for option in command.params)
        if self.get_command(ctx, name) is None and takes and os.path.exists(name):
            raise WrongUse(
                f"{name} is no command of {ctx.command_path}. To list what is there: "
                f"`{self._with_listing(ctx, args)}`."
            )
        return super().resolve_command(ctx, args)

    def _with_listing(self, ctx: click.Context, args: list[str]) -> str:
        return f"{ctx.command_path} {shlex.join([self._listing, *args])}"

"""Conformance checks of the smallest parts: named models and commands."""

from __future__ import annotations

from typing import Any

from spotfw.config import TuningSettings
from spotfw.testing.suites import Suite, check_name, expect

MODEL: Suite[Any] = Suite("named model")
COMMAND: Suite[Any] = Suite("command")


@MODEL.check
def model_name(model: Any) -> None:
    """Has a name, a text without spaces or colons."""
    check_name(model)


@MODEL.check
def model_folder(model: Any) -> None:
    """Its folder is a function, called when the model is wanted, and it has a description."""
    expect(callable(model.folder), f"expected folder to be a function, got {model.folder!r:.80}.")
    text = model.description
    expect(
        isinstance(text, str) and text and "\n" not in text,
        f"expected a description in one line, got {text!r:.80}.",
    )


@MODEL.check
def model_settings(model: Any) -> None:
    """Its settings are settings of a tuning."""
    TuningSettings.from_dict(model.settings)


@COMMAND.check
def command_help(command: Any) -> None:
    """Explains itself with --help and says in a line what it does."""
    from click.testing import CliRunner

    ran = CliRunner().invoke(command, ["--help"])
    expect(ran.exit_code == 0, f"expected --help to exit with 0, got {ran.exit_code}.")
    expect(
        command.get_short_help_str(),
        "expected a docstring or short_help, which `spotfw --help` shows, got none.",
    )

"""The front door: help without cost, errors as one paragraph, the right exit status."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys

import click
import pytest

import spotfw
from spotfw import cli
from spotfw.errors import SpotError, WrongUse

HEAVY = {"tensorflow", "seqio", "t5", "mesh_tensorflow", "transformers", "torch", "pandas"}


@pytest.fixture
def failing(monkeypatch):
    """Makes ``spotfw doctor`` raise what it is given."""

    def make(error):
        @click.command()
        def doctor():
            raise error

        monkeypatch.setattr("spotfw.cli.doctor.doctor", doctor)

    return make


def test_help_names_every_command(spotfw_cli):
    ran = spotfw_cli("--help")
    assert ran.status == 0
    assert ran.err == ""
    for name, (_, text) in cli.COMMANDS.items():
        assert f"  {name} " in ran.out
        assert text in ran.out


def test_help_loads_no_command_module_and_nothing_heavy():
    script = "import sys; from spotfw.cli import run; run(['--help']); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    modules = done.stdout.splitlines()[-1].split()
    assert not HEAVY & set(modules)
    own = {m for m in modules if m.startswith("spotfw.cli.")}
    assert own == {"spotfw.cli.display", "spotfw.cli.streams"}


@pytest.mark.parametrize("name", [n for n in cli.COMMANDS])
def test_every_command_has_help_and_agrees_with_the_table(name, spotfw_cli):
    ran = spotfw_cli(name, "--help")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith(f"Usage: spotfw {name} ")


def _groups(command, words=()):
    """Each group of commands with the words that name it."""
    if isinstance(command, click.Group):
        yield words
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from _groups(command.get_command(context, name), (*words, name))


def test_no_listing_of_commands_is_cut_at_80_columns(spotfw_cli, spotfw_plugins, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    groups = list(_groups(cli.spotfw))
    assert len(groups) > 6
    for words in groups:
        listing = spotfw_cli(*words, "--help").out.partition("Commands:")[2]
        assert listing and "..." not in listing, listing


def test_no_example_is_broken_at_80_columns(spotfw_cli):
    context = click.Context(cli.spotfw)
    below = [("", cli.spotfw)]
    while below:
        path, command = below.pop()
        if isinstance(command, click.Group):
            names = command.list_commands(context)
            below += [(f"{path} {name}", command.get_command(context, name)) for name in names]
        examples = inspect.cleandoc(command.help or "").partition("Example:")[2].splitlines()
        assert [line for line in examples if len(line) > 78] == [], path


def test_version(spotfw_cli):
    assert spotfw_cli("--version").out == f"spotfw {spotfw.__version__}\n"


def test_the_module_runs_like_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "spotfw", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"spotfw {spotfw.__version__}\n"


def test_an_unknown_command_is_wrong_use_and_suggests_a_close_one(spotfw_cli):
    ran = spotfw_cli("tuen", "mnli")
    assert (ran.status, ran.out) == (2, "")
    assert "no command named 'tuen'" in ran.err
    assert "Did you mean 'tune'" in ran.err


def test_an_unknown_option_is_wrong_use(spotfw_cli):
    ran = spotfw_cli("--colour")
    assert ran.status == 2
    assert "--colour" in ran.err


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SpotError("The disk\nis full."), 1),
        (WrongUse("No such split."), 2),
        (RuntimeError("boom"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_an_error_is_one_paragraph_on_stderr(failing, spotfw_cli, error, status):
    failing(error)
    ran = spotfw_cli("doctor")
    assert (ran.status, ran.out) == (status, "")
    assert ran.err.strip().count("\n") == 0
    assert " ".join(str(error).split()) in ran.err


def test_what_is_unforeseen_says_how_to_see_more(failing, spotfw_cli):
    failing(RuntimeError("boom"))
    assert "--debug" in spotfw_cli("doctor").err


@pytest.mark.parametrize("words", [["--debug", "doctor"], ["doctor", "--debug"]])
def test_debug_lets_the_traceback_through(failing, words):
    failing(SpotError("gone wrong"))
    with pytest.raises(SpotError, match="gone wrong"):
        cli.run(words)


def test_an_interrupted_tuning_says_how_to_go_on(monkeypatch, spotfw_cli, tmp_path):
    @click.command(context_settings={"ignore_unknown_options": True})
    @click.argument("words", nargs=-1)
    def tune(words):
        raise KeyboardInterrupt

    monkeypatch.setattr("spotfw.cli.tune.tune", tune)
    monkeypatch.chdir(tmp_path)
    for out in (("--out", "runs/a"), ("--out=runs/a",)):
        ran = spotfw_cli("tune", "my task", *out)
        assert (ran.status, "before the first checkpoint" in ran.err) == (130, True)
    (tmp_path / "runs" / "a").mkdir(parents=True)
    (tmp_path / "runs" / "a" / "state.safetensors").touch()
    ran = spotfw_cli("tune", "my task", "--out", "runs/a")
    assert ran.status == 130
    assert "\n  spotfw tune 'my task' --out runs/a --resume\n" in ran.err
    # A run of all weights has a folder for each checkpoint.
    (tmp_path / "runs" / "b" / "checkpoints" / "step-000010").mkdir(parents=True)
    assert "--out runs/b --resume" in spotfw_cli("tune", "my task", "--out", "runs/b").err
    ran = spotfw_cli("evaluate", "runs/b", "my task")
    assert "has done 10 steps, but not ended" in ran.err
    seeds = ("tune", "my task", "--seeds", "0,1", "--out", "runs")
    assert "before the first checkpoint" in spotfw_cli(*seeds).err
    (tmp_path / "runs" / "seed-1").mkdir()
    (tmp_path / "runs" / "seed-1" / "state.safetensors").touch()
    assert "--seeds 0,1 --out runs --resume" in spotfw_cli(*seeds).err


def test_a_reader_that_leaves_is_no_error():
    """As ``spotfw --help | head -0``: the pipe is closed before anything is written."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "spotfw", "--help"], stdout=write, stderr=subprocess.PIPE, text=True
    )
    os.close(write)
    assert done.stderr == ""


def test_a_plugin_left_out_is_left_out_of_this_process_and_its_children(failing, spotfw_cli):
    failing(SpotError("x"))
    spotfw_cli("-p", "no:playground", "-p", "no:other", "doctor")
    assert os.environ["SPOTFW_DISABLE_PLUGINS"] == "playground,other"


def test_the_plugin_option_wants_no(spotfw_cli):
    ran = spotfw_cli("-p", "playground", "doctor")
    assert ran.status == 2
    assert "no:NAME" in ran.err


def test_a_plugins_command_is_listed_and_runs(monkeypatch, spotfw_cli):
    @click.command(help="Says hello.")
    def greet():
        click.echo("hello")

    monkeypatch.setattr("spotfw.plugins.Plugins.commands", lambda self, taken=(): [greet])
    assert "greet  Says hello." in spotfw_cli("--help").out
    assert spotfw_cli("greet").out == "hello\n"
    assert "Did you mean 'greet'" in spotfw_cli("gret").err

"""`eventstorming completion SHELL`: a script for the shell, made of the commands as they are; it starts no program of ours."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator

from poller.cli.outcome import Exit

SHELLS = ("bash", "zsh", "fish")


def completion(arguments: argparse.Namespace) -> Exit:
    """Prints the script: `source <(eventstorming completion bash)`."""
    commands = _commands(arguments.root)
    print(
        "\n".join(
            _fish(commands) if arguments.shell == "fish" else _bash(commands, zsh=arguments.shell == "zsh")
        )
    )
    return Exit.DONE


Commands = dict[str, tuple[str, list[argparse.Action]]]
"""What each command is for, and its arguments."""


def _commands(root: argparse.ArgumentParser) -> Commands:
    (below,) = (action for action in root._actions if isinstance(action, argparse._SubParsersAction))
    helps = {choice.dest: choice.help or "" for choice in below._choices_actions}
    return {name: (helps[name], parser._actions) for name, parser in below.choices.items()}


def _bash(commands: Commands, *, zsh: bool) -> Iterator[str]:
    if zsh:
        yield "autoload -U +X bashcompinit && bashcompinit"
    yield "_eventstorming() {"
    yield '  local words="" cur="${COMP_WORDS[COMP_CWORD]}"'
    yield '  case "$COMP_CWORD ${COMP_WORDS[1]} ${COMP_WORDS[COMP_CWORD-1]}" in'
    yield f"    1\\ *) words={shlex.quote(' '.join([*commands, '--help', '--version']))} ;;"
    for name, (_, actions) in commands.items():
        for action in actions:
            for option in action.option_strings if action.choices else ():
                yield f"    *\\ {name}\\ {option}) words={shlex.quote(' '.join(action.choices or ()))} ;;"
        yield f"    *\\ {name}\\ *) words={shlex.quote(' '.join(_words(actions)))} ;;"
    yield "  esac"
    yield '  COMPREPLY=($(compgen -W "$words" -- "$cur"))'
    yield "}"
    yield "complete -o default -F _eventstorming eventstorming"


def _words(actions: list[argparse.Action]) -> list[str]:
    """A command's options, and what it may be given without one."""
    options = [option for action in actions for option in action.option_strings if option.startswith("--")]
    return options + [
        str(choice) for action in actions if not action.option_strings for choice in action.choices or ()
    ]


def _fish(commands: Commands) -> Iterator[str]:
    for name, (help_text, actions) in commands.items():
        yield f"complete -c eventstorming -n __fish_use_subcommand -f -a {name} -d {shlex.quote(help_text)}"
        for action in actions:
            given = f"-x -a {shlex.quote(' '.join(map(str, action.choices)))}" if action.choices else ""
            for option in action.option_strings or [""]:
                long = f"-l {option[2:]} " if option.startswith("--") else ""
                if long or (given and not option):
                    yield f"complete -c eventstorming -n '__fish_seen_subcommand_from {name}' {long}{given}".rstrip()

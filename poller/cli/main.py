"""Arguments in, exit code out. What the commands do is in the modules beside this one."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points, version
from pathlib import Path

from poller.cli import completion, connection, doctor, files, jobs
from poller.cli.outcome import CliError, Exit
from process.environment import trimmed

Command = Callable[[argparse.Namespace], Exit]
INTERRUPTED = 130
_CODES = (
    "Exit codes: 0 done; 1 the job failed, or is in a state that does not allow this (it has ended already); "
    "2 wrong usage or input; 3 a service is unreachable; 130 stopped by Ctrl-C (a submitted job goes on)."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command. Errors become one sentence on stderr and the exit code that belongs to them."""
    arguments = _parser().parse_args(argv)
    run: Command = arguments.run
    for name in trimmed(os.environ):
        print(f"eventstorming: {name}: blanks at its ends were left out", file=sys.stderr)
    try:
        return int(run(arguments))
    except CliError as error:
        print(f"eventstorming: {error}", file=sys.stderr)
        return int(error.exit)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 0


def _parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="eventstorming", description="Requirements in, an EventStorming model out.", epilog=_CODES
    )
    root.add_argument("--version", action="version", version=f"%(prog)s {version('eventstorming-generator')}")
    root.set_defaults(run=_nothing, root=root)
    commands = root.add_subparsers(metavar="COMMAND")
    _demo(commands)
    _jobs(commands)
    _files(commands)
    check = commands.add_parser(
        "doctor", help="check settings, RTDB, executor and language model; say what to do"
    )
    _json(check, run=doctor.doctor)
    shell = commands.add_parser("completion", help="print a script that completes commands in a shell")
    shell.add_argument("shell", choices=completion.SHELLS)
    shell.set_defaults(run=completion.completion)
    agents = commands.add_parser("mcp", help="serve coding agents over the Model Context Protocol (stdio)")
    agents.add_argument(
        "--demo", action="store_true", help="on embedded programs of its own, without any key"
    )
    agents.set_defaults(run=_serve_agents)
    return root


def _nothing(arguments: argparse.Namespace) -> Exit:
    """What there is to call; and where nothing runs, a way to see it work."""
    arguments.root.print_help()
    try:
        connection.serving(seconds=1)
    except CliError:
        print(
            "\nNo poller answers here. `eventstorming demo` shows the whole system at work, without any key."
        )
        if (
            sys.stdin.isatty()
            and sys.stdout.isatty()
            and input("Run it now? [Y/n] ").lower() in ("", "y", "yes")
        ):
            return _found_demo(arguments.root.parse_args(["demo"]))
    return Exit.WRONG_INPUT


def _serve_agents(arguments: argparse.Namespace) -> Exit:
    try:
        from poller.cli import agent
    except ModuleNotFoundError as error:
        raise CliError(
            f"{error.name} is missing: pip install 'eventstorming-generator[mcp]' brings it."
        ) from error
    return agent.serve(arguments)


Subparsers = argparse._SubParsersAction  # the type argparse itself returns from add_subparsers


def _json(command: argparse.ArgumentParser, *, run: Command) -> None:
    command.add_argument(
        "--json", action="store_true", help="say it as JSON, one value a line where there are several"
    )
    command.set_defaults(run=run)


def _demo(commands: Subparsers[argparse.ArgumentParser]) -> None:
    it = commands.add_parser("demo", help="run the main job on the embedded parts, ending with a board")
    it.add_argument("--keep", action="store_true", help="stay until Ctrl-C on the default ports")
    it.add_argument("--file", type=Path, default=Path("examples/library.en.md"), help="requirements to use")
    it.add_argument("--out", type=Path, default=Path("out"), help="where board and model go")
    _json(it, run=_found_demo)


def _found_demo(arguments: argparse.Namespace) -> Exit:
    """The demo lives outside the poller, and is looked for when it is wanted."""
    run: Command = entry_points(group="eventstorming.commands")["demo"].load()
    return run(arguments)


def _jobs(commands: Subparsers[argparse.ArgumentParser]) -> None:
    submit = commands.add_parser("submit", help="submit a requirements text or a draft")
    _input(submit)
    submit.add_argument("--watch", action="store_true", help="follow it to its end")
    submit.add_argument("--like", metavar="JOB", default="", help="use the answers of an earlier job again")
    _json(submit, run=jobs.submit)
    listing = commands.add_parser("list", help="list jobs, newest first")
    listing.add_argument(
        "--state", action="append", choices=tuple(jobs.STATES), default=[], help="only these; may be repeated"
    )
    listing.add_argument(
        "--limit", type=_positive, default=50, metavar="N", help="at most so many (default: 50)"
    )
    _json(listing, run=jobs.list_jobs)
    for name, (act, help_text) in jobs.ON_ONE.items():
        it = commands.add_parser(name, help=help_text)
        it.add_argument("job", metavar="JOB", help="its id, or enough of its beginning")
        if name == "get":
            _format(it)
        _json(it, run=jobs.on_job(act))


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)


def _files(commands: Subparsers[argparse.ArgumentParser]) -> None:
    generate = commands.add_parser("generate", help="straight to the executor; nothing is stored")
    _input(generate)
    _format(generate)
    _json(generate, run=files.generate)
    board = commands.add_parser("board", help="a typed model (FILE) or a job's, as one HTML page on stdout")
    board.add_argument("source", metavar="FILE|JOB")
    board.set_defaults(run=files.board)
    validate = commands.add_parser("validate", help="check an esValue against the canvas's 18 rules")
    validate.add_argument("file", type=Path, metavar="FILE")
    _json(validate, run=files.validate)


def _format(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--format", choices=files.FORMATS, default="json", help="default: json, the typed model"
    )
    command.add_argument("--part", metavar="NAME", help="only this file of a format that has several")
    command.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write it there; several files into a folder"
    )


def _input(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "file", type=Path, metavar="FILE", help="text, Markdown, docx or pdf; - for standard input"
    )
    command.add_argument("--draft", action="store_true", help="FILE is a draft (JSON)")
    command.add_argument(
        "--language", choices=("english", "korean"), help="language of the board (default: that of the text)"
    )

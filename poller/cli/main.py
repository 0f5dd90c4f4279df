"""Arguments in, exit code out. What the commands do is in the modules beside this one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from pathlib import Path

from eventstorming_client import Job
from poller.cli import doctor, files, jobs
from poller.cli.outcome import CliError, Exit

Command = Callable[[argparse.Namespace], Exit]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command. Errors become one sentence on stderr and the exit code that belongs to them."""
    arguments = _parser().parse_args(argv)
    run: Command = arguments.run
    try:
        return int(run(arguments))
    except CliError as error:
        print(f"eventstorming: {error}", file=sys.stderr)
        return int(error.exit)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0


def _parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="eventstorming", description="Requirements in, an EventStorming model out."
    )
    commands = root.add_subparsers(metavar="COMMAND", required=True)
    _demo(commands)
    _jobs(commands)
    _files(commands)
    check = commands.add_parser(
        "doctor", help="check settings, RTDB, executor and language model; say what to do"
    )
    check.set_defaults(run=doctor.doctor)
    agents = commands.add_parser("mcp", help="serve coding agents over the Model Context Protocol (stdio)")
    agents.add_argument(
        "--demo", action="store_true", help="on embedded programs of its own, without any key"
    )
    agents.set_defaults(run=_serve_agents)
    return root


def _serve_agents(arguments: argparse.Namespace) -> Exit:
    try:
        from poller.cli import agent
    except ModuleNotFoundError as error:
        raise CliError(
            f"{error.name} is missing: pip install 'eventstorming-generator[mcp]' brings it."
        ) from error
    return agent.serve(arguments)


Subparsers = argparse._SubParsersAction  # the type argparse itself returns from add_subparsers


def _demo(commands: Subparsers[argparse.ArgumentParser]) -> None:
    it = commands.add_parser("demo", help="run the main job on the embedded parts, ending with a board")
    it.add_argument("--keep", action="store_true", help="stay until Ctrl-C on the default ports")
    it.add_argument("--file", type=Path, default=Path("examples/library.en.md"), help="requirements to use")
    it.add_argument("--out", type=Path, default=Path("out"), help="where board and model go")
    it.set_defaults(run=_found_demo)


def _found_demo(arguments: argparse.Namespace) -> Exit:
    """The demo lives outside the poller, and is looked for when it is wanted."""
    run: Command = entry_points(group="eventstorming.commands")["demo"].load()
    return run(arguments)


def _jobs(commands: Subparsers[argparse.ArgumentParser]) -> None:
    submit = commands.add_parser("submit", help="submit a requirements text or a draft")
    submit.add_argument("file", type=Path, metavar="FILE", help="text or Markdown; with --draft a JSON draft")
    submit.add_argument("--draft", action="store_true", help="FILE is a draft (JSON)")
    submit.add_argument("--watch", action="store_true", help="follow it to its end")
    submit.add_argument("--like", metavar="JOB", default="", help="use the answers of an earlier job again")
    _language(submit)
    submit.set_defaults(run=jobs.submit)
    listing = commands.add_parser("list", help="list jobs, newest first")
    listing.add_argument(
        "--state", action="append", choices=tuple(jobs.STATES), default=[], help="only these; may be repeated"
    )
    listing.add_argument(
        "--limit", type=_positive, default=50, metavar="N", help="at most so many (default: 50)"
    )
    listing.add_argument("--json", action="store_true", help="as JSON")
    listing.set_defaults(run=jobs.list_jobs)
    acts: tuple[tuple[str, Callable[[Job], object], str], ...] = (
        ("watch", jobs.follow, "follow a job to its end"),
        ("cancel", jobs.cancel, "end a job as failed; its data stays"),
        ("retry", Job.retry, "run a failed job again, using the answers it already has"),
        ("delete", Job.delete, "remove everything of a job"),
    )
    for name, run, help_text in acts:
        it = commands.add_parser(name, help=help_text)
        it.add_argument("job", metavar="JOB")
        it.set_defaults(run=jobs.on_job(run))
    get = commands.add_parser("get", help="print a job's model")
    get.add_argument("job", metavar="JOB")
    get.add_argument("--format", choices=files.FORMATS, default="json")
    get.set_defaults(run=jobs.get)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)


def _files(commands: Subparsers[argparse.ArgumentParser]) -> None:
    generate = commands.add_parser("generate", help="straight to the executor; nothing is stored")
    generate.add_argument("file", type=Path, metavar="FILE")
    generate.add_argument("--draft", action="store_true", help="FILE is a draft (JSON)")
    generate.add_argument("--format", choices=files.FORMATS, default="json")
    _language(generate)
    generate.set_defaults(run=files.generate)
    board = commands.add_parser("board", help="a typed model (FILE) or a job's, as one HTML page on stdout")
    board.add_argument("source", metavar="FILE|JOB")
    board.set_defaults(run=files.board)
    validate = commands.add_parser("validate", help="check an esValue against the canvas's 18 rules")
    validate.add_argument("file", type=Path, metavar="FILE")
    validate.set_defaults(run=files.validate)


def _language(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--language", choices=("english", "korean"), help="language of the board (default: that of the text)"
    )

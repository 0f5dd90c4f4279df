"""Compares the hashed locks with the known security holes, by pip-audit: `make audit`. Ends with 0 when none is known, 1 when some are,
3 when it could not compare: that says nothing, least of all that all is well."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from enum import IntEnum

LOCKS = ("poller", "poller-full", "executor", "dev")
_OPTIONS = ("--strict", "--require-hashes", "--disable-pip", "--progress-spinner=off")


class Outcome(IntEnum):
    """Of a lock; the worst of all is the exit code."""

    CLEAN = 0
    HOLES = 1
    NOT_COMPARED = 3


def main(tool: Sequence[str]) -> int:
    """`tool` is the command of pip-audit. The first lock that cannot be compared ends it: the next could not either."""
    found = Outcome.CLEAN
    for lock in LOCKS:
        command = [*tool, *_OPTIONS, f"--requirement=requirements/{lock}.txt"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        outcome = judged(done.returncode, said := (done.stdout + done.stderr).strip())
        print(f"requirements/{lock}.txt\n{said}", flush=True)
        if outcome is Outcome.NOT_COMPARED:
            print(
                "Nothing was compared: the package index gives no list of known holes here. This is no sign that there are none; "
                "run `make audit` where it answers, as .github/workflows/ci.yml does."
            )
            return outcome
        found = max(found, outcome)
    return found


def judged(code: int, said: str) -> Outcome:
    """pip-audit ends with 1 both when it found something and when it could not look."""
    if code == 0:
        return Outcome.CLEAN
    return Outcome.HOLES if said.startswith("Found ") or "\nFound " in said else Outcome.NOT_COMPARED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

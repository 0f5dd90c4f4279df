"""`python -m poller.rtdb.emulator`: the door to the embedded database, which lives outside the poller."""

import sys
from importlib.metadata import entry_points

if __name__ == "__main__":
    sys.exit(entry_points(group="eventstorming.databases")["embedded"].load()())

"""`python -m poller.cli`: the command line where no console script is installed."""

import sys

from poller.cli.main import main

sys.exit(main())

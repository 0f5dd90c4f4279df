"""`python -m workbench.simulation --seeds 1000`: many seeds on all cores; `--seed N`: one, with its timeline."""

from __future__ import annotations

import sys

from workbench.simulation.main import main

sys.exit(main())

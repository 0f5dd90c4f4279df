"""Every measure, registered by importing its module; in the order of the table of budgets."""

from workbench.bench.measures import pickup, traffic, recovery, graph, cost, memory  # noqa: F401, I001
from workbench.bench.measures import viewers, sdk, delay, start, growth, strong, traces  # noqa: F401

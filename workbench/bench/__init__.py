"""`make bench`: the budgets measured on real processes and sockets, and two runs compared."""

"""Pollers, executors and the database in one process, in virtual time, under seeded faults; see `make simulate`."""

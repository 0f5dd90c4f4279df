"""The chart on a real cluster, from install to uninstall, by both Helms: `make cluster`."""

"""What measures the programs and tries to break them: benches, chaos, containers, recall; run by hand and by `make`, no tests."""

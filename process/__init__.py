"""What any of our programs has as a process: logs, health, a gRPC server, metrics, signals. Knows neither program."""

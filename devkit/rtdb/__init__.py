"""An embedded Realtime Database for demos, tests and benches: REST, event streams, SDKs, rules, one file for its data.

What it is like and what not: docs/embedded-database.md. Started with `--faults` it also answers under `/.emulator/`:

- `faults.json`: GET, PATCH (members as in `faults.Settings`: `delay_ms`, `frozen`, `errors`, `conflicts`,
  `drop_replies`, `redirect_to`, …), DELETE to end all of them
- `streams.json`: POST `"cut"`, `"end"`, `"cancel"` or `"revoke"`: what happens to every open stream and SDK
- `stats.json`: GET requests, reads, writes, commits, streams, sessions and bytes since the start, and who watches now
"""

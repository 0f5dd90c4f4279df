"""An embedded Realtime Database for demos, tests and benches: REST, event streams, rules, one file for its data.

It speaks the REST interface only (no websocket), and refuses what it does not know (priorities, `startAfter`)
instead of guessing. Started with `--faults` it also answers under `/.emulator/`:

- `faults.json`: GET, PATCH (members as in `faults.Settings`: `delay_ms`, `frozen`, `errors`, `conflicts`,
  `drop_replies`, `redirect_to`, …), DELETE to end all of them
- `streams.json`: POST `"cut"`, `"end"`, `"cancel"` or `"revoke"`: what happens to every open stream
- `stats.json`: GET requests, reads, writes, commits, streams and bytes since the start
"""

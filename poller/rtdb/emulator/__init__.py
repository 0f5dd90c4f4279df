"""An embedded Realtime Database for demos, tests and benches: REST, event streams, rules, one file for its data.

It speaks the REST interface only (no websocket), and refuses what it does not know instead of guessing.
"""

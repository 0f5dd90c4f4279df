"""What each port promises, asked of every implementation: the fake of the unit tests, the embedded one, a real one.

A real database or Google's emulator: `TEST_DATABASE_URL=http://127.0.0.1:9000 pytest tests/contracts`, or `https://…`
with `TEST_SERVICE_ACCOUNT_PATH` or Application Default Credentials. Everything happens in a namespace made for the run,
which is deleted afterwards. A real language model: `TEST_AI_MODEL`.
"""

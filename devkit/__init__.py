"""What makes the programs run without Firebase, key or network: the embedded database, the rules that answer like a
language model, the demo. The programs know none of it: they find it by entry point (pyproject.toml), by name alone.
"""

"""The EventStorming wall as people know it, drawn from the typed model: SVG, a self-contained page, and exports.

Nothing here reads or writes a database or a network; every function takes a model and returns text.
"""

"""The generation graph: one module and one prompt per step. Knows no wire, no provider, no storage."""

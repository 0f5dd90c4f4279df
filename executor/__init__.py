"""The executor: runs the generation graph and talks to the language model. Keeps nothing that outlives a stream."""

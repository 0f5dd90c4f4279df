"""The MSAEz side of the poller: inputs as the web client writes them, the typed model as its stickers."""

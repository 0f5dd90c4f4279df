"""Talking to language models: journal, structured output, repair turn, limits, providers."""

"""The embedded language model `offline:rules`: answers every step from the text by rules, without a network."""

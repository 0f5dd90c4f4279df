"""How well a language model finds what a modeller would expect: recall and precision on committed expectations."""

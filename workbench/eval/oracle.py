"""`make eval ORACLE=1`: the one table of English word forms beside lemminflect, a dictionary that is no part of the product.

`pip install lemminflect` first. Each disagreement is mended or listed here with its reason; exit code 1 when one is neither.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator

from devkit.rules import lexicon
from executor import tenses
from process import plurals

KNOWN = {
    "the dictionary has only the other of two usual forms": {
        "broadcast",
        "unfreeze",
        "get",
        "enrol",
        "person",
    },
    "two spellings have one past tense, and one is meant": {"fulfil", "enrol"},
    "no verb in English": {"lookup"},
    "counted where it names a department": {"finance", "hr"},
}
FORMS = {
    "VBN": tenses.participle,
    "VBD": tenses.simple_past,
    "VBZ": tenses.third_person,
    "VBG": tenses.gerund,
}


def main() -> int:
    inflections = importlib.import_module("lemminflect").getInflection
    reasons = {word: reason for reason, words in KNOWN.items() for word in words}
    unknown = 0
    for word, ours, theirs in (*_verbs(inflections), *_nouns(inflections)):
        reason = reasons.get(word, "")
        unknown += not reason
        print(f"{word}: {ours}, the dictionary has {' or '.join(theirs)}{f' ({reason})' if reason else ''}")
    print(f"{unknown} disagreement(s) without a reason")
    return 1 if unknown else 0


def _verbs(inflections: object) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    listed = {
        entry.split("_")[0] for _, rest in lexicon.entries("english_verbs.txt") for entry in rest.split()
    }
    for verb in sorted(listed):
        for tag, made in FORMS.items():
            theirs = tuple(inflections(verb, tag)) if callable(inflections) else ()
            if theirs and made(verb) not in theirs:
                yield verb, made(verb), theirs
        if tenses.base_of(tenses.participle(verb)) != verb:
            yield verb, str(tenses.base_of(tenses.participle(verb))), (verb,)


def _nouns(inflections: object) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    listed = lexicon.words("english_words.txt", "person") | lexicon.words("english_words.txt", "attribute")
    for noun in sorted(word for word in listed if word.isalpha() and plurals.singular(word) == word):
        theirs = tuple(inflections(noun, "NNS")) if callable(inflections) else ()
        if theirs and plurals.many(noun) not in theirs:
            yield noun, plurals.many(noun), theirs
        if plurals.singular(plurals.many(noun)) != noun:
            yield noun, plurals.singular(plurals.many(noun)), (noun,)


if __name__ == "__main__":
    raise SystemExit(main())

#!/usr/bin/env bash
# gherkin-official 42.0.1, dialect ko: a Korean step whose keyword is followed by no blank is no step, and nobody is told.
# Expected: as in Japanese (前提) and Chinese (假如), whose keywords need no blank, or else an error that names the line.
# Seen: every Korean step keyword ends with a blank. A first line 조건<text> becomes part of the scenario's description: the file is
#   valid, and the scenario has lost its condition. A later line of that kind is an error, so only the first is lost in silence.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check gherkin-official==42.0.1
cat > "$folder/seen.py" <<'PY'
from gherkin.dialect import Dialect
from gherkin.errors import CompositeParserException
from gherkin.parser import Parser

KO = Dialect.for_name("ko")
print({kind: getattr(KO, kind + "_keywords") for kind in ("given", "when", "then")})


def steps(first):
    text = f"# language: ko\n기능: 대출\n\n  시나리오: 빌린다\n    {first}\n    만일 책을 빌리면\n    그러면 대출이 생긴다\n"
    scenario = Parser().parse(text)["feature"]["children"][0]["scenario"]
    return [step["text"] for step in scenario["steps"]], scenario["description"].strip()


with_blank, without = steps("조건 회원이 있다"), steps("조건회원이 있다")
ja = Dialect.for_name("ja")
assert "前提" in ja.given_keywords and not any(word == "조건" for word in KO.given_keywords)
print("with the blank:", with_blank)
print("without:", without)
assert len(with_blank[0]) == 3 and with_blank[1] == ""
try:
    Parser().parse("# language: ko\n기능: 대출\n\n  시나리오: 빌린다\n    조건 회원이 있다\n    만일책을 빌리면\n")
    raise SystemExit("changed: a later line without the blank is accepted")
except CompositeParserException as error:
    print("a later one:", str(error).splitlines()[-1][:70])
assert len(without[0]) == 2 and without[1] == "조건회원이 있다", "changed"
PY
"$folder/venv/bin/python" "$folder/seen.py"
echo "as described: gherkin-official 42.0.1"

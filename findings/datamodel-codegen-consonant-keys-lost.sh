#!/usr/bin/env bash
# datamodel-code-generator 0.89.0 (pydantic 2.13.4): a property named by a single Korean consonant is never filled, and nobody is told.
# Expected: a property whose name is none in Python gets an alias, as "대출 기간" does; so the generated class reads every property.
# Seen: ㄱ as a keyboard writes it (U+3131) passes for a Python name and gets no alias; but Python reads names in their NFKC form, so the
#   field is called U+1100, which looks the same. What JSON holds below ㄱ is ignored, and what is written has a key that no reader of
#   the schema knows. Indexes by initial consonant (ㄱ, ㄴ, ㄷ …) lose all their entries; with --aliases, a Latin name each, they do not.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check datamodel-code-generator==0.89.0 pydantic==2.13.4
cat > schema.json <<'JSON'
{
  "title": "Index", "type": "object",
  "properties": {
    "ㄱ": {"type": "array", "items": {"type": "string"}},
    "기타": {"type": "array", "items": {"type": "string"}},
    "대출 기간": {"type": "integer"}
  }
}
JSON
echo '{"ㄱ": "giyeok"}' > aliases.json
generate() {
  venv/bin/datamodel-codegen --input schema.json --input-file-type jsonschema --output-model-type pydantic_v2.BaseModel \
    --formatters builtin --disable-timestamp "$@"
}
generate --output index.py
generate --output aliased.py --aliases aliases.json
cat > seen.py <<'PY'
import aliased
import index

WRITTEN = {"ㄱ": ["강의", "교수"], "기타": ["API"], "대출 기간": 14}


def read(model):
    return model.Index.model_validate(WRITTEN).model_dump(by_alias=True)


seen, with_aliases = read(index), read(aliased)
print("written:     ", WRITTEN)
print("read:        ", seen, [f"U+{ord(key):04X}" for key in seen if len(key) == 1])
print("with aliases:", with_aliases)
assert with_aliases == WRITTEN
assert seen == {"\u1100": None, "기타": ["API"], "대출 기간": 14}, "changed"
PY
venv/bin/python seen.py
echo "as described: datamodel-code-generator 0.89.0"

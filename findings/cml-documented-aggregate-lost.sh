#!/usr/bin/env bash
# cml-parser 0.5.0: an aggregate with a documentation string before it is not in the model that was read, and no error says so.
# Expected: Context Mapper's grammar lets a string stand before `Aggregate`, as before `Entity` and `DomainEvent`, where this
#   parser takes it; so the aggregate is read, with or without its words, or the file is refused.
# Seen: the bounded context comes back without the aggregate and everything in it; the list of errors is empty.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check cml-parser==0.5.0
cat > "$folder/seen.py" <<'PY'
from cml_parser import parse_text

TEXT = """ContextMap { contains Lending }
BoundedContext Lending {
  %s Aggregate Loans {
    %s Entity Loan { aggregateRoot String borrower }
  }
}
"""


def aggregates(of_aggregate, of_entity):
    read = parse_text(TEXT % (of_aggregate, of_entity))
    (context,) = read.context_maps[0].contexts
    return [(it.name, [entity.name for entity in it.entities]) for it in context.aggregates], read.parse_results.errors


plain, entity, aggregate = aggregates("", ""), aggregates("", '"what is lent"'), aggregates('"all loans"', "")
print("no string:          ", plain)
print("before the entity:  ", entity)
print("before the aggregate:", aggregate)
assert plain == entity == ([("Loans", ["Loan"])], [])
assert aggregate == ([], []), "changed"
PY
"$folder/venv/bin/python" "$folder/seen.py"
echo "as described: cml-parser 0.5.0"

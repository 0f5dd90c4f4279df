#!/usr/bin/env bash
# @asyncapi/modelina 5.10.1: of two properties that differ only in their Korean words, one is missing in the generated class.
# Expected: a field each, as for "Member ID" and "Book ID"; where a special character makes two names one, the generator tells them apart.
# Seen: names are compared before the last step of the naming, which drops every letter that is not ASCII: "회원 ID" and "도서 ID" are both
#   called id, and the second takes the first one's place with its type and alias, without a word. The code is valid and loses the member.
#   A NAMING_FORMATTER of one's own, which keeps Hangul, is the way around: Python and TypeScript take it in names.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @asyncapi/modelina@5.10.1
cat > seen.js <<'JS'
const { PythonGenerator, PYTHON_PYDANTIC_PRESET, TypeScriptGenerator } = require('@asyncapi/modelina')

function described(member, book) {
  const properties = { [member]: { type: 'integer' }, [book]: { type: 'string' } }
  const payload = { title: 'Loan', type: 'object', additionalProperties: false, required: [member, book], properties }
  return {
    asyncapi: '3.0.0', info: { title: 'Loans', version: '1.0.0' },
    channels: { lent: { address: 'lent', messages: { Loan: { payload } } } },
    operations: { lend: { action: 'send', channel: { $ref: '#/channels/lent' } } },
  }
}

async function fields(generator, document) {
  const [model] = await generator.generate(document)
  return model.result.split('\n').map(line => line.trim()).filter(line => /: (int|str|number|string)/.test(line))
}

(async () => {
  const seen = []
  for (const names of [['Member ID', 'Book ID'], ['회원 ID', '도서 ID']]) {
    for (const generator of [
      new PythonGenerator({ presets: [PYTHON_PYDANTIC_PRESET] }), new TypeScriptGenerator({ modelType: 'interface' }),
    ]) {
      const found = await fields(generator, described(...names))
      console.log(`${names.join(', ')}: ${found.join('  ')}`)
      seen.push(found)
    }
  }
  const counts = seen.map(found => found.length).join(' ')
  if (counts !== '2 2 1 1' || !/^id: str .*도서 ID/.test(seen[2][0])) { console.log('changed'); process.exit(1) }
  console.log('as described: @asyncapi/modelina 5.10.1')
})()
JS
node seen.js

#!/usr/bin/env bash
# @asyncapi/parser 3.6.6: in a version 3 document a message's example may contradict the message's own schema.
# Expected: as in version 2 documents, where the same example is an error of the parser's standard rules, it is reported.
# Seen: version 2.6: error asyncapi-message-examples; version 3.0: no diagnostic of any severity about it. Who writes version 3
#   documents with examples has to check them with a JSON Schema validator of their own.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @asyncapi/parser@3.6.6
cat > seen.js <<'JS'
const { Parser } = require('@asyncapi/parser')

const message = {
  name: 'BookLent', title: 'Book lent', summary: 'A member has a book.',
  payload: { type: 'object', required: ['loanId'], properties: { loanId: { type: 'integer' } } },
  examples: [{ payload: { loanId: 'not a number' } }],
}
const info = { title: 'Loans', version: '1.0.0' }
const two = { asyncapi: '2.6.0', info, channels: { lent: { publish: { operationId: 'lend', message } } } }
const three = {
  asyncapi: '3.0.0', info,
  channels: { lent: { address: 'lent', messages: { BookLent: message } } },
  operations: { lend: { action: 'send', channel: { $ref: '#/channels/lent' } } },
}

async function about(document) {
  const found = await new Parser().validate(document)
  return found.filter(one => /example/.test(one.code) || one.path.includes('examples')).map(one => one.code)
}

(async () => {
  const [old, now] = [await about(two), await about(three)]
  console.log('version 2.6:', old, '\nversion 3.0:', now)
  if (!old.some(code => /message-examples/.test(code)) || now.length) { console.log('changed'); process.exit(1) }
  console.log('as described: @asyncapi/parser 3.6.6')
})()
JS
node seen.js

#!/usr/bin/env bash
# @eventcatalog/sdk 2.27.1: removing one version of an event removes all older ones with it.
# Expected: rmEventById(id, version) deletes "a specific version of the event", as its documentation says; the others stay.
# Seen: so it does for an older version. For the latest one it deletes the event's whole folder, in which the SDK itself keeps the older
#   versions (versioned/), without an error: getEvent() finds none afterwards. With persistFiles, the third argument, they stay.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @eventcatalog/sdk@2.27.1
cat > seen.js <<'JS'
const sdk = require('@eventcatalog/sdk').default
const fs = require('fs')
const { writeEvent, getEvent, rmEventById } = sdk('catalog')
const VERSIONS = ['1.0.0', '2.0.0', '3.0.0']

async function left(...removal) {
  fs.rmSync('catalog', { recursive: true, force: true }); fs.mkdirSync('catalog')
  for (const version of VERSIONS) {
    const event = { id: 'BookLent', name: 'Book lent', version, summary: 'A member has a book.', markdown: '' }
    await writeEvent(event, { versionExistingContent: true })
  }
  await rmEventById('BookLent', ...removal)
  const found = await Promise.all(VERSIONS.map(version => getEvent('BookLent', version).catch(() => undefined)))
  return found.filter(Boolean).map(event => event.version).join(' ')
}

(async () => {
  const seen = [await left('1.0.0'), await left('3.0.0', true), await left('3.0.0')]
  console.log(`1.0.0 removed: ${seen[0]} left\n3.0.0 removed, persistFiles: ${seen[1]} left\n3.0.0 removed: ${seen[2] || 'nothing'} left`)
  if (seen[0] !== '2.0.0 3.0.0' || seen[1] !== '1.0.0 2.0.0' || seen[2] !== '') { console.log('changed'); process.exit(1) }
  console.log('as described: @eventcatalog/sdk 2.27.1')
})()
JS
node seen.js

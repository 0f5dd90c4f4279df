#!/usr/bin/env bash
# @eventcatalog/sdk 2.27.1: writing an older version of an event removes the newer one.
# Expected: the newer version stays, or the call is refused, as it is with the option versionExistingContent.
# Seen: without options, the file of the newer version is overwritten without an error: getEvent() then says 1.0.0 and knows no
#   2.0.0. So of two exports of one model the one written last wins, whatever their versions say.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @eventcatalog/sdk@2.27.1
cat > seen.js <<'JS'
const sdk = require('@eventcatalog/sdk').default
const fs = require('fs')
const { writeEvent, getEvent } = sdk('catalog')
const event = version => ({ id: 'BookLent', name: 'Book lent', version, summary: 'A member has a book.', markdown: '' });

(async () => {
  fs.mkdirSync('catalog')
  const seen = {}
  for (const [name, options] of [['no options', undefined], ['versionExistingContent', { versionExistingContent: true }]]) {
    fs.rmSync('catalog', { recursive: true }); fs.mkdirSync('catalog')
    let said = 'no error'
    await writeEvent(event('2.0.0'))
    try { await writeEvent(event('1.0.0'), options) } catch (error) { said = error.message }
    const newer = await getEvent('BookLent', '2.0.0').catch(() => undefined)
    seen[name] = `${said}; latest ${(await getEvent('BookLent')).version}; 2.0.0 ${newer ? 'there' : 'gone'}`
    console.log(`${name}: ${seen[name]}`)
  }
  if (seen['no options'] !== 'no error; latest 1.0.0; 2.0.0 gone' || !/latest 2.0.0; 2.0.0 there$/.test(seen.versionExistingContent)) {
    console.log('changed'); process.exit(1)
  }
  console.log('as described: @eventcatalog/sdk 2.27.1')
})()
JS
node seen.js

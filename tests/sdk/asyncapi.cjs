// Reads AsyncAPI documents, one path an argument, with AsyncAPI's own parser; prints what it finds wrong as JSON.
const fs = require('fs')
const { Parser } = require('./exports/node_modules/@asyncapi/parser')

async function main() {
  const found = {}
  for (const path of process.argv.slice(2)) {
    const { document, diagnostics } = await new Parser().parse(fs.readFileSync(path, 'utf8'))
    const wrong = diagnostics.filter(one => one.severity === 0).map(one => `${one.path.join('.')}: ${one.message}`)
    const operations = document ? document.operations().all() : []
    found[path] = {
      wrong,
      channels: document ? document.channels().all().length : -1,
      messages: document ? document.messages().all().length : -1,
      operations: operations.length,
      tags: operations.reduce((sum, one) => sum + one.tags().all().length, 0),
    }
  }
  console.log(JSON.stringify(found))
}

main()

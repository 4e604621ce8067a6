/**
 * Starts a function like Lambda: loads the bundle and gives the handler its first event. The last line of output has the
 * times in milliseconds. It is plain JavaScript, so that the time for stripping types is not measured.
 *
 *   node first-event.mjs BUNDLE <EVENT
 */
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const event = JSON.parse(readFileSync(0, 'utf8'))
const startedAt = performance.now()
const { handler } = await import(pathToFileURL(process.argv[2]).href)
const loadedAt = performance.now()
const context = { awsRequestId: 'first', getRemainingTimeInMillis: () => 15_000 }
const result = await handler(event, context)
const handledAt = performance.now()
const took = { loadMs: loadedAt - startedAt, coldMs: handledAt, result }
process.stdout.write(`${JSON.stringify(took)}\n`, () => process.exit(0))

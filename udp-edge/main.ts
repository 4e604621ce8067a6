/**
 * The process of a node. Prints one line of JSON when it serves, then one for each thing that is worth an operator's
 * attention. SIGTERM drains; where STRAIGHTWAY_WATCH_STDIN is set so does the end of stdin, so that a node does not outlive
 * the process that started it.
 */
import { parseNodeConfig } from './config.ts'
import { type Log, startNode } from './node.ts'

/** Peers have long signed in elsewhere by then; tunnels still on a relay leg move or fall back. */
const DRAIN_MS = 3_000

const log: Log = (what, error) => {
  const detail = error instanceof Error ? error.message : error
  process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), what, detail })}\n`)
}

try {
  const node = await startNode(parseNodeConfig(process.env.STRAIGHTWAY_NODE), log)
  const { node: id, roles, addresses } = node
  process.stdout.write(`${JSON.stringify({ node: id, roles, addresses })}\n`)
  let stopping = false
  const stop = async () => {
    if (stopping) return
    stopping = true
    await node.drain(DRAIN_MS)
    await node.close()
    process.exit(0)
  }
  process.on('SIGTERM', stop).on('SIGINT', () => {})
  if (process.env.STRAIGHTWAY_WATCH_STDIN) process.stdin.on('end', stop).resume()
} catch (error) {
  log('the node cannot start', error)
  process.exit(1)
}

/**
 * The process of a node. Prints one line of JSON when it serves, then one for each thing that is worth an operator's
 * attention. SIGTERM drains; where STRAIGHTWAY_WATCH_STDIN is set so does the end of stdin, so that a node does not outlive
 * the process that started it.
 */
import { parseNodeConfig } from './config.ts'
import { type Log, startNode } from './node.ts'

const log: Log = (what, error) => {
  const detail = error instanceof Error ? error.message : error
  process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), what, detail })}\n`)
}

try {
  const config = parseNodeConfig(process.env.STRAIGHTWAY_NODE)
  const node = await startNode(config, log)
  const { node: id, roles, addresses } = node
  process.stdout.write(`${JSON.stringify({ node: id, roles, addresses })}\n`)
  let stopping = false
  const stop = async () => {
    if (stopping) return
    stopping = true
    await node.drain(config.drainMs)
    await node.close()
    process.exit(0)
  }
  process.on('SIGTERM', stop).on('SIGINT', () => {})
  if (process.env.STRAIGHTWAY_WATCH_STDIN) process.stdin.on('end', stop).resume()
} catch (error) {
  log('the node cannot start', error)
  process.exit(1)
}

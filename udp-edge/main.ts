/**
 * The process of a node. It prints one line of JSON when it serves, and one for each event that an operator should know.
 * SIGTERM drains the node. If STRAIGHTWAY_WATCH_STDIN is set, each line of stdin holds new keys as JSON. The end of stdin
 * drains the node too, so that it does not outlive the process that started it.
 */
import { createInterface } from 'node:readline'
import { parseNodeConfig, parseNodeKeys } from './config.ts'
import { type Node, startNode } from './node.ts'
import type { Log } from './services.ts'

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
  if (process.env.STRAIGHTWAY_WATCH_STDIN) {
    createInterface({ input: process.stdin })
      .on('close', stop)
      .on('line', (line) => learn(node, line))
  }
} catch (error) {
  log('the node cannot start', error)
  process.exit(1)
}

function learn(node: Node, line: string): void {
  try {
    node.setKeys(parseNodeKeys(line))
  } catch (error) {
    log('what the node was told is not understood', error)
  }
}

/** A proxy in front of DynamoDB that fails as DynamoDB does. Clients see the service's own errors and their own time-outs. */
import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { crc32 } from 'node:zlib'
import type { Dice } from '../../sim/dice.ts'
import type { TableFault } from '../schedule.ts'
import type { Tap } from './wire.ts'

interface Failure {
  readonly status: number
  readonly type: string
  readonly message: string
}

const SERVICE = 'com.amazonaws.dynamodb.v20120810#'
const FAILURES: Readonly<Record<'throttle' | 'conflict' | 'error', Failure>> = {
  throttle: {
    status: 400,
    type: `${SERVICE}ProvisionedThroughputExceededException`,
    message: 'The level of configured provisioned throughput for the table was exceeded.',
  },
  conflict: {
    status: 400,
    type: `${SERVICE}TransactionConflictException`,
    message: 'Transaction is ongoing for the item',
  },
  error: { status: 500, type: `${SERVICE}InternalServerError`, message: 'Internal server error' },
}
const WRITES = /\.(Put|Update|Delete|TransactWrite|BatchWrite)Item/
/** Connections stay open longer than any client keeps one idle, as those of DynamoDB do. */
const IDLE_MS = 600_000
/** How late an answer is at most. */
const LATE_MS = 3_000

export class TablesProxy {
  /** Number of requests that failed on purpose. */
  failed = 0
  readonly #target: URL
  readonly #dice: Dice
  readonly #tap: Tap
  readonly #agent = new Agent({ keepAlive: true })
  readonly #server = createServer((asked, answer) => void this.#serve(asked, answer))
  /** Current faults, each with the share of requests that it hits. */
  readonly #faults = new Map<TableFault, number>()

  constructor(target: string, dice: Dice, tap: Tap = () => {}) {
    this.#target = new URL(target)
    this.#tap = tap
    this.#dice = dice
  }

  async open(): Promise<string> {
    this.#server.keepAliveTimeout = IDLE_MS
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  set(fault: TableFault, share: number): void {
    this.#faults.set(fault, share)
  }

  end(fault: TableFault): void {
    this.#faults.delete(fault)
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
    this.#agent.destroy()
  }

  async #serve(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    try {
      const body = await buffer(asked)
      const fault = this.#draw(`${asked.headers['x-amz-target']}`)
      if (fault !== undefined) this.failed++
      if (fault === 'throttle' || fault === 'conflict' || fault === 'error') {
        refuse(answer, FAILURES[fault])
        return
      }
      this.#tap(body)
      const given = await this.#pass(asked, body)
      this.#tap(given.body)
      if (fault === 'late') await new Promise((wake) => setTimeout(wake, this.#dice.below(LATE_MS)))
      if (fault === 'lost-answer') answer.destroy()
      else answer.writeHead(given.status, given.headers).end(given.body)
    } catch {
      answer.destroy()
    }
  }

  /** Chooses a fault for a request. Only writes conflict. */
  #draw(target: string): TableFault | undefined {
    for (const [fault, share] of this.#faults)
      if ((fault !== 'conflict' || WRITES.test(target)) && this.#dice.chance(share)) return fault
    return undefined
  }

  async #pass({ method, headers, url }: IncomingMessage, body: Buffer) {
    const { hostname, port } = this.#target
    const passed = request({ agent: this.#agent, hostname, port, method, path: url, headers })
    passed.end(body)
    const [given] = (await once(passed, 'response')) as [IncomingMessage]
    return { status: given.statusCode ?? 500, headers: given.headers, body: await buffer(given) }
  }
}

function refuse(answer: ServerResponse, { status, type, message }: Failure): void {
  const body = JSON.stringify({ __type: type, message })
  const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-crc32': `${crc32(body)}` }
  answer.writeHead(status, headers).end(body)
}

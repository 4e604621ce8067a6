import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Lab, SERVER_IPS, SERVER_IPV6S, type SideName } from './lab.ts'

const ORACLE = fileURLToPath(new URL('oracle.py', import.meta.url))

/** The oracle's findings about the NAT of one side. If `udp` is false, there are no others. */
export interface Finding {
  readonly udp: boolean
  readonly mapping: string
  readonly filtering: string
  /** True if the outside port equals the inside one. */
  readonly preserves: boolean
  /** Constant difference between the ports of one socket's flows to four targets; null if it varies. */
  readonly step: number | null
  /** Outside ports of fresh sockets. */
  readonly ports: readonly number[]
  /** True if a stranger's early packet cost the port. */
  readonly poisoned: boolean
}

export type Ask = (side: SideName) => Promise<Finding>

/** Starts the oracle's server at the place of the server. It lives as long as the laboratory. */
export function startOracle(lab: Lab): Promise<Ask> {
  return start(lab, SERVER_IPS)
}

/** Like `startOracle`, over IPv6. */
export function startOracle6(lab: Lab): Promise<Ask> {
  return start(lab, SERVER_IPV6S)
}

async function start(lab: Lab, ips: readonly string[]): Promise<Ask> {
  const server = lab.spawn('server', ['python3', ORACLE, 'serve', ...ips], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(server.stdout!, 'data')
  return (side) => askOracle<Finding>(lab, side, 'ask', ...ips)
}

/** Asks one of the other questions listed in oracle.py. The oracle's server must be running. */
export async function askOracle<T>(lab: Lab, side: SideName, ...question: readonly string[]): Promise<T> {
  return JSON.parse(await lab.run(side, ['python3', ORACLE, ...question])) as T
}

/** Tells whether two hosts behind one router reach each other by their outside addresses. */
export async function hairpins(lab: Lab): Promise<boolean> {
  const [left, right] = [hairpin(lab, 'left'), hairpin(lab, 'right')]
  const [toLeft, toRight] = await Promise.all([left.line(), right.line()])
  left.say(toRight)
  right.say(toLeft)
  const heard = await Promise.all([left.line(), right.line()])
  return heard.every((line) => line === 'true')
}

function hairpin(lab: Lab, side: SideName) {
  const command = ['python3', ORACLE, 'hairpin', SERVER_IPS[0]]
  const child: ChildProcess = lab.spawn(side, command, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  return {
    line: async (): Promise<string> => String((await lines.next()).value),
    say: (text: string) => child.stdin!.write(`${text}\n`),
  }
}

/** Datagrams that the kernel dropped because a socket's receive buffer was full. Linux counts them in /proc/net. */
import { readFileSync } from 'node:fs'
import { type Address, isIpv4, PORT_WORD } from '../shared/wire/address.ts'

const PORT = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) /
const LAST = /(\d+)\s*$/

/** Number of datagrams dropped since the socket was opened; 0 on other systems than Linux. */
export function overrunOf({ words }: Address): number {
  const port = words[PORT_WORD]!.toString(16).toUpperCase().padStart(4, '0')
  const rows = tableOf(isIpv4(words) ? '/proc/net/udp' : '/proc/net/udp6')
  const own = rows.filter((row) => PORT.exec(row)?.[1] === port)
  return own.reduce((sum, row) => sum + Number(LAST.exec(row)?.[1] ?? 0), 0)
}

function tableOf(path: string): readonly string[] {
  try {
    return readFileSync(path, 'latin1').split('\n')
  } catch {
    return []
  }
}

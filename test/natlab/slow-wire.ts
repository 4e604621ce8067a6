import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { End, Namespaces } from './namespaces.ts'

const DELAY = fileURLToPath(new URL('delay.py', import.meta.url))

/**
 * Joins two namespaces with a wire that delays each packet by `delayMs`, for as long as the namespaces exist. `loss`: the share
 * of packets that it drops, 0 to 1.
 */
export async function slowWire(
  namespaces: Namespaces,
  a: End,
  b: End,
  delayMs: number,
  loss = 0,
): Promise<ChildProcess> {
  const ends = [a, b].flatMap(({ at, name }) => [namespaces.file(at), name])
  const shim = namespaces.spawn(a.at, ['python3', DELAY, String(delayMs), String(loss), ...ends], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(shim.stdout!, 'data')
  for (const end of [a, b]) namespaces.raise(end)
  return shim
}

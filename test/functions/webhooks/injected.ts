/** The failures of a receiver, drawn from a seed: each message fails some times before it is accepted. */
import type { Misbehave } from './receiver.ts'

/** Ways to fail. Each answers, or does not, so that the post must be tried again. */
const WAYS: readonly Misbehave[] = [
  (_, response) => answer(response, 500),
  (_, response) => answer(response, 429, { 'retry-after': '120' }),
  (_, response) => answer(response, 302, { location: 'http://127.0.0.1:9/' }),
  (_, response) => answer(response, 404),
  (_, response) => {
    response.destroy()
    return true
  },
  // Never answers.
  () => true,
]

type Response = Parameters<Misbehave>[1]

function answer(response: Response, status: number, headers: Record<string, string> = {}): true {
  response.writeHead(status, headers).end('no')
  return true
}

/** `share`: of all messages that fail at least once. */
export function failing(share: number, seed = 1): Misbehave {
  const left = new Map<string, number>()
  let state = seed
  const dice = () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return state / 2 ** 31
  }
  return (message, response) => {
    if (!left.has(message.id)) left.set(message.id, dice() < share ? 1 + Math.floor(dice() * 3) : 0)
    const times = left.get(message.id)!
    if (times === 0) return false
    left.set(message.id, times - 1)
    // Silence costs a second of the test each time, so it is rare.
    const way = dice() < 0.02 ? WAYS.length - 1 : Math.floor(dice() * (WAYS.length - 1))
    return WAYS[way]!(message, response)
  }
}

/**
 * Checks what peers see of each other. In a quiet time, ten seconds after the last change, every peer that is there sees each
 * other one that is there with what it last said, and none that has left. A search by metadata finds the same peers.
 */
import type { Entry, EntryOf } from '../history.ts'
import { Ran } from './ran.ts'
import type { Violation } from './violation.ts'

/** A change is seen by everybody after this time, if the machine runs. Half a second is for the clocks of processes and the order of reading. */
export const CONVERGED_MS = 9_500

interface State {
  readonly at: number
  /** `status custom`; undefined if the peer is not there. */
  readonly look: string | undefined
}

export function checkPresence(entries: readonly Entry[]): { looks: number; violations: Violation[] } {
  const states = new Map<string, State>()
  const said = new Map<string, string>()
  const violations: Violation[] = []
  const ran = new Ran(entries)
  let looks = 0
  const change = (peer: string, at: number, look: string | undefined) => states.set(peer, { at, look })
  for (const entry of entries) {
    if (entry.kind === 'ended') break
    if (entry.kind === 'joined') change(entry.peer, entry.at, said.get(entry.peer) ?? 'online ')
    else if (entry.kind === 'left') change(entry.peer, entry.at, undefined)
    else if (entry.kind === 'said') {
      said.set(entry.peer, `${entry.status} ${entry.custom}`)
      if (states.get(entry.peer)?.look !== undefined)
        change(entry.peer, entry.at, `${entry.status} ${entry.custom}`)
    } else if (entry.kind === 'sees') {
      if (isSettled(states.get(entry.peer), entry.at, ran)) looks++
      violations.push(...wrongLooks(entry, states, ran))
    } else if (entry.kind === 'found') violations.push(...wrongFinds(entry, states, ran))
  }
  violations.push(...stuck(entries, states))
  return { looks, violations }
}

const isSettled = (state: State | undefined, now: number, ran: Ran): state is State =>
  state !== undefined && ran.between(state.at, now) >= CONVERGED_MS

function wrongLooks(
  { peer, at, others }: EntryOf<'sees'>,
  states: ReadonlyMap<string, State>,
  ran: Ran,
): Violation[] {
  const own = states.get(peer)
  if (!isSettled(own, at, ran) || own.look === undefined) return []
  return [...states].flatMap(([other, state]) => {
    if (other === peer || !isSettled(state, at, ran) || others[other] === state.look) return []
    const what = `${peer} sees ${other} as ${others[other] ?? 'absent'}; it is ${state.look ?? 'absent'} for ${Math.round(at - state.at)} ms`
    return [{ kind: 'presenceWrong', at, what }]
  })
}

/** Peers say their round as live metadata; those that are there and said this round are found, and no others. */
function wrongFinds(
  { peer, at, round, peers }: EntryOf<'found'>,
  states: ReadonlyMap<string, State>,
  ran: Ran,
): Violation[] {
  if (!isSettled(states.get(peer), at, ran)) return []
  const found = new Set(peers)
  return [...states].flatMap(([other, state]) => {
    if (other === peer || !isSettled(state, at, ran)) return []
    const isThere = state.look?.endsWith(` r${round}`) ?? false
    if (found.has(other) === isThere) return []
    const what = `a search of ${peer} ${isThere ? 'misses' : 'finds'} ${other}, which is ${state.look ?? 'absent'}`
    return [{ kind: 'indexWrong', at, what }]
  })
}

function stuck(entries: readonly Entry[], states: ReadonlyMap<string, State>): Violation[] {
  const ended = entries.findLast(({ kind }) => kind === 'ended')
  if (ended === undefined) return []
  return [...states].flatMap(([peer, { at, look }]) =>
    look === undefined ? [{ kind: 'stuck', at, what: `${peer} left and could not join again` } as const] : [],
  )
}

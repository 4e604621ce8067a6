/** A process of peers: does what the conductor orders, and sends messages all the time. */

import type { PeerId } from '../../../peer/index.ts'
import { Dice } from '../../sim/dice.ts'
import { Recorder } from '../recorder.ts'
import { setClockAhead } from '../stage/shifted-clock.ts'
import type { Order, Report } from './messages.ts'
import { Resident } from './resident.ts'

const COUNT_MS = 500
/** Sends are drawn in steps of this many milliseconds. */
const STEP_MS = 50

let residents: readonly Resident[] = []
let names: Readonly<Record<string, string>> = {}
let recorder: Recorder | undefined
let dice = new Dice('')
let perStep = 0
let share = 1

process.on('message', (order: Order) => {
  obey(order).catch((error: Error) => report({ kind: 'failed', detail: `${error.stack}` }))
})
process.on('disconnect', () => process.exit(0))
process.on('unhandledRejection', (error) => report({ kind: 'failed', detail: `${(error as Error).stack}` }))

function report(said: Report): void {
  process.send?.(said)
}

async function obey(order: Order): Promise<void> {
  switch (order.kind) {
    case 'begin':
      return begin(order)
    case 'meet':
      names = order.names
      perStep = (order.rate * STEP_MS) / 1000
      setInterval(step, STEP_MS)
      setInterval(count, COUNT_MS)
      break
    case 'leave':
      return residentOf(order.peer)?.leave()
    case 'return':
      return residentOf(order.peer)?.come()
    case 'speak':
      for (const each of residents) each.speak(order.round)
      report({ kind: 'spoke', round: order.round })
      break
    case 'look':
      return look(order)
    case 'clock':
      setClockAhead(order.aheadMs)
      break
    case 'pace':
      share = order.share
      break
    case 'hush':
      perStep = 0
      break
    case 'end':
      await Promise.all(residents.map((each) => each.leave()))
      recorder?.close()
      process.exit(0)
  }
}

async function begin({ plan }: Extract<Order, { kind: 'begin' }>): Promise<void> {
  dice = new Dice(plan.seed)
  const made = new Recorder(plan.history)
  recorder = made
  residents = plan.peers.map((peer) => new Resident(peer, plan, made, dice.fork(`${peer.peer}`)))
  for (const each of residents) await each.come()
  const ids = Object.fromEntries(residents.map(({ id, name }) => [id!, name]))
  report({ kind: 'begun', ids })
}

function residentOf(peer: number): Resident | undefined {
  return residents.find(({ number }) => number === peer)
}

async function look({ round, phase }: Extract<Order, { kind: 'look' }>): Promise<void> {
  for (const each of residents) each.look(round, phase, names)
  const here = residents.filter(({ isHere }) => isHere)
  if (here.length > 0) await dice.pick(here).find(round, names)
  report({ kind: 'looked', round, phase })
}

function step(): void {
  const here = residents.filter(({ isHere }) => isHere)
  const others = Object.entries(names)
  if (here.length === 0 || others.length < 2) return
  for (let due = perStep * share; due > 0; due--) {
    if (due < 1 && !dice.chance(due)) return
    const from = dice.pick(here)
    const [id, to] = dice.pick(others)
    if (to !== from.name) from.send(to, id as PeerId)
  }
}

function count(): void {
  const sum = (of: (each: Resident) => number) => residents.reduce((so, each) => so + of(each), 0)
  report({
    kind: 'count',
    sent: sum(({ sent }) => sent),
    pending: sum(({ pending }) => pending),
    received: sum(({ received }) => received),
    away: sum(({ isHere }) => (isHere ? 0 : 1)),
  })
}

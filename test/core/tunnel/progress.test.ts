import { expect, test } from 'vitest'
import { Queue } from '../../../shared/core/session/queue.ts'
import type { TunnelEffect } from '../../../shared/core/tunnel/events.ts'
import { GIVE_UP_MS, Lifetime } from '../../../shared/core/tunnel/lifetime.ts'
import { acknowledged, heardCredit, newPath, type Path } from '../../../shared/core/tunnel/path.ts'
import { Progress } from '../../../shared/core/tunnel/progress.ts'
import type { WhyNotDirect } from '../../../shared/why-not-direct.ts'
import { formatAddress } from '../../../shared/wire/address.ts'
import { B, RELAY } from './other-side.ts'

/** The application asked for the tunnel at 1,000. */
const SINCE = 1000

function progress() {
  const choice: { active: Path | undefined } = { active: undefined }
  const [lifetime, outbox] = [new Lifetime(), new Queue<TunnelEffect>()]
  lifetime.begin(SINCE)
  const told = () => {
    const effects: (string | undefined)[] = []
    for (let effect = outbox.take(); effect !== undefined; effect = outbox.take())
      effects.push(effect.kind === 'path' ? textOf(effect) : effect.kind)
    return effects
  }
  return { choice, lifetime, told, progress: new Progress(SINCE, choice, lifetime, outbox) }
}

const textOf = ({ path, remote, rttMs, whyNotDirect }: Extract<TunnelEffect, { kind: 'path' }>) =>
  [path, formatAddress(remote.words), rttMs, whyNotDirect].filter((it) => it !== undefined).join(' ')

function path(kind: Path['kind']): Path {
  const made = newPath(kind, kind === 'direct' ? B.words : RELAY.words, 0, heardCredit(), SINCE)
  acknowledged(made, SINCE, SINCE + 40)
  return made
}

const [relayed, direct] = [path('relayed'), path('direct')]
const [atRelay, atPeer] = [formatAddress(RELAY.words), formatAddress(B.words)]

interface Step {
  readonly name: string
  readonly now: number
  readonly active: Path | undefined
  readonly why: WhyNotDirect
  readonly want: readonly string[]
}

test('each change of the path in use is told once, and the reason only of a relayed one', () => {
  const { choice, told, progress: it } = progress()
  const steps: readonly Step[] = [
    { name: 'no path yet', now: 1010, active: undefined, why: 'not-yet', want: [] },
    {
      name: 'the relay',
      now: 1050,
      active: relayed,
      why: 'not-yet',
      want: [`relayed ${atRelay} 40 not-yet`],
    },
    { name: 'nothing new', now: 1060, active: relayed, why: 'not-yet', want: [] },
    {
      name: 'another reason',
      now: 2000,
      active: relayed,
      why: 'symmetric',
      want: [`relayed ${atRelay} 40 symmetric`],
    },
    { name: 'a direct path', now: 3000, active: direct, why: 'symmetric', want: [`direct ${atPeer} 40`] },
    { name: 'a reason that does not apply', now: 3100, active: direct, why: 'path-died', want: [] },
    { name: 'no path', now: 4000, active: undefined, why: 'path-died', want: ['interrupted'] },
    { name: 'still none', now: 4100, active: undefined, why: 'path-died', want: [] },
    {
      name: 'the same path again',
      now: 5000,
      active: direct,
      why: 'path-died',
      want: [`direct ${atPeer} 40`],
    },
  ]
  for (const { name, now, active, why, want } of steps) {
    choice.active = active
    it.show(why, now)
    expect(told(), name).toEqual(want)
  }
})

test('the status has the times of the first packet and of the first direct path, each counted from the wish', () => {
  const { choice, progress: it } = progress()
  expect(it.status('not-yet')).toEqual({ path: 'none', rttMs: 0, whyNotDirect: 'not-yet' })
  choice.active = relayed
  it.heard(1070)
  it.heard(1090)
  it.show('not-yet', 1090)
  expect(it.status('not-yet')).toEqual({
    path: 'relayed',
    rttMs: 40,
    whyNotDirect: 'not-yet',
    firstByteMs: 70,
  })
  choice.active = direct
  it.show('not-yet', 1500)
  choice.active = relayed
  it.show('path-died', 9000)
  choice.active = direct
  it.show('path-died', 10_000)
  expect(it.status('path-died')).toEqual({ path: 'direct', rttMs: 40, firstByteMs: 70, directMs: 500 })
})

test('a tunnel that is interrupted and hears nothing ends after a minute, unless a packet comes', () => {
  const { choice, lifetime, progress: it } = progress()
  choice.active = relayed
  it.heard(1070)
  it.show('not-yet', 1070)
  expect(lifetime.deadline()).toBe(Number.POSITIVE_INFINITY)
  choice.active = undefined
  it.show('path-died', 2000)
  it.show('path-died', 3000)
  expect(lifetime.deadline()).toBe(2000 + GIVE_UP_MS)
  it.heard(4000)
  expect(lifetime.deadline()).toBe(Number.POSITIVE_INFINITY)
})

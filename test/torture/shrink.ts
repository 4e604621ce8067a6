/**
 * Makes a failing schedule smaller: fewer rounds, then fewer acts (delta debugging), then fewer peers. A candidate is taken if its
 * run shows a violation of a kind that the first run showed. Real processes differ from run to run, so a candidate that did not
 * fail may still be able to.
 */
import type { Act, Schedule } from './schedule.ts'

export interface ShrinkOptions {
  /** Plays a schedule. True if it fails in the same way. */
  readonly fails: (schedule: Schedule) => Promise<boolean>
  /** False if no more candidates may be played. */
  readonly mayGoOn: () => boolean
  readonly log: (line: string) => void
}

/** Returns the smallest schedule that was seen to fail. `round`: the round in which the first violation showed. */
export async function shrink(schedule: Schedule, round: number, options: ShrinkOptions): Promise<Schedule> {
  let best = schedule
  for (const candidates of [lessRounds(round), lessActs, lessPeers])
    best = await smaller(best, candidates, options)
  return best
}

type Candidates = (schedule: Schedule) => Iterable<Schedule>

/** Takes candidates as long as one of them fails. */
async function smaller(
  schedule: Schedule,
  candidates: Candidates,
  options: ShrinkOptions,
): Promise<Schedule> {
  for (const candidate of candidates(schedule)) {
    if (!options.mayGoOn()) return schedule
    const fails = await options.fails(candidate)
    options.log(`${sizeOf(candidate)}: ${fails ? 'fails too' : 'does not fail'}`)
    if (fails) return smaller(candidate, candidates, options)
  }
  return schedule
}

/** The rounds until the one that failed, then that one with the one before it, then that one alone. */
export function lessRounds(round: number): Candidates {
  return function* (schedule) {
    const { rounds } = schedule
    if (rounds.length > round + 1) {
      yield { ...schedule, rounds: rounds.slice(0, round + 1) }
      yield { ...schedule, rounds: rounds.slice(Math.max(0, round - 1), round + 1) }
    } else if (rounds.length > 1) yield { ...schedule, rounds: rounds.slice(-Math.floor(rounds.length / 2)) }
  }
}

/** One kind of act less, then one half of the acts, then quarters less. */
export function* lessActs(schedule: Schedule): Iterable<Schedule> {
  const kinds = new Set(actsOf(schedule).map(({ kind }) => kind))
  for (const kind of kinds) yield without(schedule, (act) => act.kind === kind)
  const count = actsOf(schedule).length
  for (const parts of [2, 4, 8]) {
    if (count < parts) return
    for (let part = 0; part < parts; part++)
      yield without(schedule, (_, i) => Math.floor((i * parts) / count) === part)
  }
}

export function* lessPeers(schedule: Schedule): Iterable<Schedule> {
  const { peersPerGroup } = schedule
  if (peersPerGroup > 1) yield withPeers(schedule, Math.floor(peersPerGroup / 2))
}

function withPeers(schedule: Schedule, peersPerGroup: number): Schedule {
  const peers = schedule.groups * peersPerGroup
  const users = Math.max(2, Math.floor(peers / 2))
  const isThere = (act: Act) =>
    act.kind === 'restart-peer' ? act.peer < peers : act.kind !== 'member' || act.user < users
  const rounds = schedule.rounds.map(({ block, ...round }) => ({
    ...round,
    acts: round.acts.filter(isThere),
    leavers: round.leavers.filter((peer) => peer < peers),
    ...(block && block.user < users && block.blocked < users && { block }),
  }))
  return { ...schedule, peersPerGroup, rounds }
}

function actsOf({ rounds }: Schedule): Act[] {
  return rounds.flatMap(({ acts }) => acts)
}

/** The schedule without the acts for which `isOut` is true. `i` counts the acts of all rounds. */
export function without(schedule: Schedule, isOut: (act: Act, i: number) => boolean): Schedule {
  let i = 0
  const rounds = schedule.rounds.map((round) => ({
    ...round,
    acts: round.acts.filter((act) => !isOut(act, i++)),
  }))
  return { ...schedule, rounds }
}

export function sizeOf(schedule: Schedule): string {
  const { rounds, groups, peersPerGroup } = schedule
  return `${rounds.length} rounds, ${actsOf(schedule).length} acts, ${groups * peersPerGroup} peers`
}

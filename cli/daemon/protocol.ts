/**
 * The protocol of a home's door (door.ts), as records (serve/records.ts). A connection begins with
 *
 *   {protocol, token, open}     open: `control`, or {stream, name} or {take} for a stream of a tunnel
 *
 * and is answered with `{ok: true, …}` or `{error, detail}`.
 *
 * On the control connection, a request is `{id, call, args}`, its answer is `{id, result}` or `{id, error, detail}`,
 * and an event is `{event, args}`. Tunnels and offers have numbers that are valid for one control connection; its
 * tunnels close with it.
 *
 * The connection of a stream names its control connection by the `client` that it was given. After that it carries the
 * stream (framed.ts).
 */
import type { Duplex } from 'node:stream'
import type { Path, PeerSocket } from '../../peer/index.ts'
import type { Records, Value } from '../../serve/records.ts'
import { ERRORS, type ErrorCode, StraightwayError } from '../../shared/errors.ts'
import type { PeerId, UserId } from '../../shared/ids.ts'
import type { WhyNotDirect } from '../../shared/why-not-direct.ts'

/** State of a tunnel, sent with each of its events. */
export interface TunnelFacts {
  readonly tunnel: number
  readonly remotePeer: PeerId
  readonly path: Path
  readonly whyNotDirect?: WhyNotDirect | undefined
  readonly times: PeerSocket['times']
  readonly effort: PeerSocket['effort']
  readonly security: PeerSocket['security']
}

/** State of the process that is `up`. */
export interface SelfFacts {
  readonly client: string
  readonly pid: number
  readonly version: string
  readonly startedAt: number
  readonly index: string
  readonly peer: PeerId
  readonly user: UserId
  readonly networks: readonly string[]
  readonly state: string
  readonly status: string
  readonly custom: string
  readonly udpBlocked: boolean
  readonly udp: boolean
  /** Open tunnels, with their peers and services. */
  readonly tunnels: readonly { readonly peer: PeerId; readonly intent: string; readonly path: Path }[]
}

export const errorValue = (error: unknown): Value => {
  const { code, message } =
    error instanceof StraightwayError ? error : { code: 'internal', message: `${(error as Error).message}` }
  return { error: code, detail: message }
}

/** The error in an answer; undefined if there is none. */
export function errorOf({ error, detail }: Value): StraightwayError | undefined {
  if (typeof error !== 'string') return undefined
  const code = Object.hasOwn(ERRORS, error) ? (error as ErrorCode) : 'internal'
  return new StraightwayError(code, typeof detail === 'string' ? detail : undefined)
}

/** Reads the next value; undefined at the end. A record that is not a value also counts as the end. */
export async function nextValue(records: Records): Promise<Value | undefined> {
  const record = await records.next().catch(() => undefined)
  return record !== undefined && 'value' in record ? record.value : undefined
}

/** Connects two streams until both have ended. A failure of one ends both. */
export function couple(one: Duplex, other: Duplex): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.pipe(to)
    from.on('error', () => {})
    from.once('close', () => {
      if (!from.readableEnded || from.errored) to.destroy(from.errored ?? undefined)
    })
  }
}

/** Drops trailing undefined arguments, because JSON would turn them into null, which is a value. */
export function withoutAbsent(args: readonly unknown[]): readonly unknown[] {
  return args.slice(0, args.findLastIndex((each) => each !== undefined) + 1)
}

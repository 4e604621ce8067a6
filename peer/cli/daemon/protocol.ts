/**
 * What goes through the door of a home (home/door.ts), as records (services/records.ts). A connection begins with
 *
 *   {protocol, token, open}     open: `control`, or {stream, name} or {take} for a stream of a tunnel
 *
 * and is answered with `{ok: true, …}` or `{error, detail}`. On the control connection a request is `{id, call, args}`, its
 * answer `{id, result}` or `{id, error, detail}`, and what happens is `{event, args}`. Tunnels and offers have numbers,
 * which hold for one control connection; its tunnels close with it. A stream's connection names the control connection by
 * the `client` that it was given, and then carries the stream (framed.ts).
 */
import type { Duplex } from 'node:stream'
import { ERRORS, type ErrorCode, StraightwayError } from '../../../shared/errors.ts'
import type { PeerId, UserId } from '../../../shared/ids.ts'
import type { WhyNotDirect } from '../../../shared/why-not-direct.ts'
import type { Path, PeerSocket } from '../../peer-socket.ts'
import type { Records, Value } from '../../services/records.ts'

/** What is known of a tunnel, sent with everything that happens to it. */
export interface TunnelFacts {
  readonly tunnel: number
  readonly remotePeer: PeerId
  readonly path: Path
  readonly whyNotDirect?: WhyNotDirect | undefined
  readonly times: PeerSocket['times']
  readonly effort: PeerSocket['effort']
}

/** What the process that is `up` says of itself. */
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
  /** What is being done for whom. */
  readonly tunnels: readonly { readonly peer: PeerId; readonly intent: string; readonly path: Path }[]
}

export const errorValue = (error: unknown): Value => {
  const { code, message } =
    error instanceof StraightwayError ? error : { code: 'internal', message: `${(error as Error).message}` }
  return { error: code, detail: message }
}

/** The error that an answer holds, if it holds one. */
export function errorOf({ error, detail }: Value): StraightwayError | undefined {
  if (typeof error !== 'string') return undefined
  const code = Object.hasOwn(ERRORS, error) ? (error as ErrorCode) : 'internal'
  return new StraightwayError(code, typeof detail === 'string' ? detail : undefined)
}

/** The next value; undefined at the end. Anything else is an end too. */
export async function nextValue(records: Records): Promise<Value | undefined> {
  const record = await records.next().catch(() => undefined)
  return record !== undefined && 'value' in record ? record.value : undefined
}

/** Joins two streams until both have ended; a failure of one ends both. */
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

/** JSON turns what is not given into null, which is something that is given. */
export function withoutAbsent(args: readonly unknown[]): readonly unknown[] {
  return args.slice(0, args.findLastIndex((each) => each !== undefined) + 1)
}

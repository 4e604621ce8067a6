/** Counters of a node since it started. */
export interface CheckpointCounters {
  /** Datagrams and frames that could not be decoded, were not authentic, or were replays. */
  malformed: number
  signIns: number
  /** Sign-ins answered with a status other than `welcome`. */
  refusedSignIns: number
  cookies: number
  replays: number
  keepAlives: number
  gone: number
  sealed: number
  /** Sessions that ended without a goodbye. */
  lost: number
  messages: number
  forwarded: number
  stored: number
  offers: number
  finds: number
  pushes: number
  /** Frames dropped because a queue was full or the session had ended. */
  dropped: number
  rateLimited: number
  asks: number
  failedAsks: number
}

export const noCounters = (): CheckpointCounters => ({
  malformed: 0,
  signIns: 0,
  refusedSignIns: 0,
  cookies: 0,
  replays: 0,
  keepAlives: 0,
  gone: 0,
  sealed: 0,
  lost: 0,
  messages: 0,
  forwarded: 0,
  stored: 0,
  offers: 0,
  finds: 0,
  pushes: 0,
  dropped: 0,
  rateLimited: 0,
  asks: 0,
  failedAsks: 0,
})

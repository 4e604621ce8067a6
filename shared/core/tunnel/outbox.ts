import type { Queue } from '../session/queue.ts'
import type { TunnelEffect } from './events.ts'

/**
 * The queue in which every part of a tunnel puts its effects. There is one for the whole tunnel, so they come in the order in which
 * they arose; the machine's `poll` takes them.
 */
export type Outbox = Pick<Queue<TunnelEffect>, 'put'>

/** A running system for a test file, peers on the node that a test chooses, and ways to wait for events. */
import { randomInt } from 'node:crypto'
import type { EventEmitter } from 'node:events'
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, vi } from 'vitest'
import { type System, type SystemOptions, startSystem } from '../../local/system.ts'
import { type JoinOptions, join, type Peer, type PeerId } from '../../peer/index.ts'
import type { NodeId } from '../../shared/ids.ts'
import { createClient, tableName } from '../../shared/store/client.ts'

/** Time limit, far above what anything takes even on a busy machine. */
const PATIENCE_MS = 15_000

export interface SystemUnderTest {
  readonly system: System
  /** Joins a peer, by default to the first network. It is closed with the system. */
  readonly join: (options?: Partial<JoinOptions>) => Promise<Peer>
  /** Like `join`, signed in at the first or second node. */
  readonly joinAt: (node: 0 | 1, options?: Partial<JoinOptions>) => Promise<Peer>
  /** Returns the node of the peer, according to the tables. */
  readonly nodeOf: (peer: PeerId) => Promise<NodeId | undefined>
  /** Calls INDEX over REST with the admin key and returns its answer. */
  readonly admin: <T>(method: string, path: string, body?: object) => Promise<T>
}

/** Starts a system. Call it at the start of the file: the system ends with the file. */
export async function systemUnderTest(options: SystemOptions = {}): Promise<SystemUnderTest> {
  const system = await startSystem({ freePorts: true, ...options })
  const client = createClient({ endpoint: system.dynamodb })
  const peers: Peer[] = []
  afterAll(async () => {
    await Promise.all(peers.map((peer) => peer.close()))
    client.destroy()
    await system.close()
  })

  async function joinAnywhere(given: Partial<JoinOptions> = {}): Promise<Peer> {
    const peer = await join({ index: system.index, invite: system.invite, ...given })
    peers.push(peer)
    return peer
  }

  async function joinAt(node: 0 | 1, given: Partial<JoinOptions> = {}): Promise<Peer> {
    for (;;) {
      const peer = await joinAnywhere(given)
      const place = await until(() => nodeOf(peer.peer))
      if (place === system.nodes[node]!.node) return peer
      await peer.close()
    }
  }

  async function nodeOf(peer: PeerId): Promise<NodeId | undefined> {
    const { Item } = await client.send(new GetCommand({ TableName: tableName('Presence'), Key: { peer } }))
    return Item?.node
  }

  async function admin<T>(method: string, path: string, body?: object): Promise<T> {
    const headers = { authorization: `Bearer ${system.adminKey}`, 'content-type': 'application/json' }
    const sent = { method, headers, ...(body && { body: JSON.stringify(body) }) }
    const response = await fetch(`${system.index}${path}`, sent)
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  return { system, join: joinAnywhere, joinAt, nodeOf, admin }
}

/** Returns the first three numbers of random loopback addresses, which nobody else is likely to use. */
export function loopbackNet(): string {
  return `127.${randomInt(16, 255)}.${randomInt(256)}`
}

/** Resolves with the first result of `look` that is truthy. */
export function until<T>(look: () => T | Promise<T>): Promise<T> {
  return vi.waitUntil(look, { timeout: PATIENCE_MS, interval: 20 }) as Promise<T>
}

/** Resolves with the next event of this kind for which `isIt` is true. Call it before triggering the event. */
export function heard<Events extends Record<keyof Events, unknown[]>, Name extends keyof Events & string>(
  emitter: EventEmitter<Events>,
  event: Name,
  isIt: (...args: Events[Name]) => boolean = () => true,
): Promise<Events[Name]> {
  const events = emitter as EventEmitter
  return new Promise((resolve, reject) => {
    const hear = (...args: unknown[]) =>
      isIt(...(args as Events[Name])) && done(resolve, args as Events[Name])
    const late = () => done(reject, new Error(`no such ${event} in ${PATIENCE_MS} ms`))
    const timer = setTimeout(late, PATIENCE_MS)
    const done = <T>(settle: (value: T) => void, value: T) => {
      clearTimeout(timer)
      events.off(event, hear)
      settle(value)
    }
    events.on(event, hear)
  })
}

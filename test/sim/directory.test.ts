import { describe, expect, it } from 'vitest'
import type { NetworkId, NodeId, PeerId, UserId } from '../../shared/ids.ts'
import type { PresenceItem } from '../../shared/presence.ts'
import { directoryContract } from '../contract/directory.ts'
import { memoryDirectory } from './directory.ts'
import { type Pushed, pushedBy } from './streams.ts'
import { Tables } from './tables.ts'

directoryContract('memory', async () => {
  const tables = new Tables()
  return {
    directory: memoryDirectory(tables),
    async enrol(peer, user, networks) {
      tables.enrol(peer, user)
      for (const network of networks) tables.setRole(network, user, 'member')
    },
    revoke: async (peer) => tables.revoke(peer),
    block: async (user, blocked) => tables.setBlocks(user, [...tables.blocksOf(user), blocked]),
    unblock: async (user, blocked) =>
      tables.setBlocks(
        user,
        tables.blocksOf(user).filter((one) => one !== blocked),
      ),
    nodesOf: async (network) => tables.nodesOf(network),
  }
})

const [A, B] = ['node_aaaaaaaa', 'node_bbbbbbbb'] as [NodeId, NodeId]
const [chess, golf] = ['n_chess', 'n_golf'] as [NetworkId, NetworkId]
const ann: PresenceItem & { node: NodeId } = {
  peer: 'ann' as PeerId,
  user: 'u_ann' as UserId,
  status: 'online',
  custom: 'here',
  metadata: { game: 'chess' },
  since: 1,
  version: 1,
  lastSeenAt: 1,
  node: A,
  networks: [chess],
}

/** Returns what is pushed for the changes that `act` makes. */
function pushes(act: (tables: Tables) => void): Pushed[] {
  const tables = new Tables()
  for (const [network, node] of [
    [chess, A],
    [chess, B],
    [golf, B],
  ] as const) {
    tables.answer({ kind: 'joinNetworks', networks: [network], node })
  }
  tables.enrol(ann.peer, ann.user)
  tables.setRole(chess, ann.user, 'member')
  tables.answer({ kind: 'signIn', item: ann })
  while (tables.poll() !== undefined);
  act(tables)
  const pushed: Pushed[] = []
  for (let change = tables.poll(); change !== undefined; change = tables.poll()) {
    const one = pushedBy(change, tables)
    if (one !== undefined) pushed.push(one)
  }
  return pushed
}

describe('what a change makes the streams push', () => {
  it('a status goes once to every node with members of the network', () => {
    const [pushed, ...more] = pushes((tables) =>
      tables.answer({ kind: 'update', item: { ...ann, status: 'busy', version: 2 } }),
    )
    expect(more).toEqual([])
    expect(pushed).toMatchObject({ nodes: [A, B], push: { kind: 'presence', record: { status: 'busy' } } })
  })

  it('who becomes invisible is pushed as offline, and nothing of it after that', () => {
    const pushed = pushes((tables) => {
      tables.answer({ kind: 'update', item: { ...ann, status: 'invisible', version: 2 } })
      tables.answer({ kind: 'update', item: { ...ann, status: 'invisible', custom: 'psst', version: 3 } })
    })
    expect(pushed.map(({ push }) => push)).toMatchObject([
      { record: { status: 'offline', custom: '', metadata: {} } },
    ])
  })

  it('a move to another node, being seen again, and a renewed lease are no news', () => {
    const lease = {
      node: A,
      roles: ['checkpoint'],
      publicKey: '',
      addresses: {},
      load: 0,
      draining: false,
      startedAt: 1,
      expiresAtSeconds: 9,
    } as const
    const pushed = pushes((tables) => {
      tables.answer({ kind: 'signIn', item: { ...ann, node: B, since: 2 } })
      tables.answer({ kind: 'update', item: { ...ann, node: B, since: 2, lastSeenAt: 3 } })
      tables.setLease(lease)
      tables.setLease({ ...lease, load: 0.5, expiresAtSeconds: 19 })
    })
    expect(pushed.map(({ push }) => push.kind)).toEqual(['fleet'])
  })

  it('a membership goes to the nodes of the network and to those of the user', () => {
    const [pushed] = pushes((tables) => {
      tables.enrol(ann.peer, ann.user)
      tables.setRole(golf, ann.user, 'member')
    })
    expect(pushed).toMatchObject({ nodes: [B, A], push: { kind: 'membership', role: 'member' } })
  })

  it('a node whose lease ended leaves its peers offline and is told as gone', () => {
    const pushed = pushes((tables) => {
      const common = {
        roles: [],
        publicKey: '',
        addresses: {},
        load: 0,
        draining: false,
        startedAt: 1,
      } as const
      tables.setLease({ ...common, node: A, expiresAtSeconds: 10 })
      tables.setLease({ ...common, node: B, expiresAtSeconds: 99 })
      tables.reap(10_000)
    })
    expect(pushed.slice(2)).toMatchObject([
      { nodes: [B], push: { kind: 'presence', record: { status: 'offline' } } },
      { nodes: [B], push: { kind: 'fleet', item: { node: A, expiresAtSeconds: 0 } } },
    ])
  })
})

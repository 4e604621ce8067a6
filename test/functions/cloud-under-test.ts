/** Tables, gateway and the functions of the WebSocket API together, as a node meets them, for one test file. */
import { randomBytes } from 'node:crypto'
import { afterAll, onTestFinished } from 'vitest'
import { createConnect } from '../../functions/gateway/connect.ts'
import type { GatewayContext } from '../../functions/gateway/context.ts'
import { createDisconnect } from '../../functions/gateway/disconnect.ts'
import { createMessage } from '../../functions/gateway/message.ts'
import { createManagement, type Management } from '../../functions/management.ts'
import type { StreamContext } from '../../functions/streams/context.ts'
import type { FunctionName } from '../../infra/functions.ts'
import { type Gateway, startGateway } from '../../local/gateway.ts'
import { type Streams, startStreams } from '../../local/streams.ts'
import type { StreamHandler } from '../../local/streams-delivery.ts'
import type { NodeId, PeerId } from '../../shared/ids.ts'
import type { Push } from '../../shared/push.ts'
import { type Connections, createConnections } from '../../shared/store/connections.ts'
import type { TableName } from '../../shared/store/tables.ts'
import { PushChannel } from '../../udp-edge/push-channel.ts'
import { startTables, type TablesUnderTest } from '../local/tables-under-test.ts'
import { asFunction } from './permitted.ts'

export interface Cloud extends TablesUnderTest {
  readonly gateway: Gateway
  readonly connections: Connections
  readonly fleetKey: Uint8Array
  /** The stream context of the function of this name, with no more rights than its role. */
  streamOf(name: FunctionName): StreamContext
}

export interface NodeUnderTest {
  /** Returns the pushes received since the last call. */
  pushes(): Promise<Push[]>
  /** Replaces its connection by another one. */
  renew(): void
  close(): void
}

export async function startCloud(): Promise<Cloud> {
  const tables = await startTables()
  const connections = createConnections(tables.client)
  const fleetKey = randomBytes(32)
  const contextOf = (name: FunctionName): GatewayContext => {
    const client = asFunction(tables.client, name)
    return {
      client,
      connections: createConnections(client),
      fleetKeys: [randomBytes(32), fleetKey],
      now: Date.now,
      get management() {
        return management
      },
    }
  }
  const gateway = await startGateway({
    rest: async () => ({ statusCode: 404, body: '' }),
    websocket: {
      connect: createConnect(contextOf('connect')),
      disconnect: createDisconnect(contextOf('disconnect')),
      message: createMessage(contextOf('message')),
    },
  })
  const management: Management = createManagement(gateway.url)
  afterAll(async () => {
    await gateway.close()
    await tables.close()
  })
  return {
    ...tables,
    gateway,
    connections,
    fleetKey,
    streamOf: (name) => ({ client: asFunction(tables.client, name), management, now: Date.now }),
  }
}

/** Opens a node's connection and returns its own end. */
export async function connectNode(cloud: Cloud, node: NodeId): Promise<NodeUnderTest> {
  const { gateway, fleetKey, connections, streamOf } = cloud
  const received: Push[] = []
  const opened = Promise.withResolvers<void>()
  let marked = Promise.withResolvers<void>()
  const onPush = (push: Push) => (isMark(push) ? marked.resolve() : void received.push(push))
  const onOpen = () => opened.resolve()
  const channel = new PushChannel({ url: gateway.websocketUrl, node, fleetKey, onOpen, onPush })
  onTestFinished(() => channel.close())
  await opened.promise
  return {
    // A connection preserves order: when the mark arrives, everything sent before it has arrived.
    async pushes() {
      const [newest] = await connections.ofNode(node)
      marked = Promise.withResolvers()
      await streamOf('metadata').management.post(newest!.connection, JSON.stringify([MARK]))
      await marked.promise
      return received.splice(0)
    },
    renew: () => channel.renew(),
    close: () => channel.close(),
  }
}

const MARK: Push = { kind: 'mail', peer: 'mark' as PeerId }
const isMark = (push: Push): boolean => push.kind === 'mail' && push.peer === MARK.peer

/** Runs a stream function on the writes to a table: from now on, or since the beginning. */
export async function react(
  { endpoint }: Cloud,
  table: TableName,
  handler: StreamHandler,
  from: 'now' | 'the beginning' = 'now',
): Promise<Streams> {
  let listening = from === 'the beginning'
  const fromNowOn: StreamHandler = async (event, context) => (listening ? handler(event, context) : undefined)
  const streams = await startStreams({
    endpoint,
    mappings: [{ table, name: 'test', handler: fromNowOn }],
    policy: { pauseMs: 5, longestPauseMs: 50, retries: 1_000 },
  })
  onTestFinished(() => streams.close())
  await streams.drain()
  listening = true
  return streams
}

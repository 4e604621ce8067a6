import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import WebSocket, { type ClientOptions } from 'ws'
import type { WebSocketEvent } from '../../functions/gateway/event.ts'
import { type Gateway, type GatewayOptions, startGateway } from '../../local/gateway.ts'

export type Given = Partial<Omit<GatewayOptions, 'websocket'>> & {
  readonly websocket?: Partial<GatewayOptions['websocket']>
}

/** Starts a gateway. Handlers that the test does not provide answer 200. It is closed at the end of the test. */
export async function gatewayWith({ websocket, ...given }: Given): Promise<Gateway> {
  const accept = async () => ({ statusCode: 200 })
  const gateway = await startGateway({
    rest: async () => ({ statusCode: 200, body: '' }),
    websocket: { connect: accept, disconnect: accept, message: accept, ...websocket },
    ...given,
  })
  onTestFinished(() => gateway.close())
  return gateway
}

export async function openSocket(gateway: Gateway, options: ClientOptions = {}): Promise<WebSocket> {
  const socket = new WebSocket(gateway.websocketUrl, options)
  await once(socket, 'open')
  return socket
}

/** Returns a handler that accepts, and the events that it received, which can be awaited one by one. */
export function recording() {
  const events: WebSocketEvent[] = []
  let awake = Promise.withResolvers<void>()
  const handler = async (event: WebSocketEvent) => {
    events.push(event)
    awake.resolve()
    return { statusCode: 200 }
  }
  const next = async (): Promise<WebSocketEvent> => {
    for (;;) {
      const event = events.shift()
      if (event !== undefined) return event
      await awake.promise
      awake = Promise.withResolvers()
    }
  }
  return { handler, next }
}

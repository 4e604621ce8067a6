import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import WebSocket, { type ClientOptions } from 'ws'
import type { WebSocketEvent } from '../../functions/gateway/event.ts'
import { type Gateway, type GatewayOptions, startGateway } from '../../local/gateway.ts'

export type Given = Partial<Omit<GatewayOptions, 'websocket'>> & {
  readonly websocket?: Partial<GatewayOptions['websocket']>
}

/** A gateway whose handlers answer 200 where the test gives none; closed when the test ends. */
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

/** A handler that accepts, and the events it was given, each awaited once. */
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

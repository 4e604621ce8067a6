import type { APIGatewayProxyWebsocketEventV2 } from 'aws-lambda'

/** The event of the WebSocket API. Headers are present on `$connect` and `$disconnect` only. */
export type WebSocketEvent = APIGatewayProxyWebsocketEventV2 & {
  readonly headers?: Readonly<Record<string, string>>
}

/** The result of a function. Any status but 2xx from `$connect` refuses the connection with that status. */
export interface WebSocketResult {
  readonly statusCode: number
  readonly body?: string
  /** Headers of the answer to the handshake; only of `$connect`. */
  readonly headers?: Readonly<Record<string, string>>
}

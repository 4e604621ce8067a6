import type { APIGatewayProxyWebsocketEventV2 } from 'aws-lambda'

/** What the WebSocket API hands to its functions; headers come with `$connect` and `$disconnect` only. */
export type WebSocketEvent = APIGatewayProxyWebsocketEventV2 & {
  readonly headers?: Readonly<Record<string, string>>
}

/** Any status but 2xx in the answer to `$connect` refuses the connection with that status. */
export interface WebSocketResult {
  readonly statusCode: number
  readonly body?: string
}

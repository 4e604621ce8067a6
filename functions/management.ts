import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GoneException,
  LimitExceededException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { StraightwayError } from '../shared/errors.ts'
import { connectionConfig } from '../shared/store/client.ts'

/** The connections of the WebSocket API. */
export interface Management {
  /**
   * Posts a text to a connection. `gone`: the connection does not exist, or is not open yet. `stuck`: it accepted
   * nothing within POST_MS, or the service failed for it. Errors: `unavailable` if the service throttles.
   */
  post(connection: string, text: string): Promise<'sent' | 'gone' | 'stuck'>
  /** Ends a connection, also one that has ended already. Rejects if the service fails or throttles. */
  end(connection: string): Promise<void>
}

/** Timeout of a call. A post usually takes about 20 ms. */
export const POST_MS = 1_000
const ATTEMPTS = 2

/** `endpoint`: https://{api}.execute-api.{region}.amazonaws.com/{stage}, or a local gateway by plain HTTP. */
export function createManagement(endpoint: string): Management {
  const local = endpoint.startsWith('http:')
  const client = new ApiGatewayManagementApiClient({
    ...(local ? connectionConfig({ endpoint }) : { endpoint }),
    maxAttempts: ATTEMPTS,
  })
  const post = (ConnectionId: string, Data: string) =>
    client.send(new PostToConnectionCommand({ ConnectionId, Data }), {
      abortSignal: AbortSignal.timeout(POST_MS),
    })
  return {
    post: (connection, text) => post(connection, text).then(() => 'sent' as const, outcomeOf),
    end: async (ConnectionId) => {
      const ending = client.send(new DeleteConnectionCommand({ ConnectionId }), {
        abortSignal: AbortSignal.timeout(POST_MS),
      })
      await ending.catch((error) => {
        if (!(error instanceof GoneException)) throw error
      })
    },
  }
}

function outcomeOf(error: unknown): 'gone' | 'stuck' {
  if (error instanceof GoneException) return 'gone'
  if (error instanceof LimitExceededException)
    throw new StraightwayError('unavailable', 'API Gateway throttles posts to connections')
  return 'stuck'
}

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
   * `gone`: there is no such connection, or not yet. `stuck`: it took nothing within POST_MS, or the service failed for it.
   * Errors: `unavailable` when the service throttles.
   */
  post(connection: string, text: string): Promise<'sent' | 'gone' | 'stuck'>
  /** Ends a connection; one that has ended already is fine. Rejects if the service fails or throttles. */
  end(connection: string): Promise<void>
}

/** A post takes some 20 ms. */
export const POST_MS = 1_000
const ATTEMPTS = 2

/** `endpoint`: https://{api}.execute-api.{region}.amazonaws.com/{stage}, or a gateway of our own by plain HTTP. */
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

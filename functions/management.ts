import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GoneException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { connectionConfig } from '../shared/store/client.ts'

/** The connections of the WebSocket API. */
export interface Management {
  /** Rejects when the service fails or throttles. */
  post(connection: string, text: string): Promise<'sent' | 'gone'>
  /** Ends a connection; one that has ended already is fine. */
  end(connection: string): Promise<void>
}

/** `endpoint`: https://{api}.execute-api.{region}.amazonaws.com/{stage}, or a gateway of our own by plain HTTP. */
export function createManagement(endpoint: string): Management {
  const local = endpoint.startsWith('http:')
  const client = new ApiGatewayManagementApiClient(local ? connectionConfig({ endpoint }) : { endpoint })
  return {
    post: (ConnectionId, Data) =>
      unlessGone(client.send(new PostToConnectionCommand({ ConnectionId, Data }))),
    end: async (ConnectionId) =>
      void (await unlessGone(client.send(new DeleteConnectionCommand({ ConnectionId })))),
  }
}

async function unlessGone(sent: Promise<unknown>): Promise<'sent' | 'gone'> {
  try {
    await sent
    return 'sent'
  } catch (error) {
    if (error instanceof GoneException) return 'gone'
    throw error
  }
}

/** The management API of API Gateway on loopback. It counts posts to each connection, and answers as configured. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import { createManagement, type Management } from '../../../functions/management.ts'
import type { Push } from '../../../shared/push.ts'

export type Behaviour = 'takes' | 'hangs' | 'is gone' | 'throttles' | 'fails'

export interface Posts {
  readonly management: Management
  /** Returns the pushes of each post to a connection, in order. */
  to(connection: string): readonly (readonly Push[])[]
  /** Connections that were ended. */
  readonly ended: readonly string[]
  readonly count: number
}

const STATUS = { takes: 200, 'is gone': 410, throttles: 429, fails: 500 } as const
const ERROR = { 410: 'GoneException', 429: 'LimitExceededException', 500: 'InternalFailure' } as const

export async function startPosts(behaviours: Readonly<Record<string, Behaviour>> = {}): Promise<Posts> {
  const posts = new Map<string, Push[][]>()
  const ended: string[] = []
  let count = 0
  const server = createServer(async (request, response) => {
    const connection = decodeURIComponent(request.url!.split('/').at(-1)!)
    const behaviour = behaviours[connection] ?? 'takes'
    const body = await text(request)
    if (request.method === 'DELETE') {
      ended.push(connection)
      response.writeHead(204).end()
    } else if (behaviour !== 'hangs') {
      const status = STATUS[behaviour]
      if (status === 200) {
        posts.set(connection, [...(posts.get(connection) ?? []), JSON.parse(body)])
        count++
        response.writeHead(200).end()
      } else
        response
          .writeHead(status, { 'content-type': 'application/json', 'x-amzn-errortype': ERROR[status] })
          .end('{}')
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    management: createManagement(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    to: (connection) => posts.get(connection) ?? [],
    ended,
    get count() {
      return count
    },
  }
}

/** A proxy in front of INDEX and the gateway: it changes the text of bootstrap answers, passes WebSockets on, and can be cut. */
import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { buffer } from 'node:stream/consumers'

export interface IndexProxyOptions {
  readonly host: string
  readonly port: number
  readonly target: string
  /** Changes the text of an answer. `own`: URL of the proxy. */
  readonly seen: (text: string, own: string) => string
}

export interface IndexProxy {
  readonly url: string
  /** Ends every connection, and accepts no new one until `mend`. */
  cut(): void
  mend(): void
  close(): void
}

export async function openIndexProxy(options: IndexProxyOptions): Promise<IndexProxy> {
  const { host, port, target } = options
  const url = `http://${host}:${port}`
  const agent = new Agent({ keepAlive: true })
  const sockets = new Set<Duplex>()
  let cuts = 0
  const server = createServer((asked, answer) => {
    pass(asked, answer, { ...options, agent, url }).catch(() => answer.destroy())
  })
  server.on('connection', (socket) => {
    if (cuts > 0) socket.destroy()
    else keep(sockets, socket)
  })
  server.on('upgrade', (asked, near, head) => {
    const far = connect(Number(new URL(target).port), new URL(target).hostname)
    keep(sockets, far)
    far.on('close', () => near.destroy()).on('error', () => near.destroy())
    near.on('close', () => far.destroy()).on('error', () => far.destroy())
    far.write(requestText(asked))
    far.write(head)
    far.pipe(near as Socket).pipe(far)
  })
  server.keepAliveTimeout = 600_000
  server.listen(port, host)
  await once(server, 'listening')
  return {
    url,
    cut() {
      cuts++
      for (const socket of sockets) socket.destroy()
    },
    mend() {
      cuts--
    },
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      agent.destroy()
    },
  }
}

function keep(sockets: Set<Duplex>, socket: Duplex): void {
  sockets.add(socket)
  socket.on('error', () => socket.destroy())
  socket.on('close', () => sockets.delete(socket))
}

/** The head of a request as it came, so that the other side sees the host that the client named. */
function requestText({ method, url, rawHeaders }: IncomingMessage): string {
  const lines = Array.from(
    { length: rawHeaders.length / 2 },
    (_, i) => `${rawHeaders[2 * i]}: ${rawHeaders[2 * i + 1]}`,
  )
  return `${method} ${url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`
}

async function pass(
  asked: IncomingMessage,
  answer: ServerResponse,
  { target, seen, agent, url }: IndexProxyOptions & { readonly agent: Agent; readonly url: string },
): Promise<void> {
  const body = await buffer(asked)
  const { hostname, port } = new URL(target)
  const { method, headers, url: path } = asked
  const passed = request({ agent, hostname, port, method, path, headers })
  passed.end(body)
  const [given] = (await once(passed, 'response')) as [IncomingMessage]
  const bytes = await buffer(given)
  const isBootstrap = path?.startsWith('/v1/bootstrap') ?? false
  const told = isBootstrap ? Buffer.from(seen(bytes.toString(), url)) : bytes
  const { 'transfer-encoding': _, ...kept } = given.headers
  answer.writeHead(given.statusCode ?? 502, { ...kept, 'content-length': told.length }).end(told)
}

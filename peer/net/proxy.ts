/**
 * Connections through the HTTP proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY configure for all programs of a machine.
 * Every connection uses CONNECT, whatever protocol runs on it, so the proxy learns only the destination.
 */
import http from 'node:http'
import https from 'node:https'
import { type createConnection, isIP, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import tls from 'node:tls'
import { getProxyForUrl } from 'proxy-from-env'
import { Obstructed, type Sending } from '../../shared/rest-client/requests.ts'

const CONNECT_MS = 10_000

/** A connection factory that fits both `http.request` and `ws`. */
type Connector = typeof createConnection & NonNullable<http.RequestOptions['createConnection']>
type Connected = (error: Error | null, socket?: Socket) => void

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/

/**
 * The proxy for a URL such as `https://example.com` or `https://203.0.113.7:3483`; undefined if none. `ws:` and `wss:`
 * use the proxies of `http:` and `https:`. Loopback addresses never use a proxy.
 */
export function proxyFor(url: string): string | undefined {
  const { hostname } = new URL(url)
  return LOOPBACK.test(hostname) ? undefined : getProxyForUrl(url.replace(/^ws/, 'http')) || undefined
}

/** Connects to a host through the proxy, within CONNECT_MS. Rejects with the proxy's answer. */
export async function connectThrough(proxy: string, host: string, port: number): Promise<Socket> {
  const at = addressOf(proxy)
  const to = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`
  const headers = { host: to, ...authorizationOf(at) }
  const { request } = at.protocol === 'https:' ? https : http
  const asked = request({
    host: nameOf(at),
    port: at.port || (at.protocol === 'https:' ? 443 : 80),
    method: 'CONNECT',
    path: to,
    headers,
    agent: false,
  })
  const silent = () => asked.destroy(new Error(`The proxy ${at.host} does not answer.`))
  const late = setTimeout(silent, CONNECT_MS)
  const connected = new Promise<Socket>((resolve, reject) => {
    asked.on('connect', ({ statusCode }, socket, head) => {
      if (statusCode === 200) {
        if (head.length > 0) socket.unshift(head)
        resolve(socket as Socket)
        return
      }
      socket.destroy()
      const advice = statusCode === 407 ? ' Its address needs a user and a password.' : ''
      reject(new Error(`The proxy ${at.host} does not connect to ${to}: ${statusCode}.${advice}`))
    })
    asked.on('response', ({ statusCode }) => {
      asked.destroy()
      reject(new Error(`${at.host} is no proxy for ${to}: it answers ${statusCode}.`))
    })
    asked.on('error', reject)
    asked.end()
  })
  return connected.finally(() => clearTimeout(late))
}

/**
 * Makes a connection factory for `http.request` and `ws`, which accept a connection that comes later. `isSecure`: speak
 * TLS to the server itself.
 */
export function connector(proxy: string, isSecure: boolean): Connector {
  const connect = (
    options: { host?: string | null; port?: number | string | null },
    connected: Connected,
  ): void => {
    const host = (options.host ?? 'localhost').replace(/^\[|\]$/g, '')
    const port = Number(options.port ?? (isSecure ? 443 : 80))
    const secured = (socket: Socket) =>
      isSecure ? tls.connect({ socket, ...(isIP(host) === 0 && { servername: host }) }) : socket
    connectThrough(proxy, host, port).then(
      (socket) => connected(null, secured(socket)),
      (error) => connected(error),
    )
  }
  return connect as unknown as Connector
}

/** `fetch` by way of the proxy that the environment names for the address, if any. */
export async function fetchByEnvironment(url: string, sending: Sending): Promise<Response> {
  const proxy = proxyFor(url)
  if (proxy === undefined) return fetch(url, sending)
  try {
    return await fetchThrough(proxy, url, sending)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : `${cause}`
    const way = 'through the proxy that the environment names (HTTPS_PROXY, HTTP_PROXY, NO_PROXY)'
    throw new Obstructed(`${way}: ${why}`, { cause })
  }
}

/** `fetch` of text through the proxy. Redirects are not followed. */
function fetchThrough(
  proxy: string,
  url: string,
  { method, headers, body, signal }: Sending,
): Promise<Response> {
  const isSecure = url.startsWith('https:')
  const { request } = isSecure ? https : http
  const createConnection = connector(proxy, isSecure)
  const sent = { method, headers: Object.fromEntries(headers), signal, createConnection }
  const asked = request(url, sent)
  return new Promise((resolve, reject) => {
    asked.on('response', (answer) => {
      const { statusCode = 502, headers: given } = answer
      const isEmpty = statusCode === 204 || statusCode === 304
      if (isEmpty) answer.resume()
      const content = isEmpty ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array>)
      resolve(new Response(content, { status: statusCode, headers: given as Record<string, string> }))
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

/** Parses the address of the proxy. Throws if it is not an HTTP URL. The error omits the value, which may hold a password. */
function addressOf(proxy: string): URL {
  if (/^https?:\/\//.test(proxy) && URL.canParse(proxy)) return new URL(proxy)
  throw new Error('The proxy that the environment names is no http:// or https:// address.')
}

const nameOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '')

function authorizationOf({ username, password }: URL): { readonly 'proxy-authorization'?: string } {
  if (username === '') return {}
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` }
}

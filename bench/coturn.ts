import { spawnSync } from 'node:child_process'
import dgram from 'node:dgram'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StraightwayError } from '../shared/errors.ts'
import { encodeBindingRequest } from '../shared/wire/stun-client.ts'
import { type Child, start } from './child.ts'

const ASK_EVERY_MS = 50
const ASK_TIMES = 100

const OFF = ['--no-cli', '--no-tls', '--no-dtls', '--no-tcp', '--no-software-attribute', '--no-stdout-log']

/**
 * Starts coturn as a STUN server on 127.0.0.1 and 127.0.0.2, so that it supports RFC 5780 like our node. Everything else is
 * off, and UDP has one thread. Rejects with `unavailable` if coturn is not installed or does not answer.
 */
export const startCoturn = (port: number): Promise<Child> =>
  started(port, ['-S', '-L', '127.0.0.1', '-L', '127.0.0.2'])

/** Starts coturn as a TURN server on loopback, without accounts. */
export const startTurn = (port: number): Promise<Child> =>
  started(port, ['-L', '127.0.0.1', '-E', '127.0.0.1', '--allow-loopback-peers'])

async function started(port: number, how: readonly string[]): Promise<Child> {
  if (spawnSync('turnserver', ['--version']).error !== undefined) {
    throw new StraightwayError(
      'unavailable',
      'turnserver is not installed. On Debian and Ubuntu: apt install coturn',
    )
  }
  const folder = mkdtempSync(join(tmpdir(), 'coturn-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const fileOf = { '--log-file': 'log', '--pidfile': 'pid', '--userdb': 'db' }
  const files = Object.entries(fileOf).flatMap(([option, file]) => [option, join(folder, file)])
  const child = start('turnserver', [
    '-n',
    '-z',
    '-m',
    '1',
    '-p',
    `${port}`,
    ...how,
    ...OFF,
    '--simple-log',
    ...files,
  ])
  if (await answers(port)) return child
  await child.stop()
  throw new StraightwayError('unavailable', `turnserver does not answer on port ${port}`)
}

async function answers(port: number): Promise<boolean> {
  const socket = dgram.createSocket('udp4')
  const request = encodeBindingRequest(new Uint8Array(12))
  const { promise, resolve } = Promise.withResolvers<boolean>()
  socket.on('error', () => {})
  socket.on('message', () => resolve(true))
  let asked = 0
  const timer = setInterval(() => {
    if (++asked > ASK_TIMES) resolve(false)
    else socket.send(request, port, '127.0.0.1')
  }, ASK_EVERY_MS)
  const answered = await promise
  clearInterval(timer)
  socket.close()
  return answered
}

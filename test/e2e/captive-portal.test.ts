/** A captive portal blocks the way from a peer to INDEX for a minute, while the peer needs its next ticket. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pass } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { freePort } from '../../local/engine.ts'
import { homeInMemory } from '../../peer/home/home.ts'
import { Account } from '../../shared/client/account.ts'
import { identityOf } from '../../shared/crypto/identity.ts'
import { systemUnderTest } from './system-under-test.ts'

const HOST = '127.0.0.1'
const PORTAL_MS = 60_000
const BACK_WITHIN_MS = 5000
const ANSWERS = [401, 403, 404, 511, 'a page', 'reset'] as const
type Answer = (typeof ANSWERS)[number]

const ports = await Promise.all([...ANSWERS, 'moved'].map(() => freePort()))
const { system } = await systemUnderTest({ indexHosts: ports.map((port) => `${HOST}:${port}`) })

interface Portal {
  readonly index: string
  /** The answer that it gives in place of INDEX; undefined to pass requests on. */
  answer: Answer | undefined
}

async function portalAt(port: number, atEnd: Ending): Promise<Portal> {
  const portal: Portal = { index: `http://${HOST}:${port}`, answer: undefined }
  const { hostname, port: behind } = new URL(system.index)
  const server = createServer((asked, answered) => {
    const { answer } = portal
    if (answer === undefined) {
      const { method, headers, url } = asked
      const passed = request({ hostname, port: behind, path: url, method, headers }, (got) => {
        answered.writeHead(got.statusCode!, got.headers)
        got.pipe(answered)
      })
      asked.pipe(passed)
    } else if (answer === 'reset') asked.socket.resetAndDestroy()
    else {
      answered.writeHead(answer === 'a page' ? 200 : answer, { 'content-type': 'text/html' })
      answered.end('<html>Please sign in at the desk.</html>')
    }
  })
  server.listen(port, HOST)
  atEnd(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server, 'listening')
  expect((server.address() as AddressInfo).port).toBe(port)
  return portal
}

/** Registers a clean-up at the end of a test. Tests that run at the same time each register it in their own context. */
type Ending = (end: () => void) => void

async function enrolledAt(
  port: number,
  atEnd: Ending,
): Promise<{ readonly account: Account; readonly portal: Portal }> {
  const portal = await portalAt(port, atEnd)
  const seed = randomBytes(32)
  const account = new Account(portal.index, identityOf(seed), homeInMemory(seed))
  atEnd(() => account.close())
  await account.signUp({ invite: system.invite })
  return { account, portal }
}

describe('a captive portal of a minute', () => {
  it.concurrent.for(
    ANSWERS.map((answer, i) => [answer, ports[i]!] as const),
  )('that answers %s keeps a ticket back no longer than 5 s after its end', async ([answer, port], {
    onTestFinished,
  }) => {
    const { account, portal } = await enrolledAt(port, onTestFinished)
    portal.answer = answer
    const renewed = account.renewTicket().then((ticket) => ({ ticket, at: performance.now() }))
    await pass(PORTAL_MS)
    portal.answer = undefined
    const endedAt = performance.now()
    const { ticket, at } = await renewed
    expect(ticket.expiresAt).toBeGreaterThan(Date.now())
    expect(at - endedAt).toBeLessThan(BACK_WITHIN_MS)
    expect(at).toBeGreaterThan(endedAt)
  })

  it.concurrent('is forgotten at once where the network changes', async ({ onTestFinished }) => {
    const { account, portal } = await enrolledAt(ports.at(-1)!, onTestFinished)
    portal.answer = 511
    const renewed = account.renewTicket()
    await pass(10_000)
    portal.answer = undefined
    account.hurry()
    const soon = await Promise.race([renewed.then(() => true), pass(1000, false)])
    expect(soon).toBe(true)
  })
})

/** Peers in Chromium, with a peer of Node, against a running system. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { Peer } from '../../peer/index.ts'
import { heard, systemUnderTest } from '../e2e/system-under-test.ts'
import { type Chromium, chromiumPath, startChromium, type Tab } from './chromium.ts'

interface Joined {
  readonly peer: string
  readonly user: string
  readonly state: string
}

interface Told {
  readonly peer: string
  readonly status: string
  readonly custom: string
}

const path = chromiumPath()

describe.skipIf(path === undefined)('a peer in a browser', async () => {
  if (path === undefined) return
  const { system, join } = await systemUnderTest()
  const { index, invite } = system
  let chromium: Chromium
  let tab: Tab
  let node: Peer
  let self: string

  beforeAll(async () => {
    chromium = await startChromium(path)
    node = await join({ name: 'node', metadata: { game: 'chess' } })
    tab = await chromium.tab()
    const joined = await tab.settle<Joined>('join', {
      ...{ index, invite, home: 'me', name: 'tab', metadata: { game: 'go' } },
    })
    self = joined.peer
  })

  test('is online when it has joined, and is found', async () => {
    expect(await tab.act('state')).toBe('online')
    const found = [{ peer: self, status: 'online', name: 'tab' }]
    await expect.poll(() => node.find('metadata.game eq "go"')).toMatchObject(found)
    await expect.poll(() => node.find({ peer: self as never })).toMatchObject(found)
  })

  test('finds others, by filter and by id, and has a roster', async () => {
    await expect
      .poll(() => tab.settle('find', 'metadata.game eq "chess"'))
      .toMatchObject([{ peer: node.peer }])
    expect(await tab.settle('find', { peer: node.peer })).toMatchObject([{ status: 'online', name: 'node' }])
    await expect(tab.settle('find', 'metadata.game ==')).rejects.toThrow('bad-request')
    expect(await tab.act('roster')).toContainEqual({ peer: node.peer, status: 'online' })
  })

  test('tells its status, and hears that of others', async () => {
    const told = heard(node, 'presence', ({ peer, status }) => peer === self && status === 'busy')
    await tab.act('status', 'busy', { custom: 'at a board' })
    expect(await told).toMatchObject([{ custom: 'at a board' }])
    node.status('away')
    await tab.heard<Told>('presence', ({ peer, status }) => peer === node.peer && status === 'away')
  })

  test('exchanges messages with a peer of Node, texts and bytes', async () => {
    const arrived = heard(node, 'message')
    expect(await tab.settle('send', node.peer, 'from a page: ä')).toBe('delivered')
    expect(await arrived).toMatchObject([{ from: self, text: 'from a page: ä' }])
    const bytes = heard(node, 'message')
    expect(await tab.settle('send', node.peer, [0, 255, 1], true)).toBe('delivered')
    expect([...(await bytes)[0].body]).toEqual([0, 255, 1])
    expect(await node.send(self as never, 'from Node: ü')).toBe('delivered')
    const message = await tab.heard<{ from: string; text: string }>('message')
    expect(message).toMatchObject({ from: node.peer, text: 'from Node: ü' })
  })

  test('says what is wrong with an argument, as on Node', async () => {
    await expect(tab.settle('send', node.peer, 'x'.repeat(5000))).rejects.toThrow('too-large')
    await expect(tab.settle('send', 'a'.repeat(52), 'hello')).rejects.toThrow('unknown-peer')
  })

  test('reads and writes INDEX across origins', async () => {
    const user = await tab.settle<{ user: string }[]>('index', 'users', 'list')
    expect(user).toHaveProperty('items')
    await expect(tab.settle('index', 'networks', 'get', 'n_aaaaaaaaaaaaaaaa')).rejects.toThrow(
      /not-found|forbidden/,
    )
  })

  test('refuses offers: with a reason, without a listener, and when its listener fails', async () => {
    const call = () => node.connect(self as never, { intent: 'play' })
    await expect(call()).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('not-listening'),
    })
    await tab.act('refuseOffers', 'no time')
    await expect(call()).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('no time'),
    })
    expect(await tab.heard('offer')).toMatchObject({ from: node.peer, intent: 'play' })
    await tab.act('stopListening')
    await tab.act('failAtOffers')
    await expect(call()).rejects.toMatchObject({
      message: expect.stringContaining('listener-failed'),
    })
    await tab.heard<{ message: string }>('error', ({ message }) =>
      message.includes('a fault of the application'),
    )
    await tab.act('stopListening')
  })

  test('tells a second tab that its home is in use, until the first is closed', async () => {
    const first = await chromium.tab()
    const options = { index, invite, home: 'shared' }
    const { peer } = await first.settle<Joined>('join', options)
    const second = await chromium.tab()
    await expect(second.settle('join', options)).rejects.toThrow(/^conflict: Another tab/)
    await first.page.close()
    expect(await second.settle<Joined>('join', { home: 'shared' })).toMatchObject({ peer })
    await second.page.close()
  })

  test('leaves when its page is closed, as others see at once', async () => {
    const other = await chromium.tab()
    const { peer } = await other.settle<Joined>('join', { index, invite })
    const gone = heard(node, 'presence', (told) => told.peer === peer && told.status === 'offline')
    await other.page.close({ runBeforeUnload: true })
    await gone
  })

  test('notices that the network is gone, and comes back with it', async () => {
    await chromium.context.setOffline(true)
    await expect.poll(() => tab.act('state')).toBe('offline')
    await chromium.context.setOffline(false)
    await expect.poll(() => tab.act('state')).toBe('online')
    expect(await node.send(self as never, 'after the gap')).toBe('delivered')
    await tab.heard<{ text: string }>('message', ({ text }) => text === 'after the gap')
  })

  test('gets what was sent while its process slept, and others see it again', async () => {
    const wake = await chromium.sleep()
    expect(await node.send(self as never, 'while asleep')).toBe('stored')
    await expect.poll(() => node.find({ peer: self as never })).toMatchObject([{ status: 'offline' }])
    wake()
    await tab.heard<{ text: string }>('message', ({ text }) => text === 'while asleep')
    await expect.poll(() => node.find({ peer: self as never })).toMatchObject([{ status: 'busy' }])
    await expect.poll(() => tab.act('state')).toBe('online')
    await node.send(self as never, 'awake')
    await tab.heard<{ text: string }>('message', ({ text }) => text === 'awake')
  })

  test('is the same peer after its page was loaded again, and gets each message once', async () => {
    await tab.reload()
    expect(await tab.settle<Joined>('join', { home: 'me' })).toMatchObject({ peer: self, state: 'online' })
    // Stored instead of delivered if the node has not heard of the new session yet.
    await node.send(self as never, 'once')
    await tab.heard<{ text: string }>('message', ({ text }) => text === 'once')
    const texts = (await tab.act<{ text: string }[][]>('heard', 'message')).map(([told]) => told!.text)
    expect(texts).toEqual(['once'])
  })
})

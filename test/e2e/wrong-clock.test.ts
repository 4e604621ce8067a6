/** Devices whose wall clocks are wrong, and jump: processes of their own, as a clock is a process's. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import type { PeerId } from '../../peer/index.ts'
import { heard, systemUnderTest } from './system-under-test.ts'

const PEER = fileURLToPath(new URL('wrong-clock-peer.ts', import.meta.url))
const DAY_MS = 86_400_000
/** A process that loads the SDK on a machine that does other things too. */
const PATIENCE_MS = 60_000

const { system, join } = await systemUnderTest()

interface Said {
  readonly peer?: PeerId
  readonly message?: string
  readonly outcome?: string
  readonly path?: string
}

async function deviceAt(shiftMs: number) {
  const child = spawn(process.execPath, [PEER, system.index, system.invite, String(shiftMs)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(async () => {
    child.kill()
    if (child.exitCode === null) await once(child, 'exit')
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<Said> => {
    const { value, done } = await lines.next()
    if (done) throw new Error('The device has ended.')
    return JSON.parse(value)
  }
  const { peer } = await next()
  return { peer: peer!, next, say: (what: object) => child.stdin.write(`${JSON.stringify(what)}\n`) }
}

test.each([
  ['a day ahead', DAY_MS],
  ['thirty days behind', -30 * DAY_MS],
])(
  'a device whose clock is %s joins, talks and connects, and goes on when its clock is set',
  { timeout: PATIENCE_MS },
  async (_, shiftMs) => {
    const [ada, device] = await Promise.all([join(), deviceAt(shiftMs)])
    const cross = async (text: string) => {
      expect(await ada.send(device.peer, `to ${text}`)).toBe('delivered')
      expect(await device.next()).toMatchObject({ message: `to ${text}` })
      const arrived = heard(ada, 'message')
      device.say({ to: ada.peer, text: `from ${text}` })
      expect(await device.next()).toEqual({ outcome: 'delivered' })
      expect((await arrived)[0]).toMatchObject({ from: device.peer, text: `from ${text}` })
    }
    await cross('one')
    const accepted = heard(ada, 'offer').then(([offer]) => offer.accept())
    device.say({ connect: ada.peer })
    await accepted
    expect((await device.next()).path).toMatch(/direct|relayed/)
    for (const jump of [0, -shiftMs, shiftMs]) {
      device.say({ shiftMs: jump })
      await cross(`after ${jump}`)
    }
  },
)

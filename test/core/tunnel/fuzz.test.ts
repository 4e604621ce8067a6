/** Whatever it receives, a tunnel machine neither throws nor lets itself be used against others. */
import { expect, test } from 'vitest'
import { TunnelMachine } from '../../../shared/core/tunnel/tunnel-machine.ts'
import { Random } from '../../../shared/crypto/random.ts'
import { ADDRESS_WORDS, parseAddress } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'
import { NAT_KINDS } from '../../sim/nat-kinds.ts'
import { Meeting } from './meeting.ts'

const ROUNDS = 100_000
const ATTACKER = parseAddress('203.0.113.66:6666')!
const HANDSHAKE = parseAddress('192.0.2.1:4001')!

/** Changes, truncates or replaces a datagram. */
function mangled(bytes: Uint8Array, random: Random): Uint8Array {
  if (random.below(4) === 0) return random.bytes(random.below(200))
  const copy = bytes.slice(0, random.below(3) === 0 ? random.below(bytes.length + 1) : bytes.length)
  for (let i = random.below(4); i > 0 && copy.length > 0; i--)
    copy[random.below(copy.length)] = random.below(256)
  return copy
}

test('100,000 datagrams of a stranger: nothing is thrown, nothing is answered, the tunnel lives', () => {
  const meeting = new Meeting({ sites: [{ nat: NAT_KINDS.linux }, { nat: NAT_KINDS.linux }] }).meet()
  const recorded: Uint8Array[] = []
  const { machine } = meeting.a
  const receive = machine.receive.bind(machine)
  machine.receive = (arrived, out, now) => {
    for (let i = 0; i < arrived.count; i++) recorded.push(arrived.at(i).slice())
    receive(arrived, out, now)
  }
  meeting.untilBoth('direct')
  meeting.pass(2000)
  expect(recorded.length).toBeGreaterThan(20)

  const random = new Random(new Uint8Array(32).fill(9))
  const [arrived, out] = [new Batch(), new Batch()]
  const now = Math.floor(meeting.world.now)
  for (let i = 0; i < ROUNDS; i++) {
    arrived.clear()
    const bytes = mangled(recorded[random.below(recorded.length)]!, random)
    arrived.push(bytes, random.below(2) === 0 ? ATTACKER.words : meeting.nodeAddress.words)
    receive(arrived, out, now)
  }
  const stranger = Array.from({ length: out.count }, (_, i) => out.address[i * ADDRESS_WORDS + 3])
  expect(stranger).not.toContain(ATTACKER.words[3])
  for (const end of meeting.ends) end.talk(20, 1000)
  const before = meeting.b.received.size
  meeting.pass(1500)
  expect(meeting.b.received.size - before).toBe(50)
  expect(meeting.ends.map(({ path }) => path)).toEqual(['direct', 'direct'])
})

test('inputs in any order, before and after the end, throw nothing', () => {
  const random = new Random(new Uint8Array(32).fill(8))
  const key = new Uint8Array(32)
  const out = new Batch()
  for (let run = 0; run < 300; run++) {
    const direction = {
      handshake: run % 3 === 0 ? [] : [HANDSHAKE],
      key,
      grant: random.bytes(random.below(300)),
    }
    const machine = new TunnelMachine({
      seed: random.bytes(32),
      ...(run % 5 > 0 && { keys: { send: random.bytes(32), receive: random.bytes(32) }, direction }),
      terms: {
        clear: random.below(2) === 0,
        paths: (['auto', 'direct-only', 'relay-only'] as const)[run % 3]!,
      },
      stun: run % 2 === 0 ? [] : [{ primary: HANDSHAKE }],
      candidates: Array.from(
        { length: random.below(40) },
        () => ({ kind: 'host', address: HANDSHAKE }) as const,
      ),
      localPort: 5000,
      now: 0,
    })
    const inputs = [
      { kind: 'send', bytes: random.bytes(random.below(3000)) },
      {
        kind: 'openStream',
        stream: 1,
        key: random.bytes(random.below(40)),
        name: 'n'.repeat(random.below(400)),
      },
      { kind: 'acceptStream', stream: 1, accepter: 2 },
      { kind: 'refuseStream', stream: 3 },
      { kind: 'streaming', active: true },
      { kind: 'rejoin', direction },
      { kind: 'approach', direction },
      {
        kind: 'agreed',
        keys: { send: key, receive: key },
        mixing: 'agreed',
        direction,
        terms: { clear: false, paths: 'auto' },
      },
      { kind: 'candidates', candidates: [] },
      { kind: 'networkChanged', candidates: [] },
      { kind: 'close' },
    ] as const
    for (let now = 0, i = 0; i < 60; i++, now += random.below(3000)) {
      if (random.below(2) === 0) machine.tick(out, now)
      else machine.handle(inputs[random.below(random.below(20) === 0 ? 11 : 10)]!, out, now)
      while (machine.poll() !== undefined);
      out.clear()
    }
  }
})

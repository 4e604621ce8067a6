import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { Lab, SERVER_IPS, type SideName } from './lab.ts'
import { laboratory } from './laboratory.ts'
import type { NatKind } from './nat-kind.ts'
import { NAT_KINDS } from './nat-kinds.ts'
import { askOracle, type Finding, hairpins, startOracle, startOracle6 } from './oracle.ts'

const KINDS: readonly NatKind[] = Object.values(NAT_KINDS)
const SIDES: readonly SideName[] = ['left', 'right']
/** Minimum spread of the ports of 24 fresh flows if they are random over the whole range. */
const WIDE = 20_000

function confirm({ expected, unsolicited }: NatKind, finding: Finding): void {
  const { udp, mapping, filtering, preserves } = expected
  if (!udp) {
    expect(finding).toEqual({ udp })
    return
  }
  expect(finding).toMatchObject({ udp, mapping, filtering, preserves })
  expect(finding.poisoned).toBe(unsolicited === 'accept' || mapping !== 'independent')
  if (expected.step !== undefined) expect(finding.step).toBe(expected.step)
  if (expected.range !== undefined) confirmRange(expected.range, finding.ports)
}

function confirmRange([low, high]: readonly [number, number], ports: readonly number[]): void {
  const [least, greatest] = [Math.min(...ports), Math.max(...ports)]
  expect(least).toBeGreaterThanOrEqual(low)
  expect(greatest).toBeLessThanOrEqual(high)
  expect(greatest - least).toBeGreaterThan(Math.min(high - low, WIDE) / 2)
}

laboratory('the laboratory', { tools: ['ping'] }, () => {
  it.concurrent.each(
    KINDS.filter(({ ipv6Only }) => !ipv6Only),
  )('$name is what it says, on both sides', async (kind) => {
    await using lab = await Lab.start({ left: kind, right: kind })
    const ask = await startOracle(lab)
    const findings = await Promise.all(SIDES.map(ask))
    for (const finding of findings) confirm(kind, finding)
  })

  it.concurrent.each(
    KINDS.filter(({ ipv6 }) => ipv6 !== undefined),
  )('$name lets IPv6 out and answers in, and translates nothing', async (kind) => {
    await using lab = await Lab.start({ left: kind, right: kind })
    const ask = await startOracle6(lab)
    const expected = { udp: true, mapping: 'independent', filtering: 'address-and-port', preserves: true }
    for (const side of SIDES) expect(await ask(side)).toMatchObject({ ...expected, poisoned: false })
  })

  it.concurrent.each(
    KINDS.filter(({ maps }) => maps !== undefined),
  )('$name opens a port to a host', async (kind) => {
    await using lab = await Lab.start({ left: kind, right: kind })
    await startOracle(lab)
    for (const [i, side] of SIDES.entries()) {
      const gateway = `192.168.${i + 1}.1`
      const answer = await askOracle(lab, side, 'map', kind.maps!, gateway, ...SERVER_IPS)
      expect(answer).toMatchObject({ through: true })
    }
  })

  it.concurrent.each(
    KINDS.filter(({ household }) => household !== undefined),
  )('$name returns what is sent to its own outside address only if it hairpins', async (kind) => {
    await using lab = await Lab.start({ left: kind, right: kind })
    await startOracle(lab)
    expect(await hairpins(lab)).toBe(kind.expected.hairpin)
    const neighbour = lab.run('left', ['ping', '-c1', '-W1', '192.168.1.11'])
    if (kind.household === 'together') await expect(neighbour).resolves.toContain('1 received')
    else await expect(neighbour).rejects.toThrow()
  })

  it.concurrent('rate-limited lets few of many new flows through, and port-restricted all', async () => {
    await using lab = await Lab.start({
      left: NAT_KINDS['rate-limited'],
      right: NAT_KINDS['port-restricted'],
    })
    await startOracle(lab)
    const few = await askOracle<number>(lab, 'left', 'burst', SERVER_IPS[0])
    expect(few).toBeGreaterThan(0)
    expect(few).toBeLessThan(NAT_KINDS['rate-limited'].expected.burst)
    expect(await askOracle(lab, 'right', 'burst', SERVER_IPS[0])).toBe(200)
  })

  it.concurrent('short-timeout forgets sooner than port-restricted', async () => {
    const kind = NAT_KINDS['short-timeout']
    await using lab = await Lab.start({ left: kind, right: NAT_KINDS['port-restricted'] })
    await startOracle(lab)
    const { unreplied, stream } = kind.expected.idleS
    const around = [unreplied - 4, unreplied + 4, stream - 5, stream + 5]
    const lifetime = (side: SideName) =>
      askOracle(lab, side, 'lifetime', SERVER_IPS[0], ...around.map(String))
    const [left, right] = await Promise.all([lifetime('left'), lifetime('right')])
    expect(left).toEqual({ unreplied: around.slice(0, 1), stream: around.slice(0, 3) })
    expect(right).toEqual({ unreplied: around.slice(0, 2), stream: around })
  })

  it.concurrent('absolute-expiry gives another port within its time, whatever the traffic', async () => {
    const kind = NAT_KINDS['absolute-expiry']
    await using lab = await Lab.start({ left: kind, right: NAT_KINDS['port-restricted'] })
    await startOracle(lab)
    const seconds = kind.expiresAfterS! + 3
    const steady = (side: SideName) =>
      askOracle<number[]>(lab, side, 'steady', SERVER_IPS[0], String(seconds))
    const [left, right] = await Promise.all([steady('left'), steady('right')])
    expect(left).toHaveLength(2)
    expect(right).toHaveLength(1)
  })

  it.concurrent('has six routers between the two hosts', async () => {
    await using lab = await Lab.start({ left: NAT_KINDS.open, right: NAT_KINDS.open })
    const ping = (ttl: number) => lab.run('left', ['ping', '-c1', '-W1', '-t', String(ttl), '80.81.92.10'])
    await expect(ping(6)).rejects.toThrow()
    await expect(ping(7)).resolves.toContain('1 received')
  })

  it.concurrent('gives a side another router while the other side stays', async () => {
    const { open } = NAT_KINDS
    await using lab = await Lab.start({ left: NAT_KINDS['cgn-random'], right: open })
    const ask = await startOracle(lab)
    for (const kind of [open, NAT_KINDS['symmetric-block'], NAT_KINDS['ipv6-firewall']]) {
      lab.rebuild({ left: kind, right: open })
      confirm(kind, await ask('left'))
    }
    const household = NAT_KINDS['same-nat']
    for (const kind of [household, open]) {
      lab.rebuild({ left: kind, right: kind })
      for (const finding of await Promise.all(SIDES.map(ask))) confirm(kind, finding)
    }
  })

  it('leaves nothing behind, not even when it could not be built', async () => {
    const broken = { ...NAT_KINDS.open, admission: 'no such rule' }
    await expect(Lab.start({ left: NAT_KINDS.open, right: broken })).rejects.toThrow('no such')
    const left = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })
    expect(left).not.toContain(`straightway-${process.pid}-`)
  })
})

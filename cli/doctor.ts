import type { Command } from 'commander'
import type { Diagnosis, Prospect } from '../peer/index.ts'
import { WHY_NOT_DIRECT } from '../shared/why-not-direct.ts'
import { type CommonFlags, indexOf, verb } from './options.ts'
import { print } from './output.ts'

export const doctor = (description: string): Command => verb('doctor', description).action(run)

async function run({ json, index, home }: CommonFlags): Promise<void> {
  const url = await indexOf(index, home)
  const { diagnose } = await import('../peer/index.ts')
  const found = await diagnose(url)
  const advice = adviceOn(found)
  print(json, { ...found, advice }, told(found, advice))
  if (!found.index.reachable || found.udp === 'blocked') process.exitCode = 1
}

function told(found: Diagnosis, advice: readonly string[]): string[] {
  const { index, nodes, udp, nat, mapping, filtering, allocation, hairpin, against } = found
  const verdicts = Object.entries(against).map(
    ([kind, prospect]) => `  against ${kind.padEnd(16)} ${prospectOf(prospect)}`,
  )
  return [
    `INDEX       ${index.url}: ${index.detail ?? 'answers'}`,
    ...(nodes.length === 0 ? ['nodes       none known'] : nodes.map(nodeLine)),
    `UDP         ${udp}`,
    `NAT         ${nat}`,
    `mapping     ${mapping} (ports: ${allocation})`,
    `filtering   ${filtering}`,
    `hairpin     ${hairpin ? 'yes' : 'no'}`,
    `gateway     ${gatewayOf(found.portMapping)}`,
    `local       ${found.local.join('  ') || 'no address but loopback'}`,
    `public      ${found.public.join('  ') || 'not seen'}`,
    'tunnels',
    ...verdicts,
    ...advice.flatMap((line) => ['', line]),
  ]
}

const nodeLine = ({ node, addresses }: Diagnosis['nodes'][number], i: number): string =>
  `${i === 0 ? 'nodes' : '     '}       ${node} ${addresses.join(' ')}`

const prospectOf = (it: Prospect): string =>
  it.path === 'direct' ? `direct by ${it.technique}` : `relayed: ${it.whyNotDirect}`

const SERVICE_NAMES = { pcp: 'PCP', natPmp: 'NAT-PMP', upnp: 'UPnP' } as const

/** A line such as `192.168.1.1 gives ports by PCP, UPnP (outside: 203.0.113.2)`. */
function gatewayOf({ gateway, services, external, doubleNat }: Diagnosis['portMapping']): string {
  if (gateway === undefined) return 'not asked for ports'
  if (services.length === 0) return `${gateway} gives no ports (PCP, NAT-PMP, UPnP)`
  const outside = external === undefined ? '' : ` (outside: ${external})`
  const names = services.map((service) => SERVICE_NAMES[service]).join(', ')
  return `${gateway} gives ports by ${names}${outside}${doubleNat ? ': useless, behind a second NAT' : ''}`
}

function adviceOn({ index, nodes, udp, against }: Diagnosis): string[] {
  if (!index.reachable)
    return ['INDEX does not answer: check --index, and that it runs (`npm start` on one machine).']
  if (nodes.length === 0) return ['INDEX knows no node: wait for one to register, or start one.']
  if (udp === 'blocked') return [WHY_NOT_DIRECT['udp-blocked'].advice]
  const reasons = new Set(
    Object.values<Prospect>(against).flatMap((it) => (it.path === 'direct' ? [] : [it.whyNotDirect])),
  )
  return [...reasons].map((reason) => `${reason}: ${WHY_NOT_DIRECT[reason].advice}`)
}

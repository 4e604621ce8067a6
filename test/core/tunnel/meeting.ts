/**
 * Two ends of a tunnel in any places, and two nodes with STUN, HANDSHAKE and RELAY. There is no CHECKPOINT: the tunnels are
 * already agreed on, and a request to rejoin is granted to both sides after a moment.
 */

import type { HandshakeEffect, HandshakeInput } from '../../../shared/core/handshake/events.ts'
import { HandshakeMachine } from '../../../shared/core/handshake/handshake-machine.ts'
import type { Agreement, TunnelsEffect, TunnelsInput } from '../../../shared/core/peer/events.ts'
import { Tunnels } from '../../../shared/core/peer/tunnels.ts'
import { type RelayEffect, type RelayInput, RelayMachine } from '../../../shared/core/relay/relay-machine.ts'
import { type StunEnds, StunServer } from '../../../shared/core/stun/stun-server.ts'
import type { StunServer as StunServerEnds } from '../../../shared/core/tunnel/evidence.ts'
import type { NatClass } from '../../../shared/core/tunnel/nat-class.ts'
import type { Mixing } from '../../../shared/core/tunnel/security.ts'
import { DIRECTION_MS, type Grant, grantKey, sealGrant } from '../../../shared/crypto/grant.ts'
import { Random } from '../../../shared/crypto/random.ts'
import type { FleetItem } from '../../../shared/directory.ts'
import { type NodeId, type PeerId, peerIdOf, type TunnelId, toBase32 } from '../../../shared/ids.ts'
import type { Paths } from '../../../shared/paths.ts'
import { type Address, addressOf, NOWHERE } from '../../../shared/wire/address.ts'
import type { Direction, Foreseen, TunnelTerms } from '../../../shared/wire/offers.ts'
import { Ground, ipsOf } from '../../sim/ground.ts'
import type { Host } from '../../sim/host.ts'
import { Internet, type Site, type SiteSetting } from '../../sim/internet.ts'
import { Process } from '../../sim/process.ts'
import type { Transit } from '../../sim/segment.ts'
import { Tunnel } from '../../sim/tunnel.ts'
import { World } from '../../sim/world.ts'

const PORT = { handshake: 4001, relay: 4002, stun: [3478, 3479] } as const
/** Time of a rejoin through both CHECKPOINTs, in milliseconds. */
const LED_MS = 60

export interface MeetingSetting {
  readonly seed?: number
  readonly sites?: readonly [SiteSetting, SiteSetting]
  /** True if both ends are in the first site. */
  readonly together?: boolean
  readonly paths?: Paths
  readonly clear?: boolean
  /** Default: both ends have ML-KEM. */
  readonly mixing?: Mixing
  /** If false, neither end takes part in `scatter`. */
  readonly scatter?: boolean
  /** The NAT class that both ends expect, or each of them. */
  readonly nat?: NatClass | readonly [NatClass, NatClass]
  /** The offering end starts `forMs` before the other one accepts, and learns of that `answerMs` later. */
  readonly asks?: { readonly forMs: number; readonly answerMs: number; readonly rings?: false }
  /** Says for each end whether it is told the right or a wrong port at which the other will be seen. */
  readonly expects?: 'rightly' | 'wrongly'
}

interface Side {
  readonly host: Host
  readonly process: Process<TunnelsInput, TunnelsEffect>
  readonly application: Tunnel
  /** The port at which it predicted to be seen, and whether its NAT is forgiving. */
  readonly foreseen: Foreseen
  handle(input: TunnelsInput): void
}

export class Meeting {
  readonly world: World
  readonly internet: Internet
  readonly sites: readonly [Site, Site]
  readonly hosts: readonly [Host, Host]
  readonly nodes: readonly Host[]
  readonly handshake: Process<HandshakeInput, HandshakeEffect>
  readonly relays: readonly Process<RelayInput, RelayEffect>[]
  readonly stuns: readonly StunServer[]
  readonly effects: HandshakeEffect[] = []
  readonly tunnel: TunnelId
  rejoins = 0
  readonly beginning: number
  readonly #setting: MeetingSetting
  readonly #fleetKey: Uint8Array
  #sides: [Side, Side] | undefined

  constructor(setting: MeetingSetting = {}) {
    const { seed = 1, sites = [{}, {}], together = false } = setting
    this.#setting = setting
    this.world = new World(seed)
    this.beginning = this.world.now
    this.internet = new Internet(this.world)
    this.#fleetKey = this.world.dice.fork('fleet').bytes(32)
    this.tunnel = toBase32(this.world.dice.fork('tunnel').bytes(16)) as TunnelId
    this.nodes = ['one', 'two'].map((name) => this.internet.server(name))
    this.stuns = this.nodes.map((host, i) => this.#startStun(host, i))
    this.relays = this.nodes.map((host) => this.#startRelay(host))
    this.handshake = this.#startHandshake()
    const first = this.internet.site('a', sites[0])
    this.sites = [first, together ? first : this.internet.site('b', sites[1])]
    this.hosts = [this.sites[0].host('a'), this.sites[1].host('b')]
  }

  get machine(): HandshakeMachine {
    return this.handshake.machine as HandshakeMachine
  }

  /** Address of the HANDSHAKE. */
  get nodeAddress(): Address {
    return addressOf(this.nodes[0]!.ips[0]!, PORT.handshake)!
  }

  get a(): Tunnel {
    return this.ends[0]
  }

  get b(): Tunnel {
    return this.ends[1]
  }

  get ends(): readonly [Tunnel, Tunnel] {
    const [a, b] = this.#sides!
    return [a.application, b.application]
  }

  /** Starts both ends, the answering one a moment earlier. */
  meet(): this {
    const { asks } = this.#setting
    this.#sides = [this.#side(0), this.#side(1)]
    const [first, second] = this.#sides
    if (asks !== undefined) this.#ask(first, second, asks)
    else {
      second.handle({ kind: 'agreed', agreement: this.#agreement(1, NOWHERE) })
      const expected = this.#expected(1) ?? NOWHERE
      first.handle({ kind: 'agreed', agreement: this.#agreement(0, expected) })
    }
    return this
  }

  /** Sets whether the network of this side drops UDP. */
  udp(side: 'a' | 'b', blocked: boolean): this {
    this.#sideOf(side).handle({ kind: 'udp', blocked })
    return this
  }

  /** Tells a side that its host's addresses changed, or that it woke up. */
  networkChanged(side: 'a' | 'b'): this {
    const { host, handle } = this.#sideOf(side)
    handle({ kind: 'moved', ips: ipsOf(host) })
    return this
  }

  kill(side: 'a' | 'b'): this {
    const { process, application } = this.#sideOf(side)
    process.kill()
    application.killed()
    return this
  }

  #sideOf(side: 'a' | 'b'): Side {
    return this.#sides![side === 'a' ? 0 : 1]
  }

  /** Passes an offer and its answer on as the CHECKPOINTs of the two would. */
  #ask(first: Side, second: Side, { forMs, answerMs, rings }: NonNullable<MeetingSetting['asks']>): void {
    const [tunnel, terms] = [this.tunnel, this.#terms]
    first.handle({ kind: 'prepare', tunnel, peer: this.#peer(1), terms })
    if (rings !== false) first.handle({ kind: 'approach', tunnel, direction: this.direction(0) })
    this.pass(forMs)
    const { port, forgiving } = first.foreseen
    const expected = (port > 0 && this.#expected(0)) || NOWHERE
    const answering = { tunnel, peer: this.#peer(0), paths: terms.paths, expected, forgiving }
    second.handle({ kind: 'prepareAnswer', ...answering })
    second.handle({ kind: 'agreed', agreement: this.#agreement(1, forgiving ? expected : NOWHERE) })
    this.world.after(answerMs, () => {
      const other = (second.foreseen.port > 0 && this.#expected(1)) || NOWHERE
      first.handle({ kind: 'agreed', agreement: this.#agreement(0, other) })
    })
  }

  #agreement(leg: 0 | 1, expected: Address): Agreement {
    const [up, down] = [this.#bytes('up'), this.#bytes('down')]
    const keys = leg === 0 ? { send: up, receive: down } : { send: down, receive: up }
    const other = leg === 0 ? 1 : 0
    const between = { tunnel: this.tunnel, peer: this.#peer(other), leg }
    return {
      ...between,
      keys,
      direction: this.direction(leg),
      expected,
      terms: this.#terms,
      mixing: this.#setting.mixing ?? 'agreed',
    }
  }

  get #terms(): TunnelTerms {
    return { clear: this.#setting.clear ?? false, paths: this.#setting.paths ?? 'auto' }
  }

  /** The address at which the end on this side will be seen, as the other is told. */
  #expected(leg: 0 | 1): Address | undefined {
    const { expects } = this.#setting
    const { localPort } = this.ends[leg]
    const port = expects === 'wrongly' ? localPort ^ 1 : localPort
    return expects && addressOf(this.sites[leg].router.ip, port)
  }

  #natOf(leg: 0 | 1): NatClass | undefined {
    const { nat } = this.#setting
    return nat !== undefined && 'length' in nat ? nat[leg] : nat
  }

  #peer(leg: 0 | 1): PeerId {
    return peerIdOf(this.world.dice.fork(`peer ${leg}`).bytes(32))
  }

  /** The tunnel part of an endpoint, with an application on top. */
  #side(leg: 0 | 1): Side {
    const host = this.hosts[leg]
    const { scatter } = this.#setting
    const machine = new Tunnels({ random: new Random(this.#bytes(`end ${leg}`)), scatter })
    const application = new Tunnel({
      host,
      use: (use) => process.handle({ kind: 'use', tunnel: this.tunnel, use }),
      machine: () => machine.machineOf(this.tunnel),
    })
    const ground = new Ground({ host, process: () => process, application: () => application })
    const side = { host, application, foreseen: { port: 0, forgiving: false } }
    const process: Process<TunnelsInput, TunnelsEffect> = new Process(host, machine, [], (effect) => {
      if (effect.kind === 'prepared') side.foreseen = effect.foreseen
      if (effect.kind === 'rejoinWanted') this.#lead()
      ground.perform(effect)
    })
    process.handle({ kind: 'host', ips: ipsOf(host) })
    process.handle({ kind: 'stun', servers: this.#stunServers() })
    process.handle({ kind: 'udp', blocked: host.udpBlocked })
    process.handle({ kind: 'nat', nat: this.#natOf(leg) })
    const handle = (input: TunnelsInput) => process.handle(input)
    return Object.assign(side, { process, handle })
  }

  #stunServers(): StunServerEnds[] {
    return this.nodes.map((host) => {
      const [primary, alternate] = endsOf(host).ipv4!
      return { primary, alternate }
    })
  }

  pass(ms: number): this {
    this.world.pass(ms)
    return this
  }

  /** Lets time pass until both ends are on such a path. Returns the milliseconds it took; Infinity if it took too long. */
  untilBoth(path: 'direct' | 'relayed', withinMs = 10_000): number {
    const from = this.world.now
    const there = this.world.until(() => this.ends.every((end) => end.path === path), withinMs)
    return there ? Math.round(this.world.now - from) : Number.POSITIVE_INFINITY
  }

  /** Drops everything between the two sites, except through a relay. Call the returned function to undo it. */
  cut(): () => void {
    return this.internet.core.separate([this.sites[0].router.ip], [this.sites[1].router.ip])
  }

  /** Makes the direct way between the two sites worse than the one through a relay. */
  worsen(transit: Transit): () => void {
    return this.internet.core.worsen([this.sites[0].router.ip], [this.sites[1].router.ip], transit)
  }

  direction(leg: 0 | 1): Direction {
    const expiresAt = Math.floor(this.world.now) + DIRECTION_MS
    const between = { tunnel: this.tunnel, leg, self: this.#peer(leg), other: this.#peer(leg === 0 ? 1 : 0) }
    const fields: Grant = { ...between, expiresAt, from: addressOf(this.sites[leg].router.ip, 1)! }
    return {
      handshake: [this.nodeAddress],
      key: grantKey(this.#fleetKey, 'handshake', fields),
      grant: sealGrant(this.#fleetKey, 'handshake', fields, this.#bytes(`grant ${leg}`).subarray(0, 24)),
    }
  }

  lease(i: number, change: Partial<FleetItem> = {}): FleetItem {
    return {
      node: `node_${i}` as NodeId,
      roles: ['checkpoint', 'handshake', 'stun', 'relay'],
      publicKey: '',
      addresses: { relay: [`${this.nodes[i]!.ips[0]}:${PORT.relay}`] },
      load: 0,
      draining: false,
      startedAt: 0,
      expiresAtSeconds: 0,
      ...change,
    }
  }

  #lead(): void {
    this.rejoins++
    this.world.after(LED_MS, () => {
      for (const leg of [0, 1] as const)
        this.#sides![leg].handle({ kind: 'rejoin', tunnel: this.tunnel, direction: this.direction(leg) })
    })
  }

  #startStun(host: Host, i: number): StunServer {
    const options = { own: endsOf(host), fleetKeys: [this.#fleetKey], seed: this.#bytes(`stun ${i}`) }
    const machine = new StunServer(options)
    const process = new Process(
      host,
      machine,
      PORT.stun.map((port) => ({ port })),
      () => {},
    )
    process.handle({ kind: 'partner', partner: endsOf(this.nodes[1 - i]!) })
    return machine
  }

  #startRelay(host: Host): Process<RelayInput, RelayEffect> {
    const machine = new RelayMachine({
      fleetKeys: [this.#fleetKey],
      seed: this.#bytes(`relay ${host.name}`),
    })
    return new Process(host, machine, [{ port: PORT.relay }], () => {})
  }

  #startHandshake(): Process<HandshakeInput, HandshakeEffect> {
    const options = { seed: this.#bytes('handshake'), fleetKeys: [this.#fleetKey], node: 'node_0' as NodeId }
    const process = new Process<HandshakeInput, HandshakeEffect>(
      this.nodes[0]!,
      new HandshakeMachine(options),
      [{ port: PORT.handshake }],
      (effect) => this.effects.push(effect),
    )
    process.handle({ kind: 'fleet', items: [this.lease(0), this.lease(1)] })
    return process
  }

  #bytes(label: string): Uint8Array {
    return this.world.dice.fork(label).bytes(32)
  }
}

function endsOf(host: Host): StunEnds {
  const [primary, alternate] = PORT.stun.map((port) => addressOf(host.ips[0]!, port)!)
  return { ipv4: [primary!, alternate!] }
}

/**
 * An instance's files as produced by synthesis: unpacked into an empty place, started as systemd starts them, with the
 * configuration of an instance.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PLATFORMS } from '../../infra/native-packages.ts'
import { buildNodeAsset } from '../../infra/node-asset.ts'
import { packetFilter } from '../../infra/node-units.ts'
import { type System, startSystem } from '../../local/system.ts'
import { join as joinSystem, type Peer } from '../../peer/index.ts'
import type { NodeId } from '../../shared/ids.ts'
import { fleetKeysOf, ticketKeysOf } from '../../shared/secrets.ts'
import { createClient } from '../../shared/store/client.ts'
import { createFleet } from '../../shared/store/fleet.ts'
import { parseNodeConfig } from '../../udp-edge/config.ts'
import { nodeConfig } from '../../udp-edge/instance/facts.ts'
import { createMetadata } from '../../udp-edge/instance/metadata.ts'
import { type AwsUnderTest, startAws } from './aws-under-test.ts'

const SECRET = 'a text that Secrets Manager made up'
const ADDRESS = '127.0.0.9'

const folder = mkdtempSync(join(tmpdir(), 'straightway-instance-'))
const asset = join(folder, 'asset')
let system: System
let aws: AwsUnderTest
let instance: ChildProcess
let node: NodeId
/** Its output, which CloudWatch reads on an instance. */
const said: string[] = []

beforeAll(async () => {
  buildNodeAsset(asset, { relay: false, drainMinutes: 1 })
  const data = join(folder, 'data')
  mkdirSync(data)
  const secrets = {
    ticketKey: ticketKeysOf({ current: SECRET }).signing,
    fleetKey: fleetKeysOf({ current: SECRET })[0],
  }
  writeFileSync(join(data, 'secrets.json'), JSON.stringify(secrets))
  system = await startSystem({ data, freePorts: true })
  aws = await startAws(ADDRESS, SECRET)
  instance = spawn(process.execPath, [join(asset, 'start.mjs')], {
    cwd: '/',
    env: environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: instance.stdout! }).on('line', (line) => said.push(line))
  const [line] = (await once(lines, 'line')) as [string]
  node = (JSON.parse(line) as { node: NodeId }).node
})

afterAll(async () => {
  if (instance?.exitCode === null) {
    instance.kill('SIGTERM')
    await once(instance, 'exit')
  }
  await aws?.close()
  await system?.close()
  rmSync(folder, { recursive: true, force: true })
})

test('the asset has the native modules for both architectures and for no other system', () => {
  expect(readdirSync(join(asset, 'prebuilds')).sort()).toEqual(['SHA256SUMS', ...PLATFORMS])
  expect(readdirSync(join(asset, 'node_modules/sodium-native/prebuilds')).sort()).toEqual([...PLATFORMS])
})

test('the node of the instance is in the fleet at its public address', async () => {
  const { nodes } = (await (await fetch(`${system.index}/v1/bootstrap`)).json()) as { nodes: Listed[] }
  expect(nodes.find((listed) => listed.node === node)).toMatchObject({
    checkpoint: [`${ADDRESS}:3480`],
    handshake: [`${ADDRESS}:3481`],
    stun: [`${ADDRESS}:3478`, `${ADDRESS}:3479`],
  })
})

test('an instance that has IPv6 serves both families, and says so', async () => {
  const before = await config()
  aws.assignIpv6('2001:db8::9')
  expect(before).toMatchObject({ address: ADDRESS, publicAddress: ADDRESS })
  expect(before.publicIpv6).toBeUndefined()
  expect(await config()).toMatchObject({
    address: '::',
    publicAddress: ADDRESS,
    publicIpv6: '2001:db8::9',
  })
})

test('a node says in which region it stands, and uses the tables of home where that is another one', async () => {
  const here = { ...environment(), DYNAMODB_ENDPOINT: '' }
  expect(await config(here)).toMatchObject({ region: 'us-east-1', dynamodb: { region: 'us-east-1' } })
  expect(await config({ ...here, HOME_REGION: 'eu-central-1' })).toMatchObject({
    region: 'us-east-1',
    dynamodb: { region: 'eu-central-1' },
  })
})

test('the group is told that the node serves, by the node itself', async () => {
  const told = await aws.completed('serve')
  expect(told.get('LifecycleActionResult')).toBe('CONTINUE')
  expect(told.get('AutoScalingGroupName')).toBe('straightway-test-nodes')
  expect(told.get('InstanceId')).toBe('i-0123456789abcdef0')
})

test('it answers STUN', async () => {
  const socket = createSocket('udp4')
  const id = randomBytes(12)
  socket.send(Buffer.concat([Buffer.from('000100002112a442', 'hex'), id]), 3478, ADDRESS)
  const [answer] = (await once(socket, 'message')) as [Buffer]
  expect(answer.readUInt16BE(0)).toBe(0x0101)
  expect(answer.subarray(8, 20)).toEqual(id)
  socket.close()
})

test('when the group wants the instance gone, its peers move, none is lost, and then the group is told', async () => {
  const { index, invite } = system
  const peers: Peer[] = []
  while (peers.length < 2 || (await peersAt(node)).length === 0)
    peers.push(await joinSystem({ index, invite }))
  const reasons = new Set<unknown>()
  for (const peer of peers) peer.on('state', (state, why) => state === 'offline' && reasons.add(why))

  const exited = once(instance, 'exit')
  aws.terminate()
  const [code] = await exited
  const told = await aws.completed('drain')

  expect(code).toBe(0)
  expect(told.get('LifecycleHookName')).toBe('drain')
  expect(told.get('LifecycleActionResult')).toBe('CONTINUE')
  expect(told.get('InstanceId')).toBe('i-0123456789abcdef0')
  expect(await peersAt(node)).toEqual([])
  expect(await leaseOf(node)).toBe(false)
  await exchange(peers)
  expect(peers.map(({ state }) => state)).toEqual(peers.map(() => 'online'))
  expect([...reasons]).toEqual(['draining'])
  await Promise.all(peers.map((peer) => peer.close()))
})

test('it has told its metrics by then', () => {
  const metrics = said.map((line) => JSON.parse(line)).filter(({ System }) => System === 'test')
  expect(metrics.map(({ Role }) => Role)).toEqual(['checkpoint', 'handshake', 'stun'])
  expect(metrics[0]).toMatchObject({ Sessions: 0, SignIns: expect.any(Number) })
  expect(metrics[0].SignIns).toBeGreaterThan(0)
})

const systemd = existsSync('/usr/bin/systemd-analyze')

test.runIf(systemd)('systemd finds nothing wrong with the units but programs that this machine lacks', () => {
  for (const relay of [false, true]) {
    const out = join(folder, relay ? 'relay' : 'node')
    buildNodeAsset(out, { relay, drainMinutes: 60 })
    const files = readdirSync(join(out, 'units')).map((name) => join(out, 'units', name))
    expect(complaints('systemd-analyze', ['verify', ...files])).toEqual([])
  }
})

const root = process.getuid?.() === 0 && existsSync('/usr/sbin/nft')

test.runIf(root)('nft accepts the packet filter, of nodes and of relays', () => {
  for (const tcp of [[], [443]]) {
    const file = join(folder, `filter-${tcp.length}.nft`)
    writeFileSync(file, packetFilter({ udp: [3478, 3482], tcp }))
    expect(complaints('nft', ['--check', '--file', file])).toEqual([])
  }
})

interface Listed {
  readonly node: string
}

function environment(): NodeJS.ProcessEnv {
  return {
    ROLES: 'checkpoint,handshake,stun',
    SYSTEM: 'test',
    GROUP: 'straightway-test-nodes',
    SERVE_HOOK: 'serve',
    DRAIN_HOOK: 'drain',
    LIFECYCLE_EVERY_MS: '200',
    FLEET_SECRET: 'fleet',
    INDEX_URL: system.index,
    GATEWAY_URL: system.websocket,
    DRAIN_MS: '20000',
    DYNAMODB_ENDPOINT: system.dynamodb,
    AWS_EC2_METADATA_SERVICE_ENDPOINT: aws.endpoint,
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  }
}

/** Returns the configuration that its node would get now. */
async function config(env = environment()) {
  const { endpoint } = aws
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  const secrets = new SecretsManagerClient({ endpoint, region: 'us-east-1', credentials })
  return parseNodeConfig(JSON.stringify(await nodeConfig(env, createMetadata(endpoint), secrets)))
}

async function peersAt(where: NodeId): Promise<unknown[]> {
  const { ScanCommand } = await import('@aws-sdk/lib-dynamodb')
  const client = createClient({ endpoint: system.dynamodb })
  const { Items = [] } = await client.send(new ScanCommand({ TableName: 'Presence', ConsistentRead: true }))
  return Items.filter(({ node }) => node === where)
}

/** Tells whether it holds a valid lease. Expired leases may still be in the table until the reaper runs. */
async function leaseOf(where: NodeId): Promise<boolean> {
  const fleet = createFleet(createClient({ endpoint: system.dynamodb }))
  return (await fleet.alive(Math.floor(Date.now() / 1000))).some((item) => item.node === where)
}

/** Checks that every peer still has a working session. */
async function exchange(peers: readonly Peer[]): Promise<void> {
  const [first, ...others] = peers
  for (const peer of others) peer.on('message', () => {})
  await Promise.all(others.map(({ peer }) => first!.send(peer, 'still there?')))
}

function complaints(program: string, arguments_: readonly string[]): string[] {
  try {
    execFileSync(program, arguments_, { stdio: 'pipe', encoding: 'utf8' })
    return []
  } catch (error) {
    const { stderr } = error as { stderr: string }
    return stderr.split('\n').filter((line) => line !== '' && !/is not executable: No such file/.test(line))
  }
}

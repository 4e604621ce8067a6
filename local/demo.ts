/**
 * `npm run demo`: plays the main use case once on this machine. It starts the system, creates users and a network over
 * REST, and lets three peers act as an application would. Nodes, sockets, tables and streams are all real. With
 * `--index` and `--key` it uses an existing system.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { Command } from 'commander'
import { type AdminClient, createAdminClient } from '../peer/index.ts'
import {
  beRefused,
  type Cast,
  carry,
  comeBack,
  curtain,
  enrol,
  fetchThrough,
  findBen,
  found,
  MESSAGES,
  notify,
  type Society,
  type Stage,
  serveAll,
  talk,
  told,
  welcomeCleo,
} from './scenes.ts'
import { Story } from './story.ts'
import { startSystem } from './system.ts'

const flags = new Command('npm run demo --')
  .description('The main job, once through: a story on screen, or one JSON report.')
  .option('--json', 'print one JSON report on stdout')
  .option('--index <url>', 'play on the system of this INDEX instead of starting one')
  .option('--key <key>', 'its admin key')
  .parse()
  .opts<{ json?: true; index?: string; key?: string }>()

const folder = mkdtempSync(joinPath(tmpdir(), 'straightway-demo-'))
const story = new Story(flags.json ? undefined : process.stdout)
const watchdog = setTimeout(() => fail(new Error('The demo hangs.')), 80_000)

play().then(
  (report) => {
    clearTimeout(watchdog)
    rmSync(folder, { recursive: true, force: true })
    const ok = isWhole(report)
    if (flags.json) process.stdout.write(`${JSON.stringify({ ok, ...report })}\n`)
    process.exit(ok ? 0 : 1)
  },
  (error: Error) => fail(error),
)

function fail(error: Error): never {
  rmSync(folder, { recursive: true, force: true })
  if (flags.json) process.stdout.write(`${JSON.stringify({ ok: false, detail: error.message })}\n`)
  process.stderr.write(`${error.stack}\n`)
  process.exit(1)
}

function isWhole({ tunnels, forward, messages, offline }: Awaited<ReturnType<typeof play>>): boolean {
  const [direct, relayed] = tunnels
  const carried =
    direct?.path === 'direct' && relayed?.path === 'relayed' && tunnels.every((each) => each.sha256Equal)
  const spoken = messages.delivered === messages.sent && messages.duplicates === 0 && offline.delivered
  return carried && spoken && forward.status === 200
}

async function play() {
  story.title('Straightway: the whole back end of a peer-to-peer application, on this machine.')
  const system = await story.scene(
    flags.index ? 'find the system' : 'start nodes, relay, INDEX',
    setStage,
    ({ index }) => `INDEX at ${index}`,
  )
  const admin = createAdminClient({ index: system.index, key: system.adminKey })
  const society = await story.scene(
    'two users in a network, over REST',
    () => found(admin),
    () => 'Ada and Ben are in "chess club"',
  )
  const phoneSeed = randomBytes(32)
  const cast = await story.scene(
    'three peers enrol by invite',
    () => enrol(system, admin, society, phoneSeed),
    () => "Ada's, Ben's, and Ben's phone are online",
  )
  const report = await act(system, admin, society, cast, phoneSeed)
  await story.scene(
    'say goodbye',
    () => curtain(system, cast),
    () => 'everything has ended',
  )
  return report
}

async function setStage(): Promise<Stage> {
  const { index, key: adminKey = '' } = flags
  return index ? { index, adminKey, close: async () => {} } : startSystem({ freePorts: true })
}

async function act(system: Stage, admin: AdminClient, society: Society, cast: Cast, phoneSeed: Buffer) {
  const { ada, ben, phone } = cast
  const presenceNotifiedMs = await story.scene(
    "Ben's status reaches Ada",
    () => notify(ada, ben),
    (ms) => `"busy" after ${ms} ms, over a table stream`,
  )
  const found = await story.scene(
    'Ada finds a peer by metadata',
    () => findBen(cast),
    (count) => `${count} peer plays chess and is here`,
  )
  const refused = await story.scene(
    "an offer to Ben's phone",
    () => beRefused(ada, phone),
    ({ reason }) => `refused: "${reason}"`,
  )
  serveAll(ben, { receive: folder })
  const direct = await story.scene(
    '20 MB over a direct tunnel',
    () => carry(ada, ben.peer, 'auto', folder),
    told,
  )
  const relayed = await story.scene(
    '20 MB again, over the relay',
    () => carry(ada, ben.peer, 'relay-only', folder),
    told,
  )
  const forward = await story.scene(
    'an HTTP server behind Ben, fetched by Ada',
    () => fetchThrough(ada, ben),
    ({ status, bytes }) => `status ${status}, ${bytes} bytes`,
  )
  const messages = await story.scene(
    `${MESSAGES} messages each way`,
    () => talk(ada, ben),
    ({ delivered, duplicates }) => `${delivered} delivered, ${duplicates} twice, in order`,
  )
  const offline = await story.scene(
    "a message to Ben's phone while it is off",
    () => comeBack(system, cast, phoneSeed),
    ({ outcome }) => `${outcome}, and there when it returned`,
  )
  const membershipNotifiedMs = await story.scene(
    'Cleo joins the network',
    () => welcomeCleo(admin, society, ada),
    (ms) => `Ada knows after ${ms} ms`,
  )
  return {
    found,
    refused,
    tunnels: [direct, relayed],
    forward,
    messages,
    offline: { delivered: offline.delivered },
    presenceNotifiedMs,
    membershipNotifiedMs,
  }
}

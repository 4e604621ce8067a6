/**
 * Measures the size of each function and its time to the first answer, compared with a handler that does nothing. A fresh
 * process loads the deployed bundle and handles a first event on the embedded DynamoDB. The functions take turns.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { deflateRawSync } from 'node:zlib'
import { writeFunction } from '../infra/bundles.ts'
import { FUNCTIONS, type FunctionDescription, KEY_ROTATION } from '../infra/functions.ts'
import { createTables, startEngine } from '../local/engine.ts'
import { StraightwayError } from '../shared/errors.ts'
import { createClient } from '../shared/store/client.ts'
import { startCloud } from './cloud.ts'
import { type FirstEvent, firstEvents } from './function-events.ts'

/** Largest allowed size of a zipped function. */
const BOUND_BYTES = 500 * 1024
const BARE = 'exports.handler = async () => {}\n'
const STARTER = fileURLToPath(new URL('first-event.mjs', import.meta.url))

export interface FunctionResult {
  readonly name: string
  readonly zippedBytes: number
  /** Time from the start of Node.js to the answer; the median of the runs. */
  readonly coldMs: number
  /** Time to load the bundle; the median of the runs. */
  readonly loadMs: number
  /** `coldMs` divided by that of the bare handler. */
  readonly ratio: number
}

export interface FunctionsResult {
  readonly runs: number
  readonly boundBytes: number
  /** Result of a handler that does nothing. */
  readonly bare: Omit<FunctionResult, 'ratio'>
  readonly functions: readonly FunctionResult[]
}

interface Contestant {
  readonly name: string
  readonly bundle: string
  readonly first: FirstEvent
  readonly starts: Start[]
}

interface Start {
  readonly loadMs: number
  readonly coldMs: number
}

/** Starts each function `runs` times. Errors: `internal` if a function fails at its first event. */
export async function benchFunctions(runs: number): Promise<FunctionsResult> {
  const folder = mkdtempSync(join(tmpdir(), 'straightway-functions-'))
  const [engine, cloud] = await Promise.all([startEngine(), startCloud()])
  const client = createClient({ endpoint: engine.endpoint })
  try {
    await createTables(client)
    const contestants = await bundled(folder)
    const environment = environmentOf(engine.endpoint, cloud.endpoint)
    for (let run = 0; run < runs; run++)
      for (const { bundle, first, starts } of contestants) {
        await first.prepare?.(client)
        starts.push(await start(bundle, first.event, environment))
      }
    return resultOf(contestants, runs)
  } finally {
    client.destroy()
    await Promise.all([engine.close(), cloud.close()])
    rmSync(folder, { recursive: true, force: true })
  }
}

async function bundled(folder: string): Promise<Contestant[]> {
  const events = await firstEvents()
  // The canary is left out: its start loads the SDK, and nobody waits for it.
  const { canary: _, ...measured } = FUNCTIONS
  const described: Readonly<Record<string, FunctionDescription>> = { ...measured, rotation: KEY_ROTATION }
  const bare = join(folder, 'bare.cjs')
  writeFileSync(bare, BARE)
  const functions = Object.entries(described).map(([name, description]) => {
    const out = join(folder, name)
    mkdirSync(out)
    return {
      name,
      bundle: writeFunction(description, out),
      first: events[name as keyof typeof events],
      starts: [],
    }
  })
  return [{ name: 'bare', bundle: bare, first: { event: {} }, starts: [] }, ...functions]
}

/** The environment variables of a deployed function. The compile cache is off, because it would speed up later starts. */
function environmentOf(tables: string, cloud: string): Record<string, string> {
  return {
    DYNAMODB_ENDPOINT: tables,
    MANAGEMENT_ENDPOINT: cloud,
    AWS_ENDPOINT_URL: cloud,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    TICKET_SECRET: 'ticket',
    FLEET_SECRET: 'fleet',
    WEBSOCKET_URL: 'ws://127.0.0.1',
    SYSTEM: 'bench',
    SECRETS: 'ticket,fleet',
    KEY_DAYS: '90',
    NODE_DISABLE_COMPILE_CACHE: '1',
  }
}

async function start(bundle: string, event: unknown, env: Record<string, string>): Promise<Start> {
  const child = spawn(process.execPath, [STARTER, bundle], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(JSON.stringify(event))
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'close')])
  if (code !== 0) throw new StraightwayError('internal', `${bundle} failed at its first event`)
  return JSON.parse(said.trim().split('\n').at(-1)!) as Start
}

function resultOf([bare, ...functions]: readonly Contestant[], runs: number): FunctionsResult {
  const measured = measuredOf(bare!)
  return {
    runs,
    boundBytes: BOUND_BYTES,
    bare: measured,
    functions: functions.map(measuredOf).map((one) => ({ ...one, ratio: one.coldMs / measured.coldMs })),
  }
}

function measuredOf({ name, bundle, starts }: Contestant): Omit<FunctionResult, 'ratio'> {
  return {
    name,
    zippedBytes: deflateRawSync(readFileSync(bundle)).length,
    coldMs: median(starts.map(({ coldMs }) => coldMs)),
    loadMs: median(starts.map(({ loadMs }) => loadMs)),
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)]!
}

/** Plays the demo of `npm run demo` on a deployed system. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Deployed } from './deployed.ts'

const DEMO = join(import.meta.dirname, '../demo.ts')

/** The output of the demo. */
export interface Report {
  readonly ok: boolean
  /** Reason of the failure. */
  readonly detail?: string
  readonly tunnels?: readonly { readonly path: string; readonly sha256Equal: boolean }[]
  readonly presenceNotifiedMs?: number
  readonly membershipNotifiedMs?: number
}

export async function playDemo({ index }: Pick<Deployed, 'index'>, adminKey: string): Promise<Report> {
  const child = spawn(process.execPath, [DEMO, '--json', '--index', index, '--key', adminKey], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = await Promise.all([text(child.stdout), once(child, 'close')])
  return JSON.parse(said || '{"ok":false,"detail":"The demo said nothing."}') as Report
}

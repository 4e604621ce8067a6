import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { StraightwayError } from '../shared/errors.ts'
import { makeFolder } from '../shared/files/make-folder.ts'
import type { PeerId } from '../shared/ids.ts'
import { RemotePeer } from './daemon/remote-peer.ts'
import { logPath } from './log.ts'

const START_MS = 40_000
const LOOK_MS = 100

/** Starts the same command without `--detach` as a separate process. Resolves when it is online. */
export async function startDetached(home: string): Promise<{ readonly peer: PeerId; readonly pid: number }> {
  const args = process.argv.slice(1).filter((each) => each !== '--detach' && each !== '--json')
  // A file instead of a pipe: later output must not fail because this process has ended.
  makeFolder(home, 0o700)
  const path = join(home, 'up.err')
  const said = openSync(path, 'w', 0o600)
  const child = spawn(process.execPath, [...process.execArgv, ...args], {
    detached: true,
    stdio: ['ignore', 'ignore', said],
    env: { ...process.env, npm_command: undefined, npm_lifecycle_event: undefined },
  })
  closeSync(said)
  for (const endAt = performance.now() + START_MS; performance.now() < endAt; ) {
    const there = await RemotePeer.open(home)
    if (there !== undefined) {
      await there.close()
      child.unref()
      const { peer, pid } = there.facts
      if (pid === child.pid) return { peer, pid }
      throw new StraightwayError('conflict', `This home is up already, in use by process ${pid}.`)
    }
    if (child.exitCode !== null) break
    await sleep(LOOK_MS)
  }
  child.kill()
  const why = readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .at(-1)
    ?.replace(/^straightway: /, '')
  throw new StraightwayError('unavailable', why || `It did not come online: ${logPath(home)} may say why.`)
}

/** `npm start` as users run it: a program on this machine, with a folder, that is stopped, killed and started again. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, expect, test } from 'vitest'
import { freePort } from '../../local/engine.ts'
import type { System } from '../../local/system.ts'
import { join } from '../../peer/index.ts'
import { heard, loopbackNet, until } from './system-under-test.ts'
import { count, NEEDS, natDiscovery, stunClient, withTurnutils } from './turnutils.ts'

const PROGRAM = joinPath(import.meta.dirname, '../../local/start.ts')
/** A loopback network of its own, because tests and systems run side by side. */
const NET = loopbackNet()
const ADDRESSES = `${NET}.3,${NET}.4`
const STOP_MS = 8_000

type Line = Omit<System, 'network' | 'notes' | 'close'>

const folder = mkdtempSync(joinPath(tmpdir(), 'straightway-start-'))
const data = joinPath(folder, 'data')
const [alice, bob] = [joinPath(folder, 'alice'), joinPath(folder, 'bob')]
const port = await freePort()
const started: ChildProcess[] = []

afterAll(async () => {
  for (const child of started) if (child.exitCode === null) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

function start(...args: string[]): ChildProcess {
  const stdio = ['ignore', 'pipe', 'pipe'] as const
  const child = spawn(process.execPath, [PROGRAM, '--json', ...args], { stdio: [...stdio] })
  started.push(child)
  return child
}

async function running(...args: string[]): Promise<{ child: ChildProcess; line: Line }> {
  const child = start('--data', data, '--addresses', ADDRESSES, '--http', `${NET}.3:${port}`, ...args)
  const [line] = (await once(child.stdout!.setEncoding('utf8'), 'data')) as [string]
  return { child, line: JSON.parse(line) }
}

/** Runs a program that cannot start. Returns its exit code and its error output. */
async function failing(...args: string[]): Promise<{ code: number; said: string }> {
  const child = start(...args)
  const [said, [code]] = await Promise.all([text(child.stderr!), once(child, 'close')])
  return { code, said }
}

async function usersOf({ index, adminKey }: Line): Promise<unknown[]> {
  const answer = await fetch(`${index}/v1/users`, { headers: { authorization: `Bearer ${adminKey}` } })
  return ((await answer.json()) as { items: unknown[] }).items
}

function processes(): { pid: number; parent: number }[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' }).trim().split('\n')
  const rows = table.map((row) => row.trim().split(/\s+/)).filter(([, , state]) => !state!.startsWith('Z'))
  return rows.map(([pid, parent]) => ({ pid: Number(pid), parent: Number(parent) }))
}

/** Returns the descendants of a process. */
function below(pid: number, all = processes()): number[] {
  return all.filter(({ parent }) => parent === pid).flatMap((child) => [child.pid, ...below(child.pid, all)])
}

const livingOf = (pids: readonly number[]) =>
  processes()
    .filter(({ pid }) => pids.includes(pid))
    .map(({ pid }) => pid)

let first: { child: ChildProcess; line: Line }

test('it serves where it is told to, and says where everything is in one line', async () => {
  first = await running()
  const { index, websocket, nodes, relays, invite } = first.line
  expect([index, websocket]).toEqual([`http://${NET}.3:${port}`, `ws://${NET}.3:${port}/ws`])
  expect(nodes.map(({ addresses }) => addresses)).toEqual(
    [`${NET}.3`, `${NET}.4`].map((ip) => ({
      checkpoint: [`${ip}:3480`],
      handshake: [`${ip}:3481`],
      stun: [`${ip}:3478`, `${ip}:3479`],
    })),
  )
  expect(relays.map(({ addresses }) => addresses)).toEqual([{ relay: [`${NET}.3:3482`] }])
  expect(below(first.child.pid!)).toEqual(expect.arrayContaining([...nodes, ...relays].map(({ pid }) => pid)))
  expect(await usersOf(first.line)).toEqual([])
  expect(invite).toMatch(/^[a-z2-7]{4}(-[a-z2-7]{4}){3}$/)
})

withTurnutils(`its nodes are a STUN pair, as somebody else reads the RFCs${NEEDS}`, async () => {
  const [one, other] = [`${NET}.3`, `${NET}.4`]
  const answers = await stunClient(one, 3478)
  expect(count(answers, 'RFC 5780 response')).toBe(3)
  expect(answers).toContain(`Response origin: : ${other}:3479`)
  const found = await natDiscovery(other, 3478, '-m', '-f')
  expect(count(found, 'No NAT! (Endpoint Independent Mapping)')).toBe(2)
  expect(found).toContain('NAT with Endpoint Independent Filtering!')
  expect(found).toContain(`Response origin: : ${one}:3479`)
})

test('a second one that would take its port, its addresses or its data says so, and what to do', async () => {
  const free = `${NET}.3:${await freePort()}`
  const others = ['--addresses', `${NET}.5,${NET}.6`]
  const [samePort, sameAddresses, sameData] = await Promise.all([
    failing('--data', joinPath(folder, 'b'), ...others, '--http', `${NET}.3:${port}`),
    failing('--data', joinPath(folder, 'c'), '--addresses', ADDRESSES, '--http', free),
    failing('--data', data, '--fresh', ...others, '--http', free),
  ])
  const sentence = `Port ${port} of ${NET}.3 is in use: stop the process that has it, or choose another port with --http HOST:PORT.`
  expect(samePort).toEqual({ code: 1, said: `${sentence}\n` })
  expect(sameAddresses).toEqual({ code: 1, said: expect.stringContaining('--addresses IP,IP') })
  expect(sameData).toEqual({
    code: 1,
    said: expect.stringContaining(`in use by process ${first.child.pid}`),
  })
})

test('it ends with SIGTERM within seconds, and nothing of it goes on', async () => {
  const { child, line } = first
  const { index, invite } = line
  const [a, b] = [await join({ index, invite, home: alice }), await join({ index, invite, home: bob })]
  await b.close()
  expect(await a.send(b.peer, 'until tomorrow')).toBe('stored')
  const all = below(child.pid!)
  const lost = heard(a, 'state')
  child.kill('SIGTERM')
  expect(await once(child, 'exit', { signal: AbortSignal.timeout(STOP_MS) })).toEqual([0, null])
  expect(livingOf(all)).toEqual([])
  expect((await lost)[0]).toBe('offline')
  await a.close()
})

test('started again it knows its users, keys, invite and messages; killed, it leaves no process behind', async () => {
  const { child, line } = await running()
  const { adminKey, invite } = first.line
  expect(line).toMatchObject({ adminKey, invite })
  expect(await usersOf(line)).toHaveLength(2)
  const b = await join({ home: bob })
  const [{ text }] = await heard(b, 'message')
  expect(text).toBe('until tomorrow')
  await b.close()
  const all = below(child.pid!)
  expect(all.length).toBeGreaterThanOrEqual(4)
  child.kill('SIGKILL')
  await until(() => livingOf(all).length === 0)
})

test('--fresh forgets all of it', async () => {
  const { child, line } = await running('--fresh')
  expect(line.adminKey).not.toBe(first.line.adminKey)
  expect(line.invite).not.toBe(first.line.invite)
  expect(await usersOf(line)).toEqual([])
  await expect(join({ home: alice })).rejects.toMatchObject({ code: 'unknown-peer' })
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
})

/** Runs the commands that cli/README.md shows, one after the other. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { VERBS } from '../../cli/verbs.ts'
import { freePort } from '../../local/engine.ts'
import { startSystem } from '../../local/system.ts'
import { Commands } from './commands.ts'

const readme = readFileSync(join(import.meta.dirname, '../../cli/README.md'), 'utf8')
const shown = readme
  .split('\n')
  .filter((line) => line.startsWith('straightway '))
  .map((line) => line.replace(/\s+#.*/, ''))

test('every verb is shown', () => {
  expect(new Set(shown.map((line) => line.split(' ')[1]))).toEqual(new Set(VERBS.map(({ name }) => name)))
})

test('every command that is shown does what it says', async () => {
  const system = await startSystem({ freePorts: true })
  const folder = mkdtempSync(join(tmpdir(), 'straightway-cli-readme-'))
  const [port, local] = [await freePort(), await freePort()]
  const web = createServer((_, response) => response.end('page')).listen(port, '127.0.0.1')
  const commands = new Commands({
    ...{ STRAIGHTWAY_INDEX: system.index, STRAIGHTWAY_INVITE: system.invite },
    STRAIGHTWAY_KEY: system.adminKey,
  })
  const ben = commands.start(
    'up',
    '--name',
    'Ben',
    '--receive',
    join(folder, 'bens'),
    '--expose',
    `${port}`,
    '--home',
    join(folder, 'ben'),
  )
  await ben.heard('online')
  writeFileSync(join(folder, 'photo.jpg'), 'a photo')
  mkdirSync(join(folder, 'trip'))
  onTestFinished(async () => {
    web.close()
    await ben.ended('SIGTERM')
    await system.close()
    rmSync(folder, { recursive: true })
  })
  const typed = (line: string): string[] => {
    const words = line.match(/'[^']*'|\S+/g)!.slice(1)
    const real = words.map((word) =>
      word
        .replaceAll("'", '')
        .replace('~', folder)
        .replace('8080', `${port}`)
        .replace('9090', `${local}`)
        .replace(/^(photo\.jpg|trip)$/, join(folder, '$1')),
    )
    return [...real, '--home', join(folder, 'ann')]
  }
  const [up, ...others] = shown
  const ann = commands.start(...typed(up!))
  await ann.heard('online')
  await expect
    .poll(() => commands.json('find', 'Ben', '--home', join(folder, 'ann')), { timeout: 30_000 })
    .toHaveLength(1)
  for (const line of others) {
    const verb = line.split(' ')[1]
    if (verb === 'receive' || verb === 'forward') {
      const running = commands.start(...typed(line))
      await running.heardAny(verb === 'receive' ? { event: 'online' } : { event: 'listening', port: local })
      if (verb === 'forward') expect(await (await fetch(`http://127.0.0.1:${local}/`)).text()).toBe('page')
      expect(await running.ended('SIGTERM')).toBe(0)
    } else {
      const { code, err } = await commands.run(
        ...(verb === 'completion' || verb === 'admin' ? typed(line).slice(0, -2) : typed(line)),
      )
      expect({ line, code, err: code === 0 ? '' : err }).toEqual({ line, code: 0, err: '' })
    }
  }
  expect(await ann.ended()).toBe(0)
})

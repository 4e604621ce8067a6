import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { udpAddon } from '../../udp-edge/native/addon.ts'

const prebuilds = join(import.meta.dirname, '../../udp-edge/native/prebuilds')

test('the prebuilt files are those whose hashes were written when they were built', () => {
  for (const line of readFileSync(join(prebuilds, 'SHA256SUMS'), 'utf8').trimEnd().split('\n')) {
    const [hash, file] = line.split('  ') as [string, string]
    expect(
      createHash('sha256')
        .update(readFileSync(join(prebuilds, file)))
        .digest('hex'),
    ).toBe(hash)
  }
})

test.skipIf(udpAddon === undefined)('no wrong call and no end of a thread crashes the process', () => {
  const file = join(prebuilds, `${process.platform}-${process.arch}`, 'udp.node')
  const script = join(import.meta.dirname, 'addon-misuse.ts')
  const printed = execFileSync(process.execPath, [script, file, '20000', '7'], { encoding: 'utf8' })
  const { calls, thrown } = JSON.parse(printed) as { calls: number; thrown: number }
  expect(calls).toBe(20_000)
  expect(thrown).toBeGreaterThan(5_000)
})

test.skipIf(udpAddon === undefined)(
  'an exception of the callback is an uncaught exception, not a crash',
  () => {
    const program = `
    const { udpAddon } = await import(${JSON.stringify(join(prebuilds, '../addon.ts'))})
    process.once('uncaughtException', (error) => { console.log(error.message); socket.close() })
    const words = new Uint32Array(5)
    const socket = new udpAddon.UdpSocket('127.0.0.1', 0, false, 65536, () => { throw new Error('of the callback') })
    socket.address(words)
    socket.send(new Uint8Array(2048), new Uint16Array([3]), words, new Uint8Array(1), 0, 1)`
    const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
    })
    expect(printed).toBe('of the callback\n')
  },
)

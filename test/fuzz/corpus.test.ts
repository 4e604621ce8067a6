import { describe, expect, test } from 'vitest'
import { readCorpus } from './corpus.ts'
import { Fuzzer } from './fuzzer.ts'
import { TARGETS } from './targets.ts'

describe.each(Object.entries(TARGETS))('%s', (name, target) => {
  test('holds on every input that is kept', () => {
    for (const input of [...target.seeds, ...readCorpus(name)]) {
      expect(() => target.run(input), Buffer.from(input).toString('hex')).not.toThrow()
    }
  })
})

test('the search finds what only a chain of right bytes reaches, and makes it small', () => {
  const counters = new Uint16Array(8)
  const wanted = [0x0b, 0xad, 0xf0, 0x0d]
  const run = (input: Uint8Array) => {
    for (let i = 0; i < wanted.length; i++) {
      if (input[i] !== wanted[i]) return
      counters[i]!++
    }
    throw new Error('found')
  }
  const fuzzer = new Fuzzer('chain', { seeds: [new Uint8Array(20)], run }, counters, 1)
  fuzzer.learn([new Uint8Array(20)])
  let left = 200_000
  fuzzer.search(() => left-- > 0 && fuzzer.result.findings.length === 0)
  expect(fuzzer.result.findings).toMatchObject([
    { message: expect.stringContaining('found'), input: '0badf00d' },
  ])
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addressOf, formatIp } from '../../shared/wire/address.ts'
import { IpTexts } from '../../udp-edge/ip-texts.ts'

const ip = fc.oneof(fc.ipV4(), fc.ipV6()).map((text) => formatIp(addressOf(text, 0)!.words))

test('texts and words are each other, whatever was asked before', () => {
  fc.assert(
    fc.property(fc.array(ip, { maxLength: 60 }), (ips) => {
      const texts = new IpTexts()
      const words = new Uint32Array(5)
      for (const text of [...ips, ...ips]) {
        expect(texts.wordsOf(text, words)).toBe(true)
        expect(words).toEqual(addressOf(text, 0)!.words)
        expect(texts.textOf(addressOf(text, 0)!.words, 0)).toBe(text)
      }
      for (const text of ips)
        expect(texts.textOf(Uint32Array.of(9, ...addressOf(text, 0)!.words), 1)).toBe(text)
    }),
  )
})

test('what is no address is none', () => {
  const texts = new IpTexts()
  for (const text of ['', '1.2.3', 'localhost', ':::'])
    expect(texts.wordsOf(text, new Uint32Array(5))).toBe(false)
})

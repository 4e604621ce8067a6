import { createCipheriv } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { KeyEpochs, MAX_SKIPPED } from '../../shared/crypto/key-epochs.ts'
import { hexOf } from './hex.ts'

const KEY = new Uint8Array(32).fill(1)

describe('key epochs', () => {
  test('make each key by REKEY of the one before', () => {
    const epochs = new KeyEpochs(KEY)
    expect(hexOf(epochs.at(1)!.key)).toBe(rekeyed(KEY))
    expect(hexOf(epochs.at(2)!.key)).toBe(rekeyed(Buffer.from(rekeyed(KEY), 'hex')))
  })

  test('keep the epoch in use and the one before, and forget older ones', () => {
    const epochs = new KeyEpochs(KEY)
    epochs.advance(1)
    epochs.advance(2)
    expect([0, 1, 2].map((epoch) => epochs.at(epoch) !== undefined)).toEqual([false, true, true])
  })

  test('reach over eight skipped epochs and no further', () => {
    const epochs = new KeyEpochs(KEY)
    epochs.advance(3)
    expect(epochs.at(3 + MAX_SKIPPED + 1)).toBeDefined()
    expect(epochs.at(3 + MAX_SKIPPED + 2)).toBeUndefined()
    epochs.advance(3 + MAX_SKIPPED + 1)
    expect(epochs.at(3)).toBeUndefined()
  })

  test('do not advance by being asked, nor go back', () => {
    const epochs = new KeyEpochs(KEY)
    const first = epochs.at(0)
    epochs.at(9)
    expect(epochs.at(0)).toBe(first)
    expect(epochs.at(10)).toBeUndefined()
    epochs.advance(5)
    epochs.advance(4)
    expect(epochs.at(3)).toBeUndefined()
  })

  test('give the same keys however they were reached', () => {
    const [stepped, jumped] = [new KeyEpochs(KEY), new KeyEpochs(KEY)]
    for (let epoch = 1; epoch <= 9; epoch++) stepped.advance(epoch)
    jumped.advance(9)
    expect(hexOf(stepped.at(9)!.key)).toBe(hexOf(jumped.at(9)!.key))
  })
})

/** ENCRYPT(k, 2^64 - 1, no additional data, 32 zeros), truncated to 32 bytes. */
function rekeyed(key: Uint8Array): string {
  const nonce = Buffer.from('00000000ffffffffffffffff', 'hex')
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 })
  return cipher.update(new Uint8Array(32)).toString('hex')
}

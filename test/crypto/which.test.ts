import { expect, test } from 'vitest'
import * as native from '../../shared/crypto/native.ts'
import * as pure from '../../shared/crypto/pure.ts'

const isPure = process.env.STRAIGHTWAY_CRYPTOGRAPHY === 'pure'

test(`this run uses the ${isPure ? 'JavaScript' : 'native'} cryptography`, () => {
  expect(native.sodium === pure.sodium).toBe(isPure)
  expect(native.NoiseState === pure.NoiseState).toBe(isPure)
})

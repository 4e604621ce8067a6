import { defineConfig, type Plugin } from 'vitest/config'
import { LONG, PATIENCE } from './vitest.long.config.ts'

/** As a build for browsers does: the JavaScript cryptography in place of the native one. */
const pureCryptography: Plugin = {
  name: 'pure-cryptography',
  enforce: 'pre',
  resolveId(source, importer) {
    const isWithin = source === './native.ts' && importer?.includes('/shared/crypto/')
    if (!isWithin && !source.endsWith('/shared/crypto/native.ts')) return undefined
    return this.resolve(source.replace('native.ts', 'pure.ts'), importer, { skipSelf: true })
  },
}

/** `npm run test:pure`: codecs and machines on the cryptography of browsers. */
export default defineConfig({
  plugins: [pureCryptography],
  test: {
    include: ['test/wire/**/*.test.ts', 'test/crypto/**/*.test.ts', 'test/core/**/*.test.ts'],
    exclude: [...LONG, 'test/crypto/pure.test.ts', 'test/core/tunnel/fuzz.test.ts'],
    testTimeout: 300_000,
    expect: PATIENCE,
    maxWorkers: 2,
    isolate: false,
    env: { STRAIGHTWAY_CRYPTOGRAPHY: 'pure' },
  },
})

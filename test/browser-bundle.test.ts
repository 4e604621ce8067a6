/** The parts that a browser will drive, an Endpoint with its codecs and cryptography, need nothing from Node. */
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import { build, type Plugin } from 'esbuild'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const ENTRY = `
  export * from './shared/core/peer/endpoint.ts'
  export { identityOf, selfSignedProof } from './shared/crypto/identity.ts'
  export { initiate, respond } from './shared/crypto/noise.ts'`

/** Replaces the cryptography as a build for browsers does. */
const pureCryptography: Plugin = {
  name: 'pure-cryptography',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/native\.ts$/ }, () => ({ path: join(ROOT, 'shared/crypto/pure.ts') }))
  },
}

const { outputFiles, metafile } = await build({
  absWorkingDir: ROOT,
  stdin: { contents: ENTRY, resolveDir: ROOT, loader: 'ts' },
  bundle: true,
  write: false,
  minify: true,
  metafile: true,
  platform: 'browser',
  format: 'iife',
  globalName: 'straightway',
  target: 'es2023',
  plugins: [pureCryptography],
  logLevel: 'silent',
})
const { text } = outputFiles[0]!

test('it bundles for a browser, without a built-in module of Node', () => {
  const inputs = Object.keys(metafile.inputs)
  console.log(`an Endpoint for browsers: ${text.length} bytes, ${gzipSync(text).length} with gzip`)
  expect(inputs.filter((path) => path.startsWith('node:'))).toEqual([])
  expect(inputs).toContain('shared/crypto/pure.ts')
  expect(inputs).not.toContain('shared/crypto/native.ts')
})

test('it runs without a global of Node: keys, a proof, a handshake', () => {
  const program = `${text}
    const { identityOf, selfSignedProof, initiate, respond } = straightway
    const [a, b] = [identityOf(new Uint8Array(32).fill(1)), identityOf(new Uint8Array(32).fill(2))]
    const keys = ({ staticPublic, staticSecret }) => ({ publicKey: staticPublic, secretKey: staticSecret })
    const prologue = new Uint8Array(3)
    const seed = (fill) => new Uint8Array(32).fill(fill)
    const payload = new Uint8Array([7])
    const first = initiate({ prologue, self: keys(a), remotePublic: b.staticPublic, ephemeralSeed: seed(3), payload })
    const request = respond({ prologue, self: keys(b) }, first.message)
    const answered = request.answer(payload, seed(4))
    const completed = first.complete(answered.message)
    const proof = selfSignedProof(a, { audience: 'straightway-index://x', issuedAt: 0, id: '0123456789abcdef' })
    const same = String(completed.keys.send) === String(answered.keys.receive)
    ;({ same, endpoint: typeof straightway.Endpoint, parts: proof.split('.').length })`
  // Only globals that every engine has.
  const globals = { TextEncoder, TextDecoder }
  expect({ ...runInNewContext(program, globals) }).toEqual({ same: true, endpoint: 'function', parts: 3 })
})

/** The SDK for browsers is one module that needs nothing from Node, and is small. */
import { runInNewContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { bundleForBrowsers, counterparts, FOR_BROWSERS } from '../browser/build.ts'

/** Size of the whole SDK, compressed by gzip. The aim is 60,000. */
const MOST_BYTES = 68_000

test('it is one small module without imports, and without anything of Node', async () => {
  const { outputFiles, metafile } = await bundleForBrowsers()
  const { text } = outputFiles[0]!
  const bytes = gzipSync(text, { level: 9 }).length
  console.log(`straightway/browser: ${text.length} bytes, ${bytes} with gzip`)
  expect(bytes).toBeLessThanOrEqual(MOST_BYTES)
  const [output] = Object.values(metafile.outputs)
  expect(output?.imports).toEqual([])
  expect(Object.keys(metafile.inputs)).not.toContain('shared/crypto/native.ts')
  expect(text).not.toMatch(/\bBuffer\b|\bprocess\.|\brequire\(/)
})

const ENTRY = `
  export * from './shared/core/peer/endpoint.ts'
  export { identityOf, selfSignedProof } from './shared/crypto/identity.ts'
  export { initiate, respond } from './shared/crypto/noise.ts'`

test('its machines and its cryptography run without a global of Node', async () => {
  const { outputFiles } = await build({
    ...FOR_BROWSERS,
    plugins: [counterparts],
    stdin: { contents: ENTRY, resolveDir: FOR_BROWSERS.absWorkingDir, loader: 'ts' },
    format: 'iife',
    globalName: 'straightway',
  })
  const program = `${outputFiles[0]!.text}
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

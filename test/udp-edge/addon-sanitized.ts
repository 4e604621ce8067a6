/** `npm run test:native`: misuses the addon many times under AddressSanitizer and UndefinedBehaviorSanitizer. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const CALLS = 200_000
const folder = mkdtempSync(join(tmpdir(), 'straightway-native-'))
const addon = join(folder, 'udp.node')
const beside = (file: string) => join(import.meta.dirname, file)
try {
  const build = join(import.meta.dirname, '../../udp-edge/native/build.ts')
  execFileSync(process.execPath, [build, '--sanitize', addon], { stdio: 'inherit' })
  const library = execFileSync('gcc', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim()
  // Node leaves memory to the operating system when it exits, which would be reported as leaks.
  const env = {
    ...process.env,
    LD_PRELOAD: library,
    ASAN_OPTIONS: 'detect_leaks=0',
    UBSAN_OPTIONS: 'halt_on_error=1',
  }
  const args = [beside('addon-misuse.ts'), addon, `${CALLS}`, `${Date.now() % 1e6}`]
  execFileSync(process.execPath, args, { env, stdio: 'inherit' })
} finally {
  rmSync(folder, { recursive: true })
}

/** MiniStack, an emulator of AWS in Python (MIT), from PyPI. It runs functions as processes of the project's own Node. */
import type { Program } from './emulator.ts'
import { installPython } from './python-package.ts'

/** The version with which the emulator's test suite has passed. */
const VERSION = '1.5.33'

/** Installs MiniStack. Throws `unavailable` if Python or the package is not available. */
export function installMinistack(log: (line: string) => void): Program {
  const { python, env } = installPython('ministack', VERSION, log)
  return {
    name: 'MiniStack',
    python,
    arguments: ['-m', 'ministack'],
    health: '/_ministack/health',
    environment: (port, folder) => ({
      ...env,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      LAMBDA_EXECUTOR: 'local',
      LOG_LEVEL: 'WARNING',
      TMPDIR: folder,
    }),
  }
}

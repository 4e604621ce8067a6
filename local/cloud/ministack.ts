/** MiniStack, an emulator of AWS in Python (MIT), from PyPI. Functions run as processes of the project's own Node. */
import type { Program } from './emulator.ts'
import { installPython } from './python-package.ts'

/** What the suite of the emulator has passed with. */
const VERSION = '1.5.33'

/** Errors: `unavailable` if Python or the package cannot be had. */
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

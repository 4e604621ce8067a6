/** MiniStack, an emulator of AWS in Python (MIT), from PyPI. */
import { installPython, type PythonPackage } from './python-package.ts'

/** What the suite of the emulator has passed with. */
const VERSION = '1.5.33'

/** Errors: `unavailable` if Python or the package cannot be had. */
export const installMinistack = (log: (line: string) => void): PythonPackage =>
  installPython('ministack', VERSION, log)

/** The uptime of the system. A build for browsers uses `wall-uptime.ts` in place of this file. */
import { uptime } from 'node:os'

/** Milliseconds since the system started, those during which it slept included. */
export const uptimeMs = (): number => uptime() * 1000

/** The clients of coturn: an independent implementation of RFC 8489 and RFC 5780. */
import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { test } from 'vitest'

const run = promisify(execFile)
const isThere = (tool: string) => spawnSync(tool, []).error === undefined
const isMissing = !['turnutils_stunclient', 'turnutils_natdiscovery'].every(isThere)
const skip = isMissing && process.env.CI === undefined

/** A test that needs them. If they are missing it is skipped; in continuous integration it fails. */
export const withTurnutils = test.skipIf(skip)
/** Suffix for the name of such a test. */
export const NEEDS = skip ? ' (needs the turnutils of the package coturn)' : ''

export async function stunClient(ip: string, port: number): Promise<string> {
  return (await run('turnutils_stunclient', ['-p', `${port}`, '-f', ip])).stdout
}

export async function natDiscovery(ip: string, port: number, ...options: string[]): Promise<string> {
  return (await run('turnutils_natdiscovery', [...options, '-p', `${port}`, '-L', '127.0.0.1', ip])).stdout
}

export const count = (text: string, part: string | RegExp) => text.split(part).length - 1

/**
 * The home of a peer: what it keeps between runs, in a directory that only its owner may read.
 *
 *   identity    32 bytes of seed, base32: whoever has it is this peer
 *   index.json  which INDEX it is enrolled at, and as whose peer
 *   delivered   messages that were delivered, see journal.ts
 *   prekeys     the keys that others seal messages for, see prekeys-file.ts
 *   lock        the process that has this home, see shared/files/lock.ts
 *   door.json   how other processes use the peer of the one that is `up`, see cli/daemon/door.ts
 *   log         what happened to it, see cli/log.ts
 *
 * Without a directory only the seed is kept, in memory.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkPath } from '../../shared/arguments.ts'
import type { Enrolled, Home } from '../../shared/client/home.ts'
import { StraightwayError } from '../../shared/errors.ts'
import { lock } from '../../shared/files/lock.ts'
import { makePrivate } from '../../shared/files/private-folder.ts'
import { readIfThere, writeWhole } from '../../shared/files/whole-file.ts'
import { fromBase32, toBase32, type UserId } from '../../shared/ids.ts'
import { Journal } from './journal.ts'
import { readPrekeys, writePrekeys } from './prekeys-file.ts'

const SEED_BYTES = 32
const OWN = /^((identity|index\.json|delivered|prekeys|door\.json)(\.new)?|lock|log(\.1)?|up\.err)$/

/**
 * A home in memory. Only the seed outlives the process, if the application keeps it. A peer of a given seed may have
 * messages waiting when it is back, so it stores no other keys that these could be sealed for.
 */
export function homeInMemory(seed?: Uint8Array): Home {
  if (seed !== undefined && seed.length !== SEED_BYTES)
    throw new StraightwayError('bad-request', '`identity` is a seed of 32 bytes.')
  return {
    seed: seed ?? randomBytes(SEED_BYTES),
    enrolled: undefined,
    delivered: [],
    prekeys: seed === undefined ? [] : undefined,
    enrol() {},
    deliver() {},
    keepPrekeys() {},
    close() {},
  }
}

/**
 * Opens a home and creates its directory if necessary. Throws `conflict` if another process uses it, and `bad-request`
 * if a file in it cannot be read.
 */
export function openHome(directory: string): Home {
  makePrivate(directory, (name) => OWN.test(name))
  const unlock = lock(join(directory, 'lock'))
  try {
    return readHome(directory, unlock)
  } catch (error) {
    unlock()
    throw error
  }
}

/**
 * Reads the enrolment of a home without opening it, which any process of its owner may do; undefined if there is none.
 * Throws `bad-request` if the path or the file is invalid, and the system's error if the file may not be read.
 */
export function enrolledAt(directory: string): Enrolled | undefined {
  checkPath(directory, 'directory')
  const path = join(directory, 'index.json')
  const text = readIfThere(path)
  if (text === undefined) return undefined
  try {
    const { index, user } = JSON.parse(text)
    if (typeof index === 'string' && typeof user === 'string') return { index, user: user as UserId }
  } catch {
    // Reported below.
  }
  throw new StraightwayError('bad-request', `${path} is damaged: remove it, and enrol again with an invite.`)
}

function readHome(directory: string, unlock: () => void): Home {
  const seed = seedOf(join(directory, 'identity'))
  const journal = new Journal(join(directory, 'delivered'))
  return {
    seed,
    enrolled: enrolledAt(directory),
    delivered: journal.memory,
    enrol: ({ index, user }) =>
      writeWhole(join(directory, 'index.json'), JSON.stringify({ index, user }, null, 2)),
    deliver: (message) => journal.add(message),
    prekeys: readPrekeys(join(directory, 'prekeys')),
    keepPrekeys: (prekeys) => writePrekeys(join(directory, 'prekeys'), prekeys),
    close: unlock,
  }
}

function seedOf(path: string): Uint8Array {
  if (!existsSync(path)) writeWhole(path, toBase32(randomBytes(SEED_BYTES)))
  const seed = fromBase32(readFileSync(path, 'utf8').trim())
  if (seed?.length !== SEED_BYTES)
    throw new StraightwayError(
      'bad-request',
      `${path} is no identity: restore it, or remove it to be another peer.`,
    )
  return seed
}

/**
 * The door of a home: a local socket at which the process that has the home (`straightway up`) lets others of the same user
 * use its peer. `door.json` in the home says where it is, with a token that only the home's owner can read.
 *
 *   {protocol, pid, socket, token}
 *
 * The socket is in the home, if the path is short enough for the system, and otherwise in a folder of the user's own below
 * the folder for temporary files. On Windows it is a named pipe, which anybody may open: there the token alone protects.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { chmodSync, lstatSync, realpathSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { StraightwayError } from '../../shared/errors.ts'
import { makeFolder } from './make-folder.ts'
import { readIfThere, writeWhole } from './whole-file.ts'

/** Grows when the two sides would not understand each other. */
export const DOOR_PROTOCOL = 1

/** `sun_path` has 104 bytes on macOS and 108 on Linux, with a NUL at its end. */
const MAX_PATH_BYTES = 103

export interface Door {
  readonly protocol: number
  readonly pid: number
  readonly socket: string
  readonly token: string
}

/** Where the door of a home is. */
export function socketPath(home: string, platform: NodeJS.Platform = process.platform): string {
  const name = createHash('sha256').update(realpathSync(home)).digest('hex').slice(0, 32)
  if (platform === 'win32') return `\\\\.\\pipe\\straightway-${name}`
  const inside = join(realpathSync(home), 'socket')
  return Buffer.byteLength(inside) <= MAX_PATH_BYTES ? inside : join(ownFolder(), name)
}

/** Opens the door. The caller has the home's lock, so a socket that is there already belongs to nobody. */
export async function openDoor(
  home: string,
  serve: (socket: Socket) => void,
): Promise<{ close(): Promise<void> }> {
  const door: Door = {
    protocol: DOOR_PROTOCOL,
    pid: process.pid,
    socket: socketPath(home),
    token: randomBytes(32).toString('hex'),
  }
  const isFile = process.platform !== 'win32'
  if (isFile) rmSync(door.socket, { force: true })
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    serve(socket)
  })
  await listening(server, door.socket)
  if (isFile) chmodSync(door.socket, 0o600)
  writeWhole(join(home, 'door.json'), JSON.stringify(door))
  return {
    async close() {
      rmSync(join(home, 'door.json'), { force: true })
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}

/** Undefined when the home has no door, or what is written there is none. Throws what the system says to those who may not look. */
export function readDoor(home: string): Door | undefined {
  const text = readIfThere(join(home, 'door.json'))
  if (text === undefined) return undefined
  try {
    const { protocol, pid, socket, token } = JSON.parse(text)
    if (typeof socket === 'string' && typeof token === 'string') return { protocol, pid, socket, token }
  } catch {
    // No door.
  }
  return undefined
}

/** Undefined when nobody is behind it any more: it was left by a process that was killed. */
export function knock({ socket }: Door): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const connection = connect({ path: socket, allowHalfOpen: true })
    connection.once('connect', () => {
      connection.off('error', failed)
      resolve(connection)
    })
    const failed = (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(undefined)
      else reject(error)
    }
    connection.on('error', failed)
  })
}

/** In a time that does not tell how much of it is right. */
export function isToken(home: string, given: unknown): boolean {
  const token = readDoor(home)?.token
  if (token === undefined || typeof given !== 'string') return false
  const [one, other] = [token, given].map((text) => createHash('sha256').update(text).digest())
  return timingSafeEqual(one!, other!)
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** Nobody else may have made it, or may look into it. */
function ownFolder(): string {
  const { uid } = userInfo()
  const folder = join(tmpdir(), `straightway-${uid}`)
  makeFolder(folder, 0o700)
  const found = lstatSync(folder)
  if (found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0) return folder
  throw new StraightwayError(
    'conflict',
    `${folder} is not yours alone: remove it, or choose a home with a shorter path.`,
  )
}

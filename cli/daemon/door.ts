/**
 * The door of a home: a local socket through which other processes of the same user use the peer of the process that
 * has the home (`straightway up`). `door.json` in the home tells where the socket is. It also has a token, which only
 * the home's owner can read:
 *
 *   {protocol, pid, socket, token}
 *
 * The socket is in the home if the path is short enough for the system. Otherwise it is in a folder of the user below
 * the folder for temporary files. On Windows it is a named pipe, which anybody may open, so only the token protects it.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { chmodSync, lstatSync, realpathSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { StraightwayError } from '../../shared/errors.ts'
import { makeFolder } from '../../shared/files/make-folder.ts'
import { readIfThere, writeWhole } from '../../shared/files/whole-file.ts'

/** Version of the protocol; it increases with every incompatible change. */
export const DOOR_PROTOCOL = 1

/** Longest path of a socket: `sun_path` has 104 bytes on macOS and 108 on Linux, including a final NUL. */
const MAX_PATH_BYTES = 103

export interface Door {
  readonly protocol: number
  readonly pid: number
  readonly socket: string
  readonly token: string
}

/** Path of a home's socket. */
export function socketPath(home: string, platform: NodeJS.Platform = process.platform): string {
  const name = createHash('sha256').update(realpathSync(home)).digest('hex').slice(0, 32)
  if (platform === 'win32') return `\\\\.\\pipe\\straightway-${name}`
  const inside = join(realpathSync(home), 'socket')
  return Buffer.byteLength(inside) <= MAX_PATH_BYTES ? inside : join(ownFolder(), name)
}

/** Opens the door. The caller has the home's lock, so a socket that already exists is a leftover. */
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

/** Reads `door.json`; undefined if there is none or it is invalid. Throws the system's error if the file may not be read. */
export function readDoor(home: string): Door | undefined {
  const text = readIfThere(join(home, 'door.json'))
  if (text === undefined) return undefined
  try {
    const { protocol, pid, socket, token } = JSON.parse(text)
    if (typeof socket === 'string' && typeof token === 'string') return { protocol, pid, socket, token }
  } catch {
    // An invalid file counts as no door.
  }
  return undefined
}

/** Connects to a door; undefined if nobody listens, as after the process was killed. */
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

/** Checks a token in constant time. */
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

/** A folder for sockets that only this user may own and enter. */
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

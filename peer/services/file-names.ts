/**
 * Which names of files are accepted from other peers. A path has its parts separated by `/`; each part becomes a name in
 * the receiver's directory, so a name that means something to a shell, to Windows or to a file system is refused, also if
 * a file system takes it for such a name.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** Of most file systems. */
export const MAX_NAME_BYTES = 255
const MAX_PATH_BYTES = 4096
const MAX_DEPTH = 64
/** Devices of Windows, with any extension: Microsoft, "Naming Files, Paths, and Namespaces". */
const RESERVED = /^(con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)/i
/** C0, DEL, C1, line separators, and characters that turn or hide text. */
const INVISIBLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are refused
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/
/** Joiners and the like: HFS+ compares names without them, and no list of files shows them. */
const IGNORED = /\p{Default_Ignorable_Code_Point}/gu
const NOT_ON_WINDOWS = /[<>:"|?*]/

/** What is wrong with a path of another peer, as the end of a sentence; undefined when it is accepted. */
export function refusalOfPath(
  path: string,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  const names = path.split('/')
  if (Buffer.byteLength(path) > MAX_PATH_BYTES || names.length > MAX_DEPTH) return 'is too long'
  for (const name of names) {
    const refusal = refusalOfName(name, platform)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

/**
 * The same of a file, with one more name that is refused: with a file called `identity` in it a folder looks like the home
 * of a peer, where nothing more is received.
 */
export function refusalOfFile(
  path: string,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  const isKey = /(^|\/)identity$/i.test(path.replace(IGNORED, ''))
  return refusalOfPath(path, platform) ?? (isKey ? 'is that of the key of a peer' : undefined)
}

function refusalOfName(name: string, platform: NodeJS.Platform): string | undefined {
  const compared = name.replace(IGNORED, '').normalize('NFC')
  if (name === '') return 'has an empty name in it'
  if (compared.startsWith('.')) return 'begins with a dot'
  if (/^-./.test(compared)) return 'begins with a dash'
  if (name.includes('\\')) return 'has a backslash in it'
  if (compared === '' || INVISIBLE.test(name) || !name.isWellFormed()) return 'has invisible characters in it'
  if (/[. ]$/.test(compared)) return 'ends with a dot or a space'
  if (RESERVED.test(compared)) return 'is reserved on Windows'
  if (platform === 'win32' && NOT_ON_WINDOWS.test(name)) return 'has characters that Windows does not allow'
  return Buffer.byteLength(name) > MAX_NAME_BYTES ? 'is too long' : undefined
}

/** The directory that keeps a peer's key and has this one in it, if there is one: nothing is received there. */
export function homeAround(directory: string): string | undefined {
  for (let each = real(directory); ; each = dirname(each)) {
    if (isHome(each)) return each
    if (dirname(each) === each) return undefined
  }
}

function isHome(directory: string): boolean {
  try {
    return /^[a-z2-7]{52}\s*$/.test(readFileSync(join(directory, 'identity'), 'utf8'))
  } catch {
    return false
  }
}

/** Of a directory that need not exist yet. */
function real(directory: string): string {
  const path = resolve(directory)
  if (existsSync(path)) return realpathSync(path)
  return dirname(path) === path ? path : join(real(dirname(path)), path.slice(dirname(path).length))
}

/**
 * Checks of file names that other peers send. The parts of a path are separated by `/`, and each part becomes a name in
 * the receiver's directory. A name with a special meaning for a shell, for Windows or for a file system is refused. So
 * is a name that a file system treats as equal to such a name.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** Longest name of most file systems. */
export const MAX_NAME_BYTES = 255
const MAX_PATH_BYTES = 4096
const MAX_DEPTH = 64
/** Device names of Windows, with any extension (Microsoft, "Naming Files, Paths, and Namespaces"). */
const RESERVED = /^(con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)/i
/** C0, DEL, C1, line separators, and characters that change the direction of text or hide it. */
const INVISIBLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are refused
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/
/** Joiners and other characters that HFS+ ignores when it compares names, and that no file listing shows. */
const IGNORED = /\p{Default_Ignorable_Code_Point}/gu
const NOT_ON_WINDOWS = /[<>:"|?*]/

/** Reason to refuse a path of another peer, as the end of a sentence; undefined if the path is accepted. */
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
 * Reason to refuse the path of a file. In addition to `refusalOfPath` it refuses the name `identity`: a folder with
 * such a file looks like the home of a peer, and nothing is received there.
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

/** The home of a peer that is or contains this directory; undefined if there is none. Nothing may be received there. */
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

/** Real path of a directory that need not exist yet. */
function real(directory: string): string {
  const path = resolve(directory)
  if (existsSync(path)) return realpathSync(path)
  return dirname(path) === path ? path : join(real(dirname(path)), path.slice(dirname(path).length))
}

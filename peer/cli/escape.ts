/**
 * Makes text of others harmless on a terminal. What is escaped: C0 and C1 controls (ESC begins sequences that move the
 * cursor, set the title, or answer for the user), line breaks, what turns the direction of writing, and what cannot be
 * seen, as the tag characters that write ASCII invisibly. Joiners stay, as scripts and emoji need them. Each becomes `\n`,
 * `\x1b` or `\u202e`.
 */
const HARMFUL =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are escaped
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb\u115f\u1160\u3164\uffa0]|\u034f|\u17b4|\u17b5|\u180b|\u180c|\u180d|\u180f|[\udb40-\udb43][\udc00-\udfff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** As one line that says what it holds and does nothing. */
export const escapeLine = (text: string): string => text.replace(HARMFUL, escaped)

/** JSON of the value, on one line: what a program reads is exact, what a terminal shows does nothing. */
export const escapeJson = (value: unknown): string =>
  JSON.stringify(value).replace(HARMFUL, (characters) =>
    units(characters)
      .map((unit) => `\\u${hex(unit, 4)}`)
      .join(''),
  )

const escaped = (characters: string): string => units(characters).map(escapedUnit).join('')

/** Of UTF-16. */
const units = (characters: string): string[] => characters.split('')

function escapedUnit(unit: string): string {
  return SHORT[unit] ?? (unit.charCodeAt(0) < 256 ? `\\x${hex(unit, 2)}` : `\\u${hex(unit, 4)}`)
}

const hex = (unit: string, digits: number): string => unit.charCodeAt(0).toString(16).padStart(digits, '0')

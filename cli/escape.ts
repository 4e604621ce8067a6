/**
 * Escapes text of others for output on a terminal, as `\n`, `\x1b` or `\u202e`. Escaped are:
 *
 * - C0 and C1 controls: ESC begins sequences that move the cursor, set the title, or type on behalf of the user
 * - line breaks
 * - characters that change the direction of writing
 * - invisible characters, such as the tag characters that encode ASCII invisibly
 *
 * Joiners are kept, because scripts and emoji need them.
 */
const HARMFUL =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are escaped
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb\u115f\u1160\u3164\uffa0]|\u034f|\u17b4|\u17b5|\u180b|\u180c|\u180d|\u180f|[\udb40-\udb43][\udc00-\udfff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Escapes text into one harmless line. */
export const escapeLine = (text: string): string => text.replace(HARMFUL, escaped)

/** JSON of a value on one line. A program reads the exact value, and a terminal shows it without side effects. */
export const escapeJson = (value: unknown): string =>
  JSON.stringify(value).replace(HARMFUL, (characters) =>
    units(characters)
      .map((unit) => `\\u${hex(unit, 4)}`)
      .join(''),
  )

const escaped = (characters: string): string => units(characters).map(escapedUnit).join('')

/** UTF-16 code units. */
const units = (characters: string): string[] => characters.split('')

function escapedUnit(unit: string): string {
  return SHORT[unit] ?? (unit.charCodeAt(0) < 256 ? `\\x${hex(unit, 2)}` : `\\u${hex(unit, 4)}`)
}

const hex = (unit: string, digits: number): string => unit.charCodeAt(0).toString(16).padStart(digits, '0')

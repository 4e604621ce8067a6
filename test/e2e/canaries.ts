/** Searches bytes for a text in every form in which a program might keep it. */

/** Returns the text as UTF-8, UTF-16, hex and base64, the last one for every position within other bytes. */
export function formsOf(text: string): ReadonlyMap<string, Buffer> {
  const bytes = Buffer.from(text)
  const forms: [string, Buffer][] = [
    ['UTF-8', bytes],
    // Without the last zero, so that it is found in both byte orders.
    ['UTF-16', Buffer.from(text, 'utf16le').subarray(0, -1)],
    ['hex', Buffer.from(bytes.toString('hex'))],
    ['hex in capitals', Buffer.from(bytes.toString('hex').toUpperCase())],
  ]
  for (const encoding of ['base64', 'base64url'] as const)
    for (const before of [0, 1, 2])
      forms.push([`${encoding} after ${before} bytes`, base64(bytes, before, encoding)])
  return new Map(forms)
}

/** Lists the forms that the bytes contain. */
export function formsIn(bytes: Buffer, forms: ReadonlyMap<string, Buffer>): string[] {
  return [...forms].flatMap(([name, form]) => (bytes.includes(form) ? [name] : []))
}

/** The characters that depend on nothing but these bytes, if `before` further bytes precede them. */
function base64(bytes: Buffer, before: number, encoding: 'base64' | 'base64url'): Buffer {
  const text = Buffer.concat([Buffer.alloc(before), bytes]).toString(encoding)
  return Buffer.from(text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6)))
}

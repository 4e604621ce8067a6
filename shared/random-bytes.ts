/** As `randomBytes` of node:crypto, or bytes that come again when the same request does. */
export type RandomBytes = (size: number) => Uint8Array

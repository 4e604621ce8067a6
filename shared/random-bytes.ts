/** A source of random bytes: `randomBytes` of node:crypto, or one that returns the same bytes when a request is repeated. */
export type RandomBytes = (size: number) => Uint8Array

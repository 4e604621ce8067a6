/** A writer and its reader. */
export interface Line {
  /** Sends a message. Resolves when the reader has acknowledged it. */
  ask(body: Uint8Array): Promise<void>
  /** Bytes that the reader has received. */
  received(): number
}

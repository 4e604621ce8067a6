/**
 * Journal of delivered messages, one line each, so that a message is delivered only once across restarts. A line is
 * appended after the application got the message and before the message is acknowledged. When the file is full, its
 * older half is dropped: nobody retransmits messages that old.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { type Delivered, memoryOf } from '../../shared/client/home.ts'
import type { InboxMemory } from '../../shared/core/peer/inbox.ts'
import { writeWhole } from '../../shared/files/whole-file.ts'
import { isPeerId } from '../../shared/ids.ts'

const MAX_LINES = 10_000

export class Journal {
  readonly #path: string
  #lines: Delivered[]

  constructor(path: string) {
    this.#path = path
    this.#lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').flatMap(parse) : []
  }

  get memory(): readonly InboxMemory[] {
    return memoryOf(this.#lines)
  }

  add(delivered: Delivered): void {
    this.#lines.push(delivered)
    if (this.#lines.length <= MAX_LINES) appendFileSync(this.#path, lineOf(delivered), { mode: 0o600 })
    else {
      this.#lines = this.#lines.slice(-MAX_LINES / 2)
      writeWhole(this.#path, this.#lines.map(lineOf).join(''))
    }
  }
}

const lineOf = ({ from, epoch, sequence }: Delivered): string => `${from} ${epoch} ${sequence}\n`

/** Parses a line; a line that a crash truncated is skipped. */
function parse(line: string): Delivered[] {
  const [from = '', epoch, sequence] = line.split(' ')
  if (!isPeerId(from) || !(Number(epoch) >= 0) || !(Number(sequence) > 0)) return []
  return [{ from, epoch: Number(epoch), sequence: Number(sequence) }]
}

/** Serves other verbs of the home from the process that is `up` (protocol.ts). */
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Offer, Peer } from '../../peer/index.ts'
import { Records, type Value } from '../../serve/records.ts'
import { StraightwayError } from '../../shared/errors.ts'
import { Client } from './client.ts'
import { DOOR_PROTOCOL, isToken, openDoor } from './door.ts'
import { Framed } from './framed.ts'
import { couple, errorValue, nextValue, type SelfFacts } from './protocol.ts'

/** Time within which a new connection must send its first record. */
const HELLO_MS = 5000

export interface DaemonOptions {
  readonly home: string
  readonly peer: Peer
  readonly self: () => Omit<SelfFacts, 'client'>
  /** Called when a client changed the status of the peer. */
  readonly onStatus: (status: string, custom: string) => void
  /** Called by `straightway down`. */
  readonly onStop: () => void
}

export class Daemon {
  readonly #options: DaemonOptions
  readonly #clients = new Map<string, Client>()
  #door: { close(): Promise<void> } | undefined

  private constructor(options: DaemonOptions) {
    this.#options = options
  }

  /** Opens the door of the home. The peer must have the home's lock. */
  static async open(options: DaemonOptions): Promise<Daemon> {
    const daemon = new Daemon(options)
    daemon.#door = await openDoor(options.home, (socket) => {
      daemon.#greet(socket).catch(() => socket.destroy())
    })
    return daemon
  }

  /** Passes an offer to the newest verb that waits for its intent. Returns false if there is none. */
  offer(offer: Offer): boolean {
    const client = [...this.#clients.values()].reverse().find((each) => each.serves(offer.intent))
    client?.offer(offer)
    return client !== undefined
  }

  async close(): Promise<void> {
    for (const client of this.#clients.values()) client.close()
    await this.#door?.close()
  }

  async #greet(socket: Socket): Promise<void> {
    socket.on('error', () => {})
    const records = new Records(socket)
    const patience = setTimeout(() => socket.destroy(), HELLO_MS)
    const hello = await nextValue(records)
    clearTimeout(patience)
    const refusal = hello && this.#refusalOf(hello)
    if (hello === undefined || refusal !== undefined) {
      await records.value({ protocol: DOOR_PROTOCOL, ...errorValue(refusal ?? new Error('no hello')) })
      socket.end()
    } else if (hello.open === 'control') await this.#control(records)
    else await this.#stream(records, hello)
  }

  #refusalOf({ protocol, token }: Value): StraightwayError | undefined {
    if (protocol !== DOOR_PROTOCOL)
      return new StraightwayError(
        'conflict',
        'What is `up` in this home is of another version of straightway: stop it, and start this one.',
      )
    return isToken(this.#options.home, token)
      ? undefined
      : new StraightwayError('forbidden', 'This home belongs to somebody else.')
  }

  async #control(records: Records): Promise<void> {
    const id = randomBytes(16).toString('hex')
    const { peer, self, onStop, onStatus } = this.#options
    const client = new Client({
      records,
      peer,
      self: () => ({ client: id, ...self() }),
      onStop,
      onStatus,
    })
    this.#clients.set(id, client)
    await records.value({ ok: true, ...client.self() })
    await client.run()
    this.#clients.delete(id)
  }

  async #stream(records: Records, hello: Value): Promise<void> {
    const client = this.#clients.get(`${hello.client}`)
    try {
      if (client === undefined) throw new StraightwayError('closed', 'The connection to `up` has ended.')
      const stream = await client.streamFor(hello)
      await records.value({ ok: true })
      couple(stream, new Framed(records))
    } catch (error) {
      await records.value(errorValue(error))
      records.stream.end()
    }
  }
}

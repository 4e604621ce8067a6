/** The application in a page under test: what a test calls by name, and what its peer has heard. */
import { join } from './straightway.js'

const EVENTS = ['message', 'presence', 'offer', 'state', 'change', 'error']
const heard = Object.fromEntries(EVENTS.map((event) => [event, []]))
let peer
let stopListening = () => {}

const plain = (value) => {
  if (value instanceof Uint8Array) return [...value]
  if (value instanceof Error) return { code: value.code, message: value.message }
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))
    : value
}

const settled = async (promise) => {
  try {
    return { value: await promise }
  } catch (error) {
    return { error: plain(error) }
  }
}

globalThis.act = {
  async join(options) {
    const joined = await settled(join(options))
    if (joined.error) return joined
    peer = joined.value
    for (const event of EVENTS.filter((event) => event !== 'offer'))
      peer.on(event, (...told) => heard[event].push(told.map(plain)))
    return { value: { peer: peer.peer, user: peer.user, state: peer.state } }
  },
  send: (to, body, isBytes) => settled(peer.send(to, isBytes ? Uint8Array.from(body) : body)),
  find: (which) => settled(peer.find(which)),
  status: (status, options) => peer.status(status, options),
  state: () => peer.state,
  async roster() {
    await peer.roster.ready()
    return [...peer.roster].map(({ peer, status }) => ({ peer, status }))
  },
  refuseOffers(reason) {
    const refuse = (offer) => {
      heard.offer.push([{ from: offer.from, intent: offer.intent, terms: offer.terms }])
      offer.refuse(reason)
    }
    peer.on('offer', refuse)
    stopListening = () => peer.off('offer', refuse)
  },
  failAtOffers() {
    const fail = async () => {
      throw new Error('a fault of the application')
    }
    peer.on('offer', fail)
    stopListening = () => peer.off('offer', fail)
  },
  stopListening: () => stopListening(),
  index: (kind, method, ...args) => settled(peer.index[kind][method](...args)),
  heard: (event) => heard[event],
  close: () => peer.close(),
}
document.title = 'ready'

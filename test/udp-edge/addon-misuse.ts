/**
 * Misuses the addon many times: wrong types, sizes, slots and moments. It must throw or do nothing; a crash of this process
 * is the finding. Arguments: the file of the addon, the number of calls, a seed.
 */
import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import type { UdpAddon, UdpSocketHandle } from '../../udp-edge/native/addon.ts'

const [file, calls, seed] = process.argv.slice(2) as [string, string, string]
const { UdpSocket } = createRequire(import.meta.url)(file) as UdpAddon

let state = Number(seed) >>> 0
function random(below: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return Math.floor((state / 2 ** 32) * below)
}
const oneOf = <T>(values: readonly T[]): T => values[random(values.length)]!

const detached = () => {
  const array = new Uint8Array(4096)
  structuredClone(array.buffer, { transfer: [array.buffer] })
  return array
}
const sizes = [0, 1, 4, 5, 64, 320, 2047, 2048, 65 * 2048]
const arrays = [
  () => new Uint8Array(oneOf(sizes)),
  () => new Uint16Array(oneOf(sizes)).fill(random(65536)),
  () => new Uint32Array(oneOf(sizes)).fill(random(2 ** 32)),
  () => new Float64Array(oneOf(sizes)),
  () => new Uint8Array(new SharedArrayBuffer(2048 * 3)),
  () => new Uint16Array(new ArrayBuffer(4100), 2, 64),
  detached,
]
const numbers = [0, 1, 2, 63, 64, 65, -1, 0.5, Number.NaN, 2 ** 31, 2 ** 32, 1e300, Number.POSITIVE_INFINITY]
const others = [
  undefined,
  null,
  'text',
  '::1',
  '127.0.0.1',
  'x'.repeat(300),
  true,
  {},
  [],
  Symbol('s'),
  5n,
  () => {},
]
const anything = (): unknown => oneOf([() => oneOf(arrays)(), () => oneOf(numbers), () => oneOf(others)])()

const open = (): UdpSocketHandle => new UdpSocket('127.0.0.1', 0, false, 1 << 16, () => {})
const sound = {
  receive: () => [new Uint8Array(64 * 2048), new Uint16Array(64), new Uint32Array(320), random(65)],
  send: () => [
    new Uint8Array(64 * 2048),
    new Uint16Array(64).fill(random(2100)),
    new Uint32Array(320).fill(random(2) * 0xffff),
    new Uint8Array(64).fill(random(256)),
    random(65),
    random(65),
  ],
  address: () => [new Uint32Array(5)],
  counters: () => [new Float64Array(5)],
  close: () => [],
}

type Method = keyof typeof sound
const methods = Object.keys(sound) as Method[]
let thrown = 0
let socket = open()
for (let i = 0; i < Number(calls); i++) {
  const method = random(50) === 0 ? 'close' : oneOf(methods)
  const args: unknown[] = sound[method]()
  for (let wrong = random(3); wrong > 0; wrong--) args[random(args.length + 1)] = anything()
  if (random(8) === 0) args.length = random(args.length + 1)
  try {
    if (random(40) === 0)
      new (UdpSocket as unknown as new (...given: unknown[]) => unknown)(
        anything(),
        anything(),
        anything(),
        anything(),
        anything(),
      )
    const self = random(20) === 0 ? anything() : socket
    Reflect.apply(socket[method] as (...given: unknown[]) => unknown, self, args)
  } catch {
    thrown++
  }
  if (method === 'close') {
    socket.close()
    socket = open()
  }
  if (i % 1000 === 0) await new Promise((turn) => setImmediate(turn))
}
socket.close()

/** A thread that ends with open sockets, possibly in the middle of their callbacks. */
const OPEN_AND_STAY = `
  const { UdpSocket } = require(${JSON.stringify(file)})
  const { parentPort } = require('node:worker_threads')
  const words = new Uint32Array(5)
  const one = new UdpSocket('127.0.0.1', 0, false, 65536, () => { for (;;) one.counters(new Float64Array(5)) })
  const two = new UdpSocket('127.0.0.1', 0, false, 65536, () => {})
  one.address(words)
  const address = new Uint32Array([0, 0, 0xffff, 0x7f000001, words[4]])
  parentPort.postMessage('open')
  two.send(new Uint8Array(2048), new Uint16Array([3]), address, new Uint8Array(1), 0, 1)
`
for (let i = 0; i < 8; i++) {
  const worker = new Worker(OPEN_AND_STAY, { eval: true })
  await new Promise((opened) => worker.once('message', opened))
  await worker.terminate()
}
console.log(JSON.stringify({ calls: Number(calls), thrown }))

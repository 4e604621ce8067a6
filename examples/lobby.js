// A lobby and a race: whoever finds nobody waiting opens a game, the next one joins it. Positions travel as datagrams,
// where only the newest counts; the result travels on a stream, where nothing may be lost.
//
//   npm run example examples/lobby.js Ada           each Enter is a step
//   npm run example examples/lobby.js Ben --auto    runs by itself
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { joinAs } from './join.js'

const STEPS = 10
const WAITING = 'metadata.game eq "race" and metadata.state eq "waiting" and status eq "online"'
const name = process.argv[2] ?? 'somebody'
const isAuto = process.argv.includes('--auto')

const peer = await joinAs(name, { metadata: { game: 'race', state: 'looking', name } })
const [host] = (await peer.find(WAITING)).filter(({ peer: id }) => id !== peer.peer)
await (host ? joinGame(host) : openGame())
await peer.close()

async function openGame() {
  const offered = once(peer, 'offer')
  peer.status('online', { metadata: { game: 'race', state: 'waiting', name } })
  console.log('waiting for somebody')
  const [offer] = await offered
  peer.status('online', { metadata: { game: 'race', state: 'playing', name } })
  peer.on('offer', (late) => late.refuse('playing'))
  const socket = await offer.accept()
  const [stream] = await once(socket, 'stream')
  await race(socket, stream, true)
}

async function joinGame({ peer: id, metadata }) {
  console.log(`joining ${metadata.name}`)
  const socket = await peer.connect(id, { intent: 'race' })
  await race(socket, await socket.createStream({ name: 'result' }), false)
}

async function race(socket, stream, isHost) {
  const finished = { me: 0, other: 0 }
  const startedAt = Date.now()
  let [mine, theirs] = [0, 0]
  socket.on('message', (datagram) => {
    theirs = Math.max(theirs, datagram[0])
  })
  const step = () => {
    mine = Math.min(mine + 1, STEPS)
    if (mine === STEPS && finished.me === 0) {
      finished.me = Date.now() - startedAt
      stream.write(`${JSON.stringify({ name, finishedMs: finished.me })}\n`)
    }
  }
  const ticking = setInterval(() => {
    if (isAuto && Math.random() < 0.5) step()
    socket.send(Uint8Array.of(mine))
    process.stdout.write(`\r${'>'.repeat(mine).padEnd(STEPS)} | ${'>'.repeat(theirs).padEnd(STEPS)}`)
  }, 30)
  const keys = createInterface({ input: process.stdin }).on('line', step)
  for await (const line of createInterface({ input: stream })) {
    const { name: other, finishedMs } = JSON.parse(line)
    finished.other = finishedMs
    while (finished.me === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    const isWon = finished.me === finished.other ? isHost : finished.me < finished.other
    console.log(`\n${isWon ? name : other} wins: ${name} ${finished.me} ms, ${other} ${finishedMs} ms`)
    stream.end()
    break
  }
  clearInterval(ticking)
  keys.close()
  process.stdin.unref?.()
  await new Promise((resolve) => socket.close(resolve))
}

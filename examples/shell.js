// A remote shell: a stream carries the input and output of `sh`. Only peers that are named may have it.
//
//   npm run example examples/shell.js id HOME              prints the id of this peer
//   npm run example examples/shell.js serve NAME ID [ID]   lets these peers in
//   npm run example examples/shell.js open NAME HOME       a shell there; end it with Ctrl-D
import { spawn } from 'node:child_process'
import { pipeline } from 'node:stream/promises'
import { joinAs, leaveOnSignal, untilFound } from './join.js'

const [verb, name, ...rest] = process.argv.slice(2)
if (verb === 'id') await showId(name)
else if (verb === 'serve') await serve(name, rest)
else if (verb === 'open') await open(name, rest[0])
else console.error('shell.js id HOME, shell.js serve NAME ID, or shell.js open NAME HOME')

async function showId(home) {
  const peer = await joinAs('shell', { home })
  console.log(peer.peer)
  await peer.close()
}

async function serve(name, allowed) {
  const peer = await joinAs(name, { metadata: { shell: name } })
  leaveOnSignal(peer)
  console.log(`a shell of "${name}" for ${allowed.length} peers`)
  peer.on('offer', async (offer) => {
    if (offer.intent !== 'shell' || !allowed.includes(offer.from)) return offer.refuse('not-allowed')
    const socket = await offer.accept()
    socket.on('stream', run)
  })
}

function run(stream) {
  stream.allowHalfOpen = true // what the shell still says after its input has ended
  const shell = spawn('sh', [], { stdio: ['pipe', 'pipe', 'pipe'] })
  stream.on('error', () => shell.kill()).pipe(shell.stdin)
  shell.stdin.on('error', () => {})
  shell.stdout.pipe(stream, { end: false })
  shell.stderr.pipe(stream, { end: false })
  shell.on('close', () => stream.end())
}

async function open(name, home) {
  const peer = await joinAs('shell', { home })
  const { peer: host } = await untilFound(peer, `metadata.shell eq "${name}" and status eq "online"`)
  const socket = await peer.connect(host, { intent: 'shell' })
  const stream = await socket.createStream({ name: 'sh', allowHalfOpen: true })
  await Promise.all([pipeline(process.stdin, stream), pipeline(stream, process.stdout, { end: false })])
  await peer.close()
}

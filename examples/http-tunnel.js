// HTTP through a tunnel: a web server without a port. Each request of the other side is a stream, and a stream is all
// that `http` needs of a socket.
//
//   npm run example examples/http-tunnel.js serve NAME
//   npm run example examples/http-tunnel.js get NAME /path
import { once } from 'node:events'
import http from 'node:http'
import { text } from 'node:stream/consumers'
import { joinAs, leaveOnSignal, untilFound } from './join.js'

const [verb, name, path = '/'] = process.argv.slice(2)
if (verb === 'serve') await serve(name)
else if (verb === 'get') await get(name, path)
else console.error('http-tunnel.js serve NAME, or http-tunnel.js get NAME /path')

async function serve(name) {
  const server = http.createServer((request, response) => {
    response.setHeader('content-type', 'text/plain')
    response.end(`${request.method} ${request.url} from ${name}\n`)
  })
  const peer = await joinAs(name, { metadata: { web: name } })
  leaveOnSignal(peer)
  console.log(`serving "${name}"`)
  peer.on('offer', async (offer) => {
    if (offer.intent !== 'http') return offer.refuse('only HTTP')
    const socket = await offer.accept()
    socket.on('stream', (stream) => {
      stream.allowHalfOpen = true // as http.Server has its sockets
      server.emit('connection', stream)
    })
  })
}

async function get(name, path) {
  const peer = await joinAs('reader')
  const { peer: host } = await untilFound(peer, `metadata.web eq "${name}" and status eq "online"`)
  const socket = await peer.connect(host, { intent: 'http' })
  const stream = await socket.createStream({ name: 'http' })
  const request = http.get({ path, headers: { host: name }, createConnection: () => stream })
  const [response] = await once(request, 'response')
  process.stdout.write(`${response.statusCode} ${await text(response)}`)
  await peer.close()
}

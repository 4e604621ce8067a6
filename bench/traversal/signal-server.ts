/**
 * The signalling server that an application has to run with libjuice: signal-server.ts IP PORT. It passes lines between the
 * two connected peers, and prints {"ready"} when it listens.
 */
import { createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'

const [ip, port] = process.argv.slice(2) as [string, string]
const connected = new Set<Socket>()

const server = createServer((socket) => {
  connected.add(socket.setNoDelay())
  socket.on('close', () => connected.delete(socket)).on('error', () => {})
  const lines = createInterface({ input: socket }).on('error', () => {})
  lines.on('line', (line) => {
    for (const other of connected) if (other !== socket) other.write(`${line}\n`)
  })
})
server.listen(Number(port), ip, () => process.stdout.write(`${JSON.stringify({ ready: true })}\n`))

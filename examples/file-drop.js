// A file drop: one side offers a folder by a name, another one finds it by that name and sends it a file.
//
//   npm run example examples/file-drop.js receive DIR NAME
//   npm run example examples/file-drop.js send FILE NAME
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rename, stat } from 'node:fs/promises'
import { basename, join as joinPath } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { joinAs, leaveOnSignal, untilFound } from './join.js'

const [verb, path, name] = process.argv.slice(2)
if (verb === 'receive') await receive(path, name)
else if (verb === 'send') await send(path, name)
else console.error('file-drop.js receive DIR NAME, or file-drop.js send FILE NAME')

async function receive(directory, name) {
  await mkdir(directory, { recursive: true })
  const peer = await joinAs(name, { metadata: { drop: name } })
  leaveOnSignal(peer)
  console.log(`drop "${name}" is open`)
  peer.on('offer', async (offer) => {
    if (offer.intent !== 'file-drop') return offer.refuse('only files')
    const socket = await offer.accept()
    socket.on('stream', (stream, { name: file }) => {
      take(stream, joinPath(directory, basename(file))).catch(({ message }) => console.error(message))
    })
  })
}

// The file has its name only when it is whole: a stream that was cut fails the pipeline. Ending the stream tells the
// sender that the file is there.
async function take(stream, target) {
  stream.allowHalfOpen = true // it is ended below, not when the bytes have come
  const part = `${target}.${process.pid}.part`
  let bytes = 0
  stream.on('data', (chunk) => {
    bytes += chunk.length
  })
  await pipeline(stream, createWriteStream(part, { flags: 'wx' }))
  await rename(part, target)
  stream.end()
  console.log(`received ${basename(target)}: ${bytes} bytes`)
}

async function send(file, name) {
  const peer = await joinAs('sender')
  const { peer: drop } = await untilFound(peer, `metadata.drop eq "${name}" and status eq "online"`)
  const socket = await peer.connect(drop, { intent: 'file-drop' })
  const stream = await socket.createStream({ name: basename(file) })
  const closed = new Promise((resolve, reject) => stream.once('close', resolve).once('error', reject))
  stream.resume()
  await pipeline(createReadStream(file), stream)
  await closed
  console.log(`sent ${(await stat(file)).size} bytes, ${socket.path}`)
  await peer.close()
}

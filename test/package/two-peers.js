// An application on the installed package. Prints {message, datagram, stream, presence, closed}.
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { join } from 'straightway'

const [index, invite] = process.argv.slice(2)
const ada = await join({ index, invite, name: 'Ada', metadata: { game: 'chess' } })
const ben = await join({ index, invite, name: 'Ben' })

ada.on('offer', async (offer) => {
  const socket = await offer.accept()
  socket.on('message', (message) => socket.send(`echo ${message}`))
  socket.on('stream', (stream, { name }) => {
    stream.allowHalfOpen = true
    stream.once('data', (chunk) => stream.end(`${name}: ${chunk}`))
  })
})

const heard = once(ada, 'message')
const outcome = await ben.send(ada.peer, 'hello')
const [message] = await heard
// A search finds metadata a moment after it was published, when the index has it.
const isAda = ({ peer }) => peer === ada.peer
while (!(await ben.find('metadata.game eq "chess"')).some(isAda));
const socket = await ben.connect(ada.peer, { intent: 'test' })
socket.send('datagram')
const [answer] = await once(socket, 'message')
const stream = await socket.createStream({ name: 'shout', allowHalfOpen: true })
stream.end('stream')
const result = {
  message: `${message.text} ${outcome}`,
  datagram: String(answer),
  stream: await text(stream),
}
await ben.close()
await ada.close()
console.log(JSON.stringify(result))

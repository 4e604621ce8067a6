/** A private DHT: hyperdht-nodes.ts IP IP prints {"bootstrap"}, and serves until it is killed. */
import DHT from 'hyperdht'

/** Number of nodes per address. Each side asks some of them for its external address, and they forward first messages. */
const NODES_PER_ADDRESS = 5
const PORT = 49_737

const ips = process.argv.slice(2)
const bootstrap = `${ips[0]}:${PORT}`
const first = DHT.bootstrapper(PORT, ips[0]!)
await first.fullyBootstrapped()
for (let i = 0; i < NODES_PER_ADDRESS * ips.length; i++) {
  const host = ips[i % ips.length]!
  const node = new DHT({
    bootstrap: [bootstrap],
    host,
    port: PORT + 1 + i,
    ephemeral: false,
    firewalled: false,
  })
  await node.fullyBootstrapped()
}
process.stdout.write(`${JSON.stringify({ bootstrap })}\n`)

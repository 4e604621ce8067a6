/** A router's port mapping daemon: miniupnpd as Debian packages it for nftables, restricted to one protocol. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Namespaces } from './namespaces.ts'
import type { NatKind } from './nat-kind.ts'

type Protocol = NonNullable<NatKind['maps']>

/**
 * Rules that drop the other protocol's requests. Both use the same port, and the first byte is the version: 0 for NAT-PMP, 2
 * for PCP.
 */
const OTHERS: Readonly<Record<Protocol, string>> = {
  upnp: '',
  'nat-pmp': 'udp dport 5351 @th,64,8 2 drop',
  pcp: 'udp dport 5351 @th,64,8 0 drop',
}

/** Starts the daemon, which runs as long as the router exists. `outside` is the router's outside address; it must be public. */
export function startMiniupnpd(
  namespaces: Namespaces,
  router: string,
  maps: Protocol,
  outside: string,
): void {
  const directory = mkdtempSync(join(tmpdir(), 'straightway-miniupnpd-'))
  const file = join(directory, 'miniupnpd.conf')
  writeFileSync(file, configurationOf(maps, outside))
  namespaces.exec(router, ['nft', '-f', '-'], tableOf(maps))
  const command = ['miniupnpd', '-d', '-f', file, '-P', join(directory, 'pid')]
  const daemon = namespaces.spawn(router, command, { stdio: 'ignore' })
  daemon.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  namespaces.exec(router, ['timeout', '20', 'sh', '-c', untilBound(maps === 'upnp' ? 1900 : 5351)])
}

const untilBound = (port: number): string =>
  `until ss -Hlun sport = :${port} | grep -q .; do sleep 0.02; done`

/** The daemon's table. Its rules come before those of the router. */
const tableOf = (maps: Protocol): string => `
table inet miniupnpd {
  chain own {
    type filter hook input priority 10; policy accept;
    ${OTHERS[maps]}
  }
  chain passing {
    type filter hook forward priority 10; policy accept;
  }
  chain before {
    type nat hook prerouting priority -110; policy accept;
  }
  chain after {
    type nat hook postrouting priority 90; policy accept;
  }
}
`

function configurationOf(maps: Protocol, outside: string): string {
  const settings = {
    ext_ifname: 'wan',
    ext_ip: outside,
    listening_ip: 'lan',
    http_port: 5000,
    enable_upnp: maps === 'upnp' ? 'yes' : 'no',
    enable_natpmp: maps === 'upnp' ? 'no' : 'yes',
    uuid: randomUUID(),
    upnp_table_name: 'miniupnpd',
    upnp_nat_table_name: 'miniupnpd',
    upnp_forward_chain: 'passing',
    upnp_nat_chain: 'before',
    upnp_nat_postrouting_chain: 'after',
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
  return [...lines, 'allow 1024-65535 0.0.0.0/0 1024-65535', ''].join('\n')
}

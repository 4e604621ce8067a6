/** Connects both hosts to the router of the left side. A bridge in the router joins them or isolates them from each other. */
import type { Namespaces } from './namespaces.ts'
import type { Place } from './topology.ts'

/** Makes the router's `lan` a bridge with a port for each host. */
export function connectHousehold(namespaces: Namespaces, place: Place, isolated: boolean, bridges = 0): void {
  const { router, translated: prefix } = place
  namespaces.ip(router, 'link', 'add', 'lan', 'type', 'bridge')
  // With br_netfilter loaded, translated packets would be bridged instead of routed.
  namespaces.exec(router, ['sysctl', '-qew', 'net.bridge.bridge-nf-call-iptables=0'])
  namespaces.ip(router, 'address', 'add', `${prefix}.1/24`, 'dev', 'lan')
  namespaces.ip(router, 'link', 'set', 'lan', 'up')
  for (const [i, host] of (['left', 'right'] as const).entries()) {
    namespaces.add(host)
    addBridges(namespaces, host, bridges)
    namespaces.wire(
      { at: router, name: host, addresses: [] },
      { at: host, name: 'lan', addresses: [`${prefix}.${10 + i}/24`] },
    )
    namespaces.ip(router, 'link', 'set', host, 'master', 'lan')
    if (isolated) namespaces.ip(router, 'link', 'set', host, 'type', 'bridge_slave', 'isolated', 'on')
    namespaces.route(host, '0.0.0.0/0', `${prefix}.1`)
  }
}

/** Adds bridges as Docker does, one for each of its networks. */
export function addBridges(namespaces: Namespaces, host: string, count: number): void {
  for (let n = 0; n < count; n++) {
    const name = `br-${n}`
    namespaces.ip(host, 'link', 'add', name, 'type', 'bridge')
    namespaces.raise({ at: host, name, addresses: [`172.${17 + n}.0.1/16`] })
  }
}

/**
 * Decides which addresses a webhook may be posted to: public unicast ones only (IANA's special-purpose registries, RFC 6890).
 * The function stands inside the cloud, so any other address could be one of the cloud's own.
 */
import { BlockList, isIP, isIPv4 } from 'node:net'

const SPECIAL_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]
/** Global unicast is 2000::/3. These parts of it are not public, or hold an IPv4 address. */
const SPECIAL_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

const special = new BlockList()
for (const range of SPECIAL_V4) special.addSubnet(...parts(range), 'ipv4')
for (const range of SPECIAL_V6) special.addSubnet(...parts(range), 'ipv6')
const global6 = new BlockList()
global6.addSubnet('2000::', 3, 'ipv6')

function parts(range: string): [net: string, prefix: number] {
  const [net = '', prefix = ''] = range.split('/')
  return [net, Number(prefix)]
}

export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0) return false
  if (isIPv4(address)) return !special.check(address, 'ipv4')
  return global6.check(address, 'ipv6') && !special.check(address, 'ipv6')
}

import { expect, test } from 'vitest'
import { gatewayInNetstat, gatewayInProcRoute } from '../../../peer/net/port-mapping-gateway.ts'

const HEADER = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT'
const route = (iface: string, destination: string, gateway: string, metric: number, mask: string) =>
  `${iface}\t${destination}\t${gateway}\t0003\t0\t0\t${metric}\t${mask}\t0\t0\t0`

test('Linux: the default route with the least metric', () => {
  const lines = [
    HEADER,
    route('wlan0', '00000000', 'FE01A8C0', 600, '00000000'),
    route('eth0', '00000000', '0101A8C0', 100, '00000000'),
    route('eth0', '0001A8C0', '00000000', 100, '00FFFFFF'),
  ]
  expect(gatewayInProcRoute(`${lines.join('\n')}\n`)).toBe('192.168.1.1')
})

test('Linux: a route without a gateway, or that is down, is none', () => {
  const direct = `tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0`
  const down = `eth0\t00000000\t0101A8C0\t0002\t0\t0\t0\t00000000\t0\t0\t0`
  expect(gatewayInProcRoute([HEADER, direct, down].join('\n'))).toBeUndefined()
})

test('macOS: the first default route that has an address', () => {
  const text = `Routing tables

Internet:
Destination        Gateway            Flags               Netif Expire
default            link#21            UCSg                utun3
default            192.168.1.1        UGScg                 en0
127                127.0.0.1          UCS                   lo0

Internet6:
default            fe80::1%en0        UGcg                  en0
`
  expect(gatewayInNetstat(text)).toBe('192.168.1.1')
})

test('Windows: the gateway behind the netmask', () => {
  const text = `IPv4 Route Table\r
===========================================================================\r
Network Destination        Netmask          Gateway       Interface  Metric\r
          0.0.0.0          0.0.0.0          On-link        10.8.0.2     10\r
          0.0.0.0          0.0.0.0      192.168.1.1      192.168.1.5     25\r
        127.0.0.0        255.0.0.0         On-link         127.0.0.1    331\r
`
  expect(gatewayInNetstat(text)).toBe('192.168.1.1')
})

test('no table, no gateway', () => {
  expect([gatewayInProcRoute(''), gatewayInNetstat('')]).toEqual([undefined, undefined])
})

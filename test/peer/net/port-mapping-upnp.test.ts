import { afterEach, expect, test } from 'vitest'
import { locationIn } from '../../../peer/net/port-mapping-ssdp.ts'
import { servicesIn, UpnpGateway } from '../../../peer/net/port-mapping-upnp.ts'
import { formatAddress } from '../../../shared/wire/address.ts'
import { DESCRIPTION, type Router, type RouterSetting, startRouter } from './port-mapping-router.ts'

const WISH = { port: 5000, externalPort: 40_000, lifetimeSeconds: 7200 }
let router: Router | undefined

afterEach(async () => {
  await router?.close()
  router = undefined
})

async function gatewayOf(setting: RouterSetting = {}): Promise<UpnpGateway> {
  router = await startRouter(setting)
  return new UpnpGateway({ gateway: '127.0.0.1', local: '127.0.0.1', ssdpPort: router.ssdpPort })
}

async function mapped(setting: RouterSetting): Promise<string> {
  const gateway = await gatewayOf(setting)
  await gateway.find()
  const given = await gateway.map(WISH)
  return typeof given === 'string' ? given : formatAddress(given.words)
}

test('it is found, gives a port for as long as asked, and takes it back', async () => {
  const gateway = await gatewayOf()
  expect(formatAddress((await gateway.find())!.words)).toBe('203.0.113.2:0')
  const given = await gateway.map(WISH)
  expect(typeof given === 'object' && formatAddress(given.words)).toBe('203.0.113.2:40000')
  await gateway.unmap(40_000)
  expect(router!.actions).toEqual([
    'GetExternalIPAddress',
    'AddPortMapping NewRemoteHost= NewExternalPort=40000 NewProtocol=UDP NewInternalPort=5000 NewInternalClient=127.0.0.1 NewEnabled=1 NewPortMappingDescription=straightway NewLeaseDuration=7200',
    'DeletePortMapping NewRemoteHost= NewExternalPort=40000 NewProtocol=UDP',
  ])
})

test('it is searched for again where the first search is lost', async () => {
  const gateway = await gatewayOf({ deaf: 1 })
  expect(await gateway.find()).toBeDefined()
  expect(router!.searches).toBeGreaterThan(1)
})

test('a router that knows no lease gets one for good', async () => {
  expect(await mapped({ faults: [725] })).toBe('203.0.113.2:40000')
  expect(router!.actions.at(-1)).toContain('NewLeaseDuration=0')
})

test('a router that wants the same port outside gets it', async () => {
  expect(await mapped({ faults: [724] })).toBe('203.0.113.2:5000')
})

test.each([
  [718, 'taken'],
  [729, 'taken'],
  [606, 'refused'],
])('error %i: %s', async (code, said) => {
  expect(await mapped({ faults: [code] })).toBe(said)
})

test('a router without an outside address gives none', async () => {
  const gateway = await gatewayOf({ external: '0.0.0.0' })
  expect(await gateway.find()).toBeUndefined()
  expect(await gateway.map(WISH)).toBe('refused')
})

test('what does not describe a way out is no gateway', async () => {
  expect(await (await gatewayOf({ description: '<root><device/></root>' })).find()).toBeUndefined()
})

test('a description on another machine is not fetched', async () => {
  const gateway = await gatewayOf({ location: (port) => `http://localhost:${port}/root.xml` })
  expect(await gateway.find()).toBeUndefined()
  expect(router!.actions).toEqual([])
})

const AT = new URL('http://192.168.1.1:5000/root.xml')

test('the control address is on the router itself', () => {
  expect(servicesIn(DESCRIPTION, AT).map(({ url }) => url.href)).toEqual([
    'http://192.168.1.1:5000/control?a=1&b=2',
  ])
  const elsewhere = DESCRIPTION.replace('/control?', 'http://192.168.1.66/control?')
  expect(servicesIn(elsewhere, AT)).toEqual([])
  expect(servicesIn(DESCRIPTION.replace('<device>', '<URLBase>http://192.168.1.66/</URLBase>'), AT)).toEqual(
    [],
  )
})

test('only an answer to a search has a location', () => {
  expect(locationIn('HTTP/1.1 200 OK\r\nLOCATION: http://192.168.1.1:5000/a.xml\r\n\r\n')?.port).toBe('5000')
  for (const text of [
    'NOTIFY * HTTP/1.1\r\nLOCATION: http://192.168.1.1/\r\n\r\n',
    'HTTP/1.1 200 OK\r\nLOCATION: file:///etc/passwd\r\n\r\n',
    'HTTP/1.1 200 OK\r\nLOCATION: http://[\r\n\r\n',
    'HTTP/1.1 200 OK\r\n\r\n',
    '',
  ])
    expect(locationIn(text)).toBeUndefined()
})

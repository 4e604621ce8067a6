import { spawnSync } from 'node:child_process'
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { toBase32 } from '../../shared/ids.ts'
import { makeCertificate } from '../../udp-edge/tls-certificate.ts'

test('a certificate is signed by its own key, holds now, and is what its pin says', () => {
  for (let i = 0; i < 50; i++) {
    const { cert, key, pin } = makeCertificate()
    const x509 = new X509Certificate(cert)
    expect(x509.verify(x509.publicKey)).toBe(true)
    expect(x509.checkPrivateKey(createPrivateKey(key))).toBe(true)
    expect(x509.validFromDate.getTime()).toBeLessThan(Date.now())
    expect(x509.validToDate.getUTCFullYear()).toBe(9999)
    expect([x509.subject ?? '', x509.issuer ?? '']).toEqual(['', ''])
    const spki = x509.publicKey.export({ type: 'spki', format: 'der' })
    expect(pin).toBe(toBase32(createHash('sha256').update(spki).digest()))
  }
})

test('no two are alike', () => {
  const [one, two] = [makeCertificate(), makeCertificate()]
  expect(one.pin).not.toBe(two.pin)
  expect(new X509Certificate(one.cert).serialNumber).not.toBe(new X509Certificate(two.cert).serialNumber)
})

const isMissing = spawnSync('openssl', ['version']).status !== 0

test.skipIf(isMissing && process.env.CI === undefined)(
  'somebody else finds nothing wrong with it (needs openssl, to read it)',
  () => {
    const { cert } = makeCertificate()
    const { stdout, stderr, error } = spawnSync('openssl', ['x509', '-noout', '-text'], { input: cert })
    expect([error, String(stderr)]).toEqual([undefined, ''])
    expect(String(stdout)).toContain('Signature Algorithm: ecdsa-with-SHA256')
    expect(String(stdout)).toContain('Version: 3')
    expect(String(stdout)).toContain('Not Before: Jan  1 00:00:00 2000 GMT')
  },
)

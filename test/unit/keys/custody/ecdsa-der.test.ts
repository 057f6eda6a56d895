import { createSign, generateKeyPairSync, verify, webcrypto } from 'node:crypto'

import { describe, expect, it } from 'vitest'

import { p256FromDer } from '../../../../src/keys/custody/ecdsa-der.ts'
import { derOf, makePair, signWith, verifyWith } from '../../world/custodians.ts'

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
const hex = (value: Uint8Array | undefined) => value && Buffer.from(value).toString('hex')

const order = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'
const belowOrder = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550'

/** A signature of two integers whose contents are given. */
function der(r: string, s: string): Uint8Array {
  const integer = (content: string) => {
    const length = (content.length / 2).toString(16).padStart(2, '0')
    return `02${length}${content}`
  }
  const both = integer(r) + integer(s)
  return bytes(`30${(both.length / 2).toString(16).padStart(2, '0')}${both}`)
}

describe('a signature in DER', () => {
  it('is r||s, as Node’s own OpenSSL signs and verifies it', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    for (let i = 0; i < 500; i++) {
      const message = Buffer.from(`message ${i}`)
      const joined = p256FromDer(createSign('sha256').update(message).sign(privateKey))
      expect(joined).toHaveLength(64)
      const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const
      expect(verify('sha256', message, key, joined!)).toBe(true)
    }
  })

  it('comes back as WebCrypto made it', async () => {
    const pair = await makePair('ES256')
    for (let i = 0; i < 200; i++) {
      const message = webcrypto.getRandomValues(new Uint8Array(16))
      const joined = await signWith(pair, message)
      expect(hex(p256FromDer(derOf(joined)))).toBe(hex(joined))
      expect(await verifyWith(pair, p256FromDer(derOf(joined))!, message)).toBe(true)
    }
  })

  it('has short numbers filled up on the left', () => {
    expect(hex(p256FromDer(der('01', '7f')))).toBe(`${'00'.repeat(31)}01${'00'.repeat(31)}7f`)
    expect(hex(p256FromDer(der('0080', '0102')))).toBe(`${'00'.repeat(31)}80${'00'.repeat(30)}0102`)
    expect(hex(p256FromDer(der(`00${belowOrder}`, '01')))).toBe(`${belowOrder}${'00'.repeat(31)}01`)
  })

  // lenient-der
  it.each([
    ['nothing', ''],
    ['a sequence of nothing', '3000'],
    ['one integer', '3003 020101'],
    ['three integers', '3009 020101 020101 020101'],
    ['a byte behind the end', '3006 020101 020101 00'],
    ['a byte behind the second integer', '3007 020101 020101 00'],
    ['a length that is too short', '3005 020101 020101'],
    ['a length that is too long', '3007 020101 020101'],
    ['a length in two bytes where one is enough', '308106 020101 020101'],
    ['a length without end', '3080 020101 020101 0000'],
    ['an integer’s length in two bytes', '3007 02810101 020101'],
    ['a set', '3106 020101 020101'],
    ['a text in the place of an integer', '3006 040101 020101'],
    ['an integer without content', '3005 0200 020101'],
    ['an integer that runs over the end', '3006 020101 020201'],
    ['a zero byte too many in front', '3007 02020001 020101'],
    ['zero for r', '3006 020100 020101'],
    ['zero for s', '3006 020101 020100'],
    ['a negative r', '3006 020180 020101'],
    ['a negative s', '3006 020101 0201ff'],
    ['the order for r', `3026 022100${order} 020101`],
    ['the order for s', `3026 020101 022100${order}`],
    ['a number beyond the order', `3026 022100${'ff'.repeat(32)} 020101`],
    ['33 bytes', `3026 022101${belowOrder} 020101`],
    ['r||s as it is', '11'.repeat(64)],
  ])('is refused with %s', (_flaw, written) => {
    expect(hex(p256FromDer(der('01', '01')))).toBeDefined()
    expect(p256FromDer(bytes(written))).toBeUndefined()
  })

  it('has one encoding: no byte of it can be changed, added or left out without another signature', async () => {
    const written = derOf(await signWith(await makePair('ES256'), bytes('00')))
    const meaning = hex(p256FromDer(written))
    expect(meaning).toBeDefined()
    for (let i = 0; i <= written.length; i++) {
      const [before, after] = [written.subarray(0, i), written.subarray(i)]
      for (const byte of [0x00, 0x01, 0x02, 0x30, 0x7f, 0x80, 0x81, 0xff]) {
        expect(hex(p256FromDer(Uint8Array.from([...before, byte, ...after])))).not.toBe(meaning)
        if (written[i] === byte) continue
        const changed = Uint8Array.from([...before, byte, ...after.subarray(1)])
        expect(hex(p256FromDer(changed))).not.toBe(meaning)
      }
      const shorter = Uint8Array.from([...before, ...after.subarray(1)])
      if (i < written.length) expect(hex(p256FromDer(shorter))).not.toBe(meaning)
    }
  })
})

import { describe, expect, it } from 'vitest'

import { addressOf } from '../../../src/http/address.ts'

const from = (headers: Record<string, string>) =>
  addressOf(new Request('https://shop.example.com/', { headers }))
const seen = (address: string) => from({ 'cf-connecting-ip': address })

describe('the address of a request', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:0001:0002::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['fe80::1:2:3:4', 'fe80:0:0:0::/64'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
  ])('is what the platform saw: %s', (address, counted) => {
    expect(seen(address)).toBe(counted)
  })

  it('is one for a whole /64, which is what one person is given', () => {
    const addresses = ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff']
    expect(new Set(addresses.map(seen)).size).toBe(1)
    expect(seen('2001:db8:1:3::1')).not.toBe(seen('2001:db8:1:2::1'))
  })

  it('is never what the client says it is', () => {
    const words = {
      'x-forwarded-for': '192.0.2.1',
      'x-real-ip': '192.0.2.1',
      forwarded: 'for=192.0.2.1',
      'true-client-ip': '192.0.2.1',
    }
    expect(from({ 'cf-connecting-ip': '203.0.113.7', ...words })).toBe('203.0.113.7')
    expect(from(words)).toBe('unknown')
  })

  it.each(['', '203.0.113', '0x7f.1', '203.0.113.7, 192.0.2.1', ':::', '1:2', 'fe80::1%eth0', 'x'])(
    'is counted with all others that cannot be told apart where it is none: %j',
    (address) => expect(seen(address)).toBe('unknown'),
  )
})

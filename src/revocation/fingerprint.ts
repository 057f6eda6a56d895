/**
 * Fingerprints of names: what isolates hold in the place of the names themselves.
 */

/** 53 bits of HMAC-SHA-256: who does not have the key cannot look for names that collide. */
export async function fingerprintOf(key: CryptoKey, name: string): Promise<number> {
  const mac = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(name))
  const view = new DataView(mac)
  return (view.getUint32(0) & 0x1f_ffff) * 2 ** 32 + view.getUint32(4)
}

export function importFingerprintKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
}

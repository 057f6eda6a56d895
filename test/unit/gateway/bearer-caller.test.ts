import { CompactEncrypt, exportJWK, generateKeyPair } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'

import type { AccessRule } from '../../../src/config/route.ts'
import { BearerCaller } from '../../../src/gateway/bearer-caller.ts'
import { KeySet } from '../../../src/token/key-set.ts'
import { encode } from '../world/keys.ts'
import {
  asSigner,
  gate,
  partnerSigner,
  portsWithKeys,
  tokenClaims,
  tokenOf,
  writtenIssuer,
  writtenPartner,
} from '../world/issuers.ts'
import { now, visit } from '../world/ports.ts'

let ports: ReturnType<typeof portsWithKeys>

beforeEach(() => {
  ports = portsWithKeys()
})

/** The kind of caller and who it is, or the check that failed. */
async function identify(rule: AccessRule, token: string, at = now): Promise<string> {
  const caller = await BearerCaller.authenticate(ports, { ...visit('/'), now: at }, rule, token)
  if (caller.ok) return `${caller.value.kind} ${caller.value.token.principal}`
  return caller.denial.reason === 'token_refused' ? caller.denial.check : caller.denial.reason
}

describe('a signed token', () => {
  it('is verified with the keys of its issuer alone', async () => {
    const { rule } = gate()
    expect(await identify(rule, await tokenOf())).toBe('bearer ada')
    const partner = { iss: 'https://partner.example' }
    expect(await identify(rule, await tokenOf(partner, {}, partnerSigner))).toBe('bearer ada')
    expect(ports.keysAsked).toEqual([
      'https://as.example as-1',
      'https://partner.example partner-1',
    ])
    // Each signer for the other's name.
    expect(await identify(rule, await tokenOf({}, {}, partnerSigner))).toBe('key_unknown')
    expect(await identify(rule, await tokenOf(partner))).toBe('key_unknown')
    expect(await identify(rule, await tokenOf({}, { kid: 'as-1' }, partnerSigner))).toBe(
      'signature',
    )
  })

  it('has an issuer from the configuration, whatever it says itself', async () => {
    const { rule } = gate({ issuers: ['as'] })
    expect(await identify(rule, await tokenOf())).toBe('bearer ada')
    ports.keysAsked.length = 0
    const others = [
      'https://evil.example',
      // Configured, but not for this route.
      'https://partner.example',
      'https://as.example/',
      'HTTPS://AS.EXAMPLE',
      'toString',
    ]
    for (const iss of others)
      expect(await identify(rule, await tokenOf({ iss }, {}, partnerSigner)), iss).toBe(
        'issuer_unknown',
      )
    // Nobody was asked for anything.
    expect(ports.keysAsked).toEqual([])
  })

  it('is for an audience that the route names', async () => {
    const { rule } = gate({ audience: ['api', 'https://api.example'] })
    expect(await identify(rule, await tokenOf())).toBe('bearer ada')
    expect(await identify(rule, await tokenOf({ aud: ['x', 'https://api.example'] }))).toBe(
      'bearer ada',
    )
    expect(await identify(rule, await tokenOf({ aud: 'other' }))).toBe('audience')
    expect(await identify(rule, await tokenOf({ aud: [] }))).toBe('audience')
    expect(await identify(rule, await tokenOf({ aud: 'api ' }))).toBe('audience')
    const lax = { iss: 'https://partner.example', aud: undefined }
    expect(await identify(rule, await tokenOf(lax, {}, partnerSigner))).toBe('audience')
  })

  it('is a machine’s where the client is its subject', async () => {
    expect(await identify(gate().rule, await tokenOf({ sub: 'app' }))).toBe('machine app')
  })

  it('is signed as the configuration pins it', async () => {
    const { rule } = gate({}, [{ ...writtenIssuer, algorithms: ['RS256', 'EdDSA'] }])
    expect(await identify(rule, await tokenOf())).toBe('algorithm')
  })

  it('is refused at once where its key is distrusted', async () => {
    const trusted = [{ ...writtenIssuer, distrusted_keys: ['other'] }]
    expect(await identify(gate({}, trusted).rule, await tokenOf())).toBe('bearer ada')
    const distrusted = [{ ...writtenIssuer, distrusted_keys: ['as-1'] }]
    expect(await identify(gate({}, distrusted).rule, await tokenOf())).toBe('key_distrusted')
  })

  it('is refused as opaque where nothing can be asked about it', async () => {
    const { rule } = gate()
    for (const text of ['opaque', 'a.b', 'a.b.c', 'a.b.c.d'])
      expect(await identify(rule, text), text).toBe('opaque')
    expect(ports.keysAsked).toEqual([])
  })
})

describe('a token that is known again', () => {
  /** Ports whose keys stay the same set until they are replaced, as in an isolate. */
  function remembering() {
    let keys = KeySet.parse({ keys: [asSigner.publicJwk] })!
    const lookups = { imported: 0 }
    const watch = () => {
      const original = keys.import.bind(keys)
      keys.import = (key, alg) => {
        lookups.imported += 1
        return original(key, alg)
      }
    }
    watch()
    Object.assign(ports, {
      directory: { ...ports.directory, keys: async () => keys, keysAtHand: () => keys },
    })
    const replace = (document: object, distrusted?: ReadonlySet<string>) => {
      keys = KeySet.parse(document, distrusted)!
      watch()
    }
    return { lookups, replace }
  }

  it('is not verified again, and all but its signature is', async () => {
    const { lookups } = remembering()
    const { rule } = gate()
    const token = await tokenOf()
    expect(await identify(rule, token)).toBe('bearer ada')
    expect(await identify(rule, token)).toBe('bearer ada')
    expect(lookups.imported).toBe(1)
    // Time, audience, and the issuers of another rule of the same configuration.
    expect(await identify(rule, token, now + 86_400)).toBe('expired')
    expect(await identify({ ...rule, audience: ['other'] }, token)).toBe('audience')
    expect(await identify({ ...rule, issuers: [] }, token)).toBe('issuer_unknown')
    // The same issuer under a configuration that pins another algorithm.
    const pinned = gate({}, [{ ...writtenIssuer, algorithms: ['RS256'] }])
    expect(await identify(pinned.rule, token)).toBe('algorithm')
    // One character more, less or other is another token.
    for (const other of [`${token}A`, token.slice(0, -1), `${token.slice(0, -4)}AAAA`])
      expect(await identify(rule, other), other).not.toBe('bearer ada')
    expect(await identify(rule, token)).toBe('bearer ada')
  })

  it('is a stranger once the keys are others', async () => {
    const { replace } = remembering()
    const { rule } = gate()
    const token = await tokenOf()
    expect(await identify(rule, token)).toBe('bearer ada')
    replace({ keys: [asSigner.publicJwk] }, new Set(['as-1']))
    expect(await identify(rule, token)).toBe('key_distrusted')
    replace({ keys: [partnerSigner.publicJwk] })
    expect(await identify(rule, token)).toBe('key_unknown')
    replace({ keys: [asSigner.publicJwk] })
    expect(await identify(rule, token)).toBe('bearer ada')
  })

  it('is not known by what an encrypted one had inside', async () => {
    remembering()
    const { importDecryptionKey } = await import('../../../src/token/encrypted.ts')
    const { rule } = gate(
      {},
      [{ ...writtenIssuer, decryption: { ...decryption, required: true } }],
      secrets,
    )
    const token = await tokenOf()
    Object.assign(ports, { decryptionKeys: () => importDecryptionKey(secrets.JWE_KEY) })
    expect(await identify(rule, await encrypt(token))).toBe('bearer ada')
    expect(await identify(rule, token)).toBe('encryption_missing')
  })
})

const pair = await generateKeyPair('RSA-OAEP-256', { extractable: true })
const secrets = { JWE_KEY: JSON.stringify(await exportJWK(pair.privateKey)) }
const decryption = { keys: [{ secret: 'JWE_KEY' }] }

function encrypt(text: string): Promise<string> {
  return new CompactEncrypt(new TextEncoder().encode(text))
    .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT' })
    .encrypt(pair.publicKey)
}

describe('an encrypted token', () => {
  beforeEach(async () => {
    const { importDecryptionKey } = await import('../../../src/token/encrypted.ts')
    Object.assign(ports, { decryptionKeys: () => importDecryptionKey(secrets.JWE_KEY) })
  })

  it('is opened, and what is inside is verified like any other', async () => {
    const { rule } = gate({}, [{ ...writtenIssuer, decryption }], secrets)
    expect(await identify(rule, await encrypt(await tokenOf()))).toBe('bearer ada')
    expect(await identify(rule, await tokenOf())).toBe('bearer ada')
    expect(await identify(rule, await encrypt(await tokenOf({ exp: now - 60 })))).toBe('expired')
    const forged = await tokenOf({}, { kid: 'as-1' }, partnerSigner)
    expect(await identify(rule, await encrypt(forged))).toBe('signature')
  })

  it('proves nothing by its encryption alone', async () => {
    const { rule } = gate({}, [{ ...writtenIssuer, decryption }], secrets)
    const claims = JSON.stringify(tokenClaims)
    expect(await identify(rule, await encrypt(claims))).toBe('issuer')
    const unsigned = `${encode({ alg: 'none' })}.${encode(tokenClaims)}.`
    expect(await identify(rule, await encrypt(unsigned))).toBe('grammar')
    const twice = await encrypt(await encrypt(await tokenOf()))
    expect(await identify(rule, twice)).toBe('issuer')
  })

  it('is of the issuer whose keys open it', async () => {
    const { rule } = gate({}, [{ ...writtenIssuer, decryption }, writtenPartner], secrets)
    const partner = await tokenOf({ iss: 'https://partner.example' }, {}, partnerSigner)
    expect(await identify(rule, partner)).toBe('bearer ada')
    expect(await identify(rule, await encrypt(partner))).toBe('issuer')
  })

  it('is of either issuer where both were given the same key of ours', async () => {
    const issuers = [
      { ...writtenPartner, decryption },
      { ...writtenIssuer, decryption },
    ]
    const { rule } = gate({}, issuers, secrets)
    expect(await identify(rule, await encrypt(await tokenOf()))).toBe('bearer ada')
    const partner = await tokenOf({ iss: 'https://partner.example' }, {}, partnerSigner)
    expect(await identify(rule, await encrypt(partner))).toBe('bearer ada')
    const foreign = await tokenOf({ iss: 'https://evil.example' })
    expect(await identify(rule, await encrypt(foreign))).toBe('issuer')
  })

  it('is the only form where the configuration requires it', async () => {
    const required = { ...decryption, required: true }
    const { rule } = gate({}, [{ ...writtenIssuer, decryption: required }], secrets)
    expect(await identify(rule, await encrypt(await tokenOf()))).toBe('bearer ada')
    expect(await identify(rule, await tokenOf())).toBe('encryption_missing')
  })

  it('is refused where no issuer of the route has decryption keys', async () => {
    expect(await identify(gate().rule, await encrypt(await tokenOf()))).toBe('encryption')
  })
})

const introspection = { client_id: 'gate', client_secret: { secret: 'GATE' }, cache: '10s' }
const opaqueIssuer = { id: 'as', issuer: 'https://as.example', introspection }
const gateSecret = { GATE: 'the gate secret' }

describe('an opaque token', () => {
  let answer: Record<string, unknown>
  let asked: string[]

  beforeEach(() => {
    answer = { active: true, ...tokenClaims }
    asked = []
    Object.assign(ports, {
      outbound: async (_party: unknown, url: string, init: RequestInit) => {
        asked.push(`${url} ${String(new URLSearchParams(init.body as string).get('token'))}`)
        return Response.json(answer)
      },
    })
  })

  it('is what its issuer says of it', async () => {
    const { rule } = gate({}, [opaqueIssuer], gateSecret)
    expect(await identify(rule, 'opaque-1')).toBe('bearer ada')
    expect(asked).toEqual(['https://as.example/introspect opaque-1'])
    answer = { active: false }
    expect(await identify(rule, 'opaque-2')).toBe('inactive')
    answer = { active: true, ...tokenClaims, aud: 'other' }
    expect(await identify(rule, 'opaque-3')).toBe('audience')
    answer = { active: true, ...tokenClaims, iss: 'https://evil.example' }
    expect(await identify(rule, 'opaque-4')).toBe('issuer')
    answer = { active: true, ...tokenClaims, exp: now - 60 }
    expect(await identify(rule, 'opaque-5')).toBe('expired')
  })

  it('is asked about again when what was said has grown old', async () => {
    const { rule } = gate({}, [opaqueIssuer], gateSecret)
    expect(await identify(rule, 'opaque-1')).toBe('bearer ada')
    answer = { active: false }
    expect(await identify(rule, 'opaque-1', now + 9)).toBe('bearer ada')
    expect(await identify(rule, 'opaque-1', now + 10)).toBe('inactive')
    expect(await identify(rule, 'opaque-1', now + 19)).toBe('inactive')
    answer = { active: true, ...tokenClaims }
    expect(await identify(rule, 'opaque-1', now + 20)).toBe('bearer ada')
    expect(asked).toHaveLength(3)
  })

  it('is never believed past its exp', async () => {
    const { rule } = gate({}, [opaqueIssuer], gateSecret)
    answer = { active: true, ...tokenClaims, exp: now + 3 }
    expect(await identify(rule, 'opaque-1')).toBe('bearer ada')
    answer = { active: false }
    expect(await identify(rule, 'opaque-1', now + 2)).toBe('bearer ada')
    expect(await identify(rule, 'opaque-1', now + 3)).toBe('inactive')
  })

  it('is remembered by issuer, endpoint and its own text', async () => {
    const other = { ...introspection, endpoint: 'https://other.example/introspect' }
    const ours = gate({}, [opaqueIssuer], gateSecret).rule
    const theirs = gate({}, [{ ...opaqueIssuer, introspection: other }], gateSecret).rule
    const third = gate({}, [{ ...opaqueIssuer, id: 'third' }], gateSecret).rule
    expect(await identify(ours, 'opaque-1')).toBe('bearer ada')
    answer = { active: false }
    expect(await identify(ours, 'opaque-1')).toBe('bearer ada')
    expect(await identify(ours, 'opaque-2')).toBe('inactive')
    expect(await identify(theirs, 'opaque-1')).toBe('inactive')
    expect(await identify(third, 'opaque-1')).toBe('inactive')
  })

  it('may look like a signed one where the issuer’s tokens are all opaque', async () => {
    const { rule } = gate({}, [opaqueIssuer], gateSecret)
    const token = await tokenOf()
    expect(await identify(rule, token)).toBe('bearer ada')
    expect(asked).toEqual([`https://as.example/introspect ${token}`])
    // Another issuer's name in it is not taken for leave to ask about it.
    const foreign = await tokenOf({ iss: 'https://evil.example' })
    expect(await identify(rule, foreign)).toBe('issuer_unknown')
  })

  it('is a fault where nobody can be asked, and that is not remembered', async () => {
    const { rule } = gate({}, [opaqueIssuer], gateSecret)
    answer = { error: 'invalid_client' }
    await expect(identify(rule, 'opaque-1')).rejects.toMatchObject({ kind: 'provider_malformed' })
    answer = { active: true, ...tokenClaims }
    expect(await identify(rule, 'opaque-1')).toBe('bearer ada')
  })
})

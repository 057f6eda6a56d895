/** The Transit engine: of OpenBao or Vault where one is installed, else of Vault, built from its Go module. */
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { clientOf, type Keys, refused, signAndVerify } from './client.ts'
import { freePort } from '../../ports.ts'
import { isInstalled, run, serve } from './server.ts'
import type { Table } from './table.ts'

const release = 'v1.21.4'

/**
 * Vault's module takes parts of its own repository from beside itself. From a proxy they come as modules of their own, in
 * the releases that it names, and those lie a little apart from what it was released with: in three lines, none of
 * which has to do with signing.
 */
const mends = [
  ['go.mod', /^replace \S+ => \.\/.*$/gm, ''],
  ['builtin/logical/transit/path_restore.go', /(restoredKeyName, err := )(b\.lm)/, '$1keyName, $2'],
  [
    'vault/identity_store.go',
    /(ActivationFunc: )(iStore\.activateDeduplication),/,
    '$1func(c context.Context, r *logical.Request, _ string) error { return $2(c, r) },',
  ],
  ['vault/logical_system_activation_flags.go', /(ActivationFunc\(ctx, nil)\)/, '$1, "")'],
] as const

/** The path of a server of ours around Vault's own parts. (OpenBao's releases are v2 and its module's path is not, so no proxy has them.) */
async function build(folder: string): Promise<string> {
  console.error(`Building Vault ${release} from the Go module proxy: this takes minutes …`)
  const module = join(folder, 'module')
  mkdirSync(module)
  writeFileSync(join(module, 'go.mod'), 'module interop\n')
  const asked = ['mod', 'download', '-json', `github.com/hashicorp/vault@${release}`]
  const downloaded = JSON.parse(await run('go', asked, { cwd: module, minutes: 5 })) as {
    readonly Dir: string
  }
  const source = join(folder, 'vault-source')
  cpSync(downloaded.Dir, source, { recursive: true })
  // Modules are kept read-only.
  chmodSync(source, 0o755)
  for (const path of readdirSync(source, { recursive: true, encoding: 'utf8' }))
    chmodSync(join(source, path), 0o755)
  for (const [file, pattern, mend] of mends) {
    const text = readFileSync(join(source, file), 'utf8')
    const mended = text.replace(pattern, mend)
    if (mended === text) throw new Error(`${file} of Vault ${release} is not what it was`)
    writeFileSync(join(source, file), mended)
  }
  cpSync(join(import.meta.dirname, 'vault.go'), join(source, 'interop/main.go'))
  const server = join(folder, 'vault')
  await run('go', ['build', '-mod=mod', '-buildvcs=false', '-o', server, './interop'], {
    cwd: source,
    minutes: 30,
  })
  return server
}

interface Transit {
  readonly name: string
  readonly rootToken: string
}

/** One that runs at the address, unsealed. */
async function start(folder: string, url: string): Promise<Transit> {
  const address = new URL(url).host
  const health = `${url}/v1/sys/health`
  const installed = ['bao', 'vault'].find((command) => isInstalled(command, 'version'))
  if (installed !== undefined) {
    const dev = ['server', '-dev', `-dev-listen-address=${address}`, '-dev-no-store-token']
    await serve(installed, [...dev, '-dev-root-token-id=root'], { HOME: folder }, health)
    const name = (await run(installed, ['version'], { minutes: 1 })).split(/[ ,(]/, 2).join(' ')
    return { name, rootToken: 'root' }
  }
  if (!isInstalled('go', 'version'))
    throw new Error('neither bao nor vault is installed, and there is no Go to build one')
  await serve(await build(folder), [address], {}, health)
  const made = await put<{ root_token: string; keys: readonly string[] }>(`${url}/v1/sys/init`, {
    secret_shares: 1,
    secret_threshold: 1,
  })
  await put(`${url}/v1/sys/unseal`, { key: made.keys[0] })
  return { name: `Vault ${release}`, rootToken: made.root_token }
}

async function put<T>(url: string, body: object): Promise<T> {
  const answer = await fetch(url, { method: 'PUT', body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${url} answers ${answer.status}`)
  return (await answer.json()) as T
}

export async function tryTransit(folder: string, table: Table): Promise<void> {
  const url = `http://127.0.0.1:${await freePort()}`
  const started = await start(folder, url).catch(String)
  if (typeof started === 'string') return table.skip('Vault or OpenBao', started)
  const { name, rootToken } = started

  const root = async (method: string, path: string, body?: object) => {
    const answer = await fetch(`${url}/v1/${path}`, {
      method,
      headers: { 'x-vault-token': rootToken },
      body: body === undefined ? null : JSON.stringify(body),
    })
    if (!answer.ok) throw new Error(`${method} ${path} answers ${answer.status}`)
    const text = await answer.text()
    return (text === '' ? {} : JSON.parse(text)) as { readonly data?: Record<string, string> }
  }
  await root('POST', 'sys/mounts/transit', { type: 'transit' })
  for (const type of ['ecdsa-p256', 'ed25519', 'rsa-2048', 'rsa-4096'])
    await root('POST', `transit/keys/${type}`, { type })
  await root('POST', 'transit/keys/other', { type: 'ecdsa-p256' })
  await root('POST', 'transit/keys/aes', { type: 'aes256-gcm96' })
  // Least privilege, as docs/custody.md has it.
  const names = ['ecdsa-p256', 'ed25519', 'rsa-2048', 'rsa-4096', 'aes']
  const policy = names.flatMap((key) => [
    `path "transit/keys/${key}" { capabilities = ["read"] }`,
    `path "transit/sign/${key}" { capabilities = ["update"] }`,
  ])
  await root('PUT', 'sys/policies/acl/sallyport', { policy: policy.join('\n') })
  await root('POST', 'sys/auth/approle', { type: 'approle' })
  await root('POST', 'auth/approle/role/sallyport', {
    token_policies: 'sallyport',
    token_type: 'batch',
    token_ttl: '10m',
  })
  const role = await root('GET', 'auth/approle/role/sallyport/role-id')
  const secret = await root('POST', 'auth/approle/role/sallyport/secret-id')

  const client = (key: Keys, secretId = secret.data?.['secret_id']) =>
    clientOf(
      {
        kind: 'vault',
        url,
        approle: { role_id: role.data?.['role_id'], secret_id: { secret: 'SECRET_ID' } },
      },
      key,
      { SECRET_ID: secretId },
    )
  const trying = (what: string, work: () => Promise<string>) => table.try(name, what, work)
  const version = (key: string, number: number, ...publish: readonly number[]): Keys => ({
    sign: `${key}:${number}`,
    publish: publish.map((other) => `${key}:${other}`),
  })

  await trying('ES256 signs, by AppRole', () =>
    signAndVerify(client(version('ecdsa-p256', 1)), 'ES256'),
  )
  await trying('EdDSA signs', () => signAndVerify(client(version('ed25519', 1)), 'EdDSA'))
  await trying('RS256 signs', () => signAndVerify(client(version('rsa-2048', 1)), 'RS256'))
  await trying('RS256 signs with 4096 bits', () =>
    signAndVerify(client(version('rsa-4096', 1)), 'RS256'),
  )
  await trying('a token of the configuration signs', () =>
    signAndVerify(
      clientOf({ kind: 'vault', url, token: { secret: 'T' } }, version('ed25519', 1), {
        T: rootToken,
      }),
      'EdDSA',
    ),
  )
  for (const [key, alg] of [
    ['ecdsa-p256', 'ES256'],
    ['ed25519', 'EdDSA'],
    ['rsa-2048', 'RS256'],
  ] as const) {
    await root('POST', `transit/keys/${key}/rotate`)
    await trying(`${alg}: version 1 signs after a rotation, 2 is published`, () =>
      signAndVerify(client(version(key, 1, 2)), alg),
    )
    await trying(`${alg}: version 2 signs, 1 is published`, () =>
      signAndVerify(client(version(key, 2, 1)), alg),
    )
  }
  await trying('a version that there is not is refused', () =>
    refused('custody_refused', () => client(version('ecdsa-p256', 9)).keys()),
  )
  await trying('a key that does not sign is refused', () =>
    refused('custody_refused', () => client(version('aes', 1)).keys()),
  )
  await trying('the policy holds: another key is refused', () =>
    refused('custody_refused', () => client(version('other', 1)).keys()),
  )
  await trying('another secret id is refused', () =>
    refused('custody_refused', () => client(version('ecdsa-p256', 1), 'x').keys()),
  )

  const held = client(version('ecdsa-p256', 1))
  const [key] = await held.keys()
  if (key === undefined) throw new Error('no key')
  const signer = held.signer(key)
  await root('POST', 'transit/keys/ecdsa-p256/config', { min_encryption_version: 2 })
  // Vault answers 500 to this one.
  await trying('a version that may sign no more does not sign', () =>
    refused('custody_unreachable', () => signer.sign(new Uint8Array(1))),
  )
  await root('POST', 'transit/keys/ecdsa-p256/config', { deletion_allowed: true })
  await root('DELETE', 'transit/keys/ecdsa-p256')
  await root('POST', 'transit/keys/ecdsa-p256', { type: 'ecdsa-p256' })
  await trying('a key made anew under its name is found out', () =>
    refused('custody_malformed', () => signer.sign(new Uint8Array(1))),
  )
  await root('PUT', 'sys/seal')
  await trying('a sealed server is out of reach', () =>
    refused('custody_unreachable', () => signer.sign(new Uint8Array(1))),
  )
}

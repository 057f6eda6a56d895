/**
 * One object per site: makes the site's signing key at its first use and keeps it, sealed.
 */
import { DurableObject } from 'cloudflare:workers'
import { generateSigningKey, type StoredKey } from '../keys/signing-key.ts'
import { answered, type Answered } from './answered.ts'
import { secondsNow } from './clock.ts'
import type { Environment } from './environment.ts'
import { Mutex } from './mutex.ts'
import { sealOf } from './seal-keys.ts'

export class KeyObject extends DurableObject<Environment> {
  readonly #mutex = new Mutex()

  /** The keys of the site, newest first; the first signs. */
  keys(siteId: string): Promise<Answered<readonly StoredKey[]>> {
    return answered(() =>
      this.#mutex.run(async () => {
        const known = this.ctx.storage.kv.get<readonly StoredKey[]>('keys')
        if (known !== undefined) return known
        return this.#add(siteId, [])
      }),
    )
  }

  /** A new key where no seal key opens the one that signs; the old ones stay published. */
  replace(siteId: string, kid: string): Promise<Answered<readonly StoredKey[]>> {
    return answered(() =>
      this.#mutex.run(async () => {
        const known = this.ctx.storage.kv.get<readonly StoredKey[]>('keys') ?? []
        return known[0]?.kid === kid ? this.#add(siteId, known) : known
      }),
    )
  }

  async #add(siteId: string, known: readonly StoredKey[]): Promise<readonly StoredKey[]> {
    const key = await generateSigningKey(siteId, await sealOf(this.env), secondsNow())
    const keys = [key, ...known].slice(0, 4)
    this.ctx.storage.kv.put('keys', keys)
    return keys
  }
}

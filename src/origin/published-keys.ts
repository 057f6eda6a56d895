/**
 * One site's key set, followed: what the site publishes decides, for as long as its answer says and no longer.
 *
 * While a copy is of age (`Cache-Control`, bounded by `maxAge`) it serves. In the last quarter of that time one request
 * renews it and the others go on. A copy that is past its age serves nobody before the site was asked; only where the site
 * cannot be asked, and for `staleFor` at most, does it go on serving. So a key that has vanished from the set is
 * refused when the copy's age is over.
 *
 * Values and times are shared, promises never: in Workers a promise belongs to the request that made it, and may never
 * settle once that request has ended. One request holds the lease and reads the set; whoever needs its
 * result looks again, by a timer of its own.
 */
import type { Settings } from './options.ts'
import { KeySet } from './key-set.ts'

/** Seconds for which a site that did not answer is left alone. */
const failurePause = 5
/** Seconds: an answer that allows no caching at all still serves so long, or each request would ask anew. */
const leastAge = 1
/** The part of a copy's age after which it is renewed before it is needed. */
const renewAfter = 0.75
/** Milliseconds between two looks at what another request is reading. */
const lookEvery = 20
/** Characters: far above any honest set. */
const longestSet = 262_144

interface Copy {
  readonly keys: KeySet
  readonly etag: string | undefined
  /** Times in seconds; the first is when it was asked for. */
  readonly askedAt: number
  readonly renewAt: number
  readonly freshUntil: number
  readonly usableUntil: number
}

export class PublishedKeys {
  readonly #url: string
  readonly #settings: Settings
  #copy: Copy | undefined
  /** Until then one request is reading the set, or has gone without a word. */
  #leaseUntil = 0
  /** Until then a site that failed is not asked again. */
  #quietUntil = 0
  /** When the site was asked last, whatever came of it. */
  #askedAt = 0

  constructor(url: string, settings: Settings) {
    this.#url = url
    this.#settings = settings
  }

  /** The keys to judge a `kid` by; `undefined` where none can be had. Never rejects. */
  async keysFor(kid: string): Promise<KeySet | undefined> {
    const { now, timeout } = this.#settings
    for (let looks = Math.ceil(timeout / lookEvery); looks >= 0; looks--) {
      const copy = this.#copy
      const time = now()
      const isOfAge = copy !== undefined && time >= copy.askedAt && time < copy.freshUntil
      const mayAsk = time >= this.#leaseUntil && time >= this.#quietUntil

      if (isOfAge && copy.keys.has(kid)) {
        if (time < copy.renewAt || !mayAsk) return copy.keys
      } else if (isOfAge) {
        // attack: unknown-kid-flood
        const isCool = time >= this.#askedAt + this.#settings.cooldown
        if (!isCool || time < this.#quietUntil) return copy.keys
      } else if (time < this.#quietUntil) return this.#stale(time)

      if (mayAsk) await this.#renew(time)
      else await new Promise((resolve) => setTimeout(resolve, lookEvery))
    }
    return this.#stale(now())
  }

  /** attack: withdrawn-key-lives-on */
  #stale(time: number): KeySet | undefined {
    const copy = this.#copy
    return copy !== undefined && time >= copy.askedAt && time < copy.usableUntil
      ? copy.keys
      : undefined
  }

  /** Asks the site; afterwards there is a copy of age, or the pause. */
  async #renew(askedAt: number): Promise<void> {
    this.#askedAt = askedAt
    this.#leaseUntil = askedAt + this.#settings.timeout / 1000
    const copy = await this.#read(askedAt).catch(() => undefined)
    this.#leaseUntil = 0
    if (copy === undefined) this.#quietUntil = this.#settings.now() + failurePause
    // A slow answer does not take the place of one that was asked for later.
    else if (this.#copy === undefined || copy.askedAt >= this.#copy.askedAt) this.#copy = copy
  }

  /** Rejects, or gives nothing, where the answer is no key set. */
  async #read(askedAt: number): Promise<Copy | undefined> {
    const known = this.#copy
    const response = await this.#settings.fetch(this.#url, {
      headers: {
        accept: 'application/jwk-set+json, application/json',
        // A cache in between asks the site too.
        'cache-control': 'no-cache',
        ...(known?.etag === undefined ? {} : { 'if-none-match': known.etag }),
      },
      redirect: 'manual',
      signal: AbortSignal.timeout(this.#settings.timeout),
    })
    const isUnchanged = response.status === 304 && known !== undefined
    if (!isUnchanged && response.status !== 200) {
      await response.body?.cancel()
      return undefined
    }
    const keys = isUnchanged ? known.keys : KeySet.parse(await textOf(response))
    if (keys === undefined) return undefined
    const age = Math.min(Math.max(ageOf(response.headers), leastAge), this.#settings.maxAge)
    return {
      keys,
      etag: response.headers.get('etag') ?? (isUnchanged ? known.etag : undefined),
      askedAt,
      renewAt: askedAt + age * renewAfter,
      freshUntil: askedAt + age,
      usableUntil: askedAt + age + this.#settings.staleFor,
    }
  }
}

/** Seconds for which an answer may be kept (RFC 9111 section 4.2); 0 where it does not say. */
function ageOf(headers: Headers): number {
  const directives = (headers.get('cache-control') ?? '').toLowerCase()
  if (/(?:^|[\s,])no-(?:store|cache)\b/.test(directives)) return 0
  const maxAge = Number(/(?:^|[\s,])max-age="?(\d{1,9})/.exec(directives)?.[1] ?? 0)
  // What a cache in between has held it for counts.
  const held = /^\d{1,9}$/.exec(headers.get('age') ?? '')
  return maxAge - Number(held?.[0] ?? 0)
}

/** Throws where it is longer than any honest set. */
async function textOf(response: Response): Promise<string> {
  const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader()
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })
  let text = ''
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined }
    if (done || value === undefined) return text + decoder.decode()
    text += decoder.decode(value, { stream: true })
    if (text.length > longestSet) {
      await reader?.cancel()
      throw new RangeError('the key set is too long')
    }
  }
}

/**
 * Headers on their way through: read once, written once, and left alone where nothing changes. Every look at a `Headers`
 * crosses from the language into the runtime, and a warm request has little else to do.
 */

/** What `Headers` have as well, so that a rule about headers can be asked of either. */
export interface HeaderFields {
  get(name: string): string | null
  has(name: string): boolean
  set(name: string, value: string): void
  append(name: string, value: string): void
  delete(name: string): void
  keys(): Iterable<string>
}

/** Names in any case. Changes while `keys` are walked through are seen as those of a `Map` are. */
export class EditedHeaders implements HeaderFields {
  readonly #original: Headers
  readonly #fields = new Map<string, string>()
  /** Never joined: a comma may be part of one (RFC 6265 section 3). */
  #cookies: readonly string[] = []
  readonly #edited = new Set<string>()

  constructor(original: Headers) {
    this.#original = original
    const cookies: string[] = []
    original.forEach((value, name) => {
      if (name === 'set-cookie') cookies.push(value)
      else this.#fields.set(name, value)
    })
    this.#cookies = cookies
  }

  get(name: string): string | null {
    const lower = name.toLowerCase()
    if (lower !== 'set-cookie') return this.#fields.get(lower) ?? null
    return this.#cookies.length === 0 ? null : this.#cookies.join(', ')
  }

  has(name: string): boolean {
    const lower = name.toLowerCase()
    return lower === 'set-cookie' ? this.#cookies.length > 0 : this.#fields.has(lower)
  }

  set(name: string, value: string): void {
    const lower = name.toLowerCase()
    if (lower === 'set-cookie') return this.setCookies([value])
    if (this.#fields.get(lower) === value) return
    this.#fields.set(lower, value)
    this.#edited.add(lower)
  }

  append(name: string, value: string): void {
    if (name.toLowerCase() === 'set-cookie') return this.setCookies([...this.#cookies, value])
    const present = this.get(name)
    this.set(name, present === null ? value : `${present}, ${value}`)
  }

  delete(name: string): void {
    const lower = name.toLowerCase()
    if (lower === 'set-cookie') return this.setCookies([])
    if (this.#fields.delete(lower)) this.#edited.add(lower)
  }

  keys(): Iterable<string> {
    return this.#cookies.length === 0 ? this.#fields.keys() : [...this.#fields.keys(), 'set-cookie']
  }

  getSetCookie(): readonly string[] {
    return this.#cookies
  }

  /** All `Set-Cookie` lines, in place of those that are there. */
  setCookies(lines: readonly string[]): void {
    const isSame = lines.length === this.#cookies.length
    if (isSame && lines.every((line, i) => line === this.#cookies[i])) return
    this.#cookies = lines
    this.#edited.add('set-cookie')
  }

  get isEdited(): boolean {
    return this.#edited.size > 0
  }

  toHeaders(): Headers {
    const headers = new Headers(this.#original)
    this.applyTo(headers)
    return headers
  }

  /** Makes the changes to a copy of the original. */
  applyTo(headers: Headers): void {
    for (const name of this.#edited) {
      const value = this.#fields.get(name)
      if (value === undefined) headers.delete(name)
      else headers.set(name, value)
    }
    if (this.#edited.has('set-cookie'))
      for (const line of this.#cookies) headers.append('set-cookie', line)
  }
}

/**
 * An answer's headers on their way through: changes are noted, and made at once on the answer's native copy, or nothing
 * is copied where nothing changes. Taking all of them into the language and putting them back one by one costs a warm
 * request a tenth of its time.
 */

/** What `Headers` have as well, so that a rule about headers can be asked of either. */
export interface HeaderFields {
  get(name: string): string | null
  has(name: string): boolean
  set(name: string, value: string): void
  append(name: string, value: string): void
  delete(name: string): void
}

/** Names in any case. The original is never changed. */
export class EditedHeaders implements HeaderFields {
  readonly #original: Headers
  /** Taken once: most of what is asked about is not there, and each question to the native headers costs more than this. */
  readonly #names: ReadonlySet<string>
  /** By name in lower case; `undefined` for what is taken away. Most answers have none. */
  #edits: Map<string, string | undefined> | undefined
  /** All lines, where they are not the original's: a comma may be part of one, so they are never joined (RFC 6265 section 3). */
  #cookies: readonly string[] | undefined

  constructor(original: Headers) {
    this.#original = original
    this.#names = new Set(original.keys())
  }

  get(name: string): string | null {
    const lower = name.toLowerCase()
    if (lower === 'set-cookie' && this.#cookies !== undefined)
      return this.#cookies.length === 0 ? null : this.#cookies.join(', ')
    if (this.#edits?.has(lower) === true) return this.#edits.get(lower) ?? null
    return this.#names.has(lower) ? this.#original.get(lower) : null
  }

  has(name: string): boolean {
    const lower = name.toLowerCase()
    if (lower === 'set-cookie' && this.#cookies !== undefined) return this.#cookies.length > 0
    return this.#edits?.has(lower) === true
      ? this.#edits.get(lower) !== undefined
      : this.#names.has(lower)
  }

  set(name: string, value: string): void {
    const lower = name.toLowerCase()
    if (lower === 'set-cookie') this.#cookies = [value]
    else (this.#edits ??= new Map()).set(lower, value)
  }

  append(name: string, value: string): void {
    if (name.toLowerCase() === 'set-cookie') {
      this.#cookies = [...this.getSetCookie(), value]
      return
    }
    const present = this.get(name)
    this.set(name, present === null ? value : `${present}, ${value}`)
  }

  delete(name: string): void {
    const lower = name.toLowerCase()
    if (!this.has(lower)) return
    if (lower === 'set-cookie') this.#cookies = []
    else (this.#edits ??= new Map()).set(lower, undefined)
  }

  /** Those of the moment: changes meanwhile are not seen. */
  keys(): Iterable<string> {
    if (!this.isEdited) return this.#names
    const names = new Set([...this.#names, ...(this.#edits?.keys() ?? []), 'set-cookie'])
    return [...names].filter((name) => this.has(name))
  }

  getSetCookie(): readonly string[] {
    return this.#cookies ?? this.#original.getSetCookie()
  }

  /** All `Set-Cookie` lines, in place of those that are there. */
  setCookies(lines: readonly string[]): void {
    this.#cookies = lines
  }

  get isEdited(): boolean {
    return this.#edits !== undefined || this.#cookies !== undefined
  }

  /** Makes the changes to a copy of the original. */
  applyTo(headers: Headers): void {
    for (const [name, value] of this.#edits ?? []) {
      if (value === undefined) headers.delete(name)
      else headers.set(name, value)
    }
    if (this.#cookies === undefined) return
    headers.delete('set-cookie')
    for (const line of this.#cookies) headers.append('set-cookie', line)
  }
}

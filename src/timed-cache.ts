/**
 * Values that hold until a time, in the isolate: bounded, the oldest go first. Nothing is promised: a value may
 * be gone at any time.
 */
export class TimedCache<T> {
  readonly #kept = new Map<string, { readonly value: T; readonly expiresAt: number }>()
  readonly #most: number

  constructor(most = 5000) {
    this.#most = most
  }

  /** `now` in seconds. */
  get(key: string, now: number): T | undefined {
    const entry = this.#kept.get(key)
    return entry !== undefined && now < entry.expiresAt ? entry.value : undefined
  }

  delete(key: string): void {
    this.#kept.delete(key)
  }

  clear(): void {
    this.#kept.clear()
  }

  /** `expiresAt` in seconds. */
  set(key: string, value: T, expiresAt: number): void {
    this.#kept.delete(key)
    if (this.#kept.size >= this.#most) {
      const [oldest] = this.#kept.keys()
      if (oldest !== undefined) this.#kept.delete(oldest)
    }
    this.#kept.set(key, { value, expiresAt })
  }
}

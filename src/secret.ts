/**
 * A value that must not appear in a log, an error or an answer. Reading it takes `reveal()`, which is
 * easy to search for; every way of printing says `[redacted]`.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '[redacted]'
  }

  toJSON(): string {
    return '[redacted]'
  }
}

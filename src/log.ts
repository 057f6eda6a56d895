/**
 * The log port. Events are stable `subject.verb` words, documented in `docs/operations.md`; fields are
 * plain values. No field ever holds a token, a cookie, a secret or a third party's text.
 */
export type Log = (level: 'info' | 'warn' | 'error', event: string, fields?: LogFields) => void

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>

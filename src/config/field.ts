/**
 * The few combinators from which `schema.ts` is built. A field reads an unknown value at a path and gives
 * the parsed value, or reports what is wrong and how to mend it, and gives `undefined`; reading goes on,
 * so that every problem is reported at once. Unknown keys are problems: a misspelt option that is
 * silently ignored is a hole.
 */

/** One thing wrong with the configuration, for the person who can mend it. */
export interface ConfigProblem {
  /** Where: `SITES[0].routes[2].path`. */
  readonly path: string
  /** What is wrong, and what would be right. */
  readonly mend: string
}

/** Gives `undefined`, so that a field can report and return in one. */
export type Report = (path: string, mend: string) => undefined

export interface Field<T> {
  read(value: unknown, path: string, report: Report): T | undefined
  /** The paths below this field, for the documents: `.access`, `[].path`. */
  readonly paths: readonly string[]
  /** The value where the key is absent; without it the key is required. */
  readonly absent?: () => T
}

export type Parsed<F> = F extends Field<infer T> ? T : never

/** Text that satisfies a pattern; `mend` says in words what the pattern wants. */
export function text(pattern: RegExp, mend: string): Field<string> {
  return {
    paths: [],
    read(value, path, report) {
      if (typeof value === 'string' && pattern.test(value)) return value
      return report(path, mend)
    },
  }
}

export function oneOf<const T extends string>(words: readonly T[]): Field<T> {
  return {
    paths: [],
    read(value, path, report) {
      const word = words.find((candidate) => candidate === value)
      if (word === undefined)
        report(path, `must be one of ${words.map((w) => `"${w}"`).join(', ')}`)
      return word
    },
  }
}

export function flag(): Field<boolean> {
  return {
    paths: [],
    read(value, path, report) {
      if (typeof value === 'boolean') return value
      return report(path, 'must be true or false')
    },
  }
}

/** Text, a finite number, or true or false: what a claim can be compared with. */
export type Scalar = string | number | boolean

export function scalar(): Field<Scalar> {
  return {
    paths: [],
    read(value, path, report) {
      if (typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value))
        return value as Scalar
      return report(path, 'must be text, a number, or true or false')
    },
  }
}

/** A number with which another is compared. */
export function bound(): Field<number> {
  return {
    paths: [],
    read(value, path, report) {
      if (typeof value === 'number' && Number.isFinite(value)) return value
      return report(path, 'must be a number')
    },
  }
}

/** A whole number within bounds. */
export function count(least: number, most: number): Field<number> {
  return {
    paths: [],
    read(value, path, report) {
      if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most)
        return Number(value)
      return report(path, `must be a whole number from ${least} to ${most}`)
    },
  }
}

/** A table whose form others define, such as a JWK. */
export function freeTable(): Field<Readonly<Record<string, unknown>>> {
  return {
    paths: [],
    read(value, path, report) {
      return isTable(value) ? value : report(path, 'must be a table')
    },
  }
}

/** A duration such as `"30s"`, `"5m"`, `"12h"`, `"7d"`, in seconds, within bounds. */
export function duration(least: number, most: number): Field<number> {
  const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }
  return {
    paths: [],
    read(value, path, report) {
      const match = typeof value === 'string' ? /^([1-9][0-9]{0,6})([smhd])$/.exec(value) : null
      const seconds = match === null ? Number.NaN : Number(match[1]) * (units[match[2] ?? ''] ?? 1)
      if (seconds >= least && seconds <= most) return seconds
      return report(
        path,
        `must be a duration such as "30s", "5m" or "12h", from ${least} to ${most} seconds`,
      )
    },
  }
}

export function list<T>(item: Field<T>, least = 0): Field<readonly T[]> {
  return {
    paths: item.paths.map((path) => `[]${path}`),
    read(value, path, report) {
      if (!Array.isArray(value) || value.length < least) {
        return report(path, `must be a list${least > 0 ? ` of at least ${least}` : ''}`)
      }
      const items = value.map((entry, i) => item.read(entry, `${path}[${i}]`, report))
      return items.every((entry) => entry !== undefined) ? items : undefined
    },
  }
}

/** A table whose keys are free, such as extra request parameters. */
export function dictionary(key: RegExp, mend: string): Field<ReadonlyMap<string, string>> {
  return {
    paths: [],
    read(value, path, report) {
      if (!isTable(value)) return report(path, 'must be a table')
      const bad = Object.entries(value).filter(([k, v]) => !key.test(k) || typeof v !== 'string')
      for (const [k] of bad) report(`${path}.${k}`, mend)
      if (bad.length > 0) return undefined
      return new Map(Object.entries(value).map(([k, v]) => [k, String(v)]))
    },
  }
}

export function table<S extends Readonly<Record<string, Field<unknown>>>>(
  shape: S,
): Field<{ readonly [K in keyof S]: Parsed<S[K]> }> {
  return {
    paths: Object.entries(shape).flatMap(([key, field]) => [
      `.${key}`,
      ...field.paths.map((path) => `.${key}${path}`),
    ]),
    read(value, path, report) {
      if (!isTable(value)) return report(path, 'must be a table')
      for (const key of Object.keys(value)) {
        if (!Object.hasOwn(shape, key)) {
          report(
            `${path}.${key}`,
            `is not a key that Sallyport knows; the keys here are ${Object.keys(shape).join(', ')}`,
          )
        }
      }
      const entries = Object.entries(shape).map(([key, field]) => {
        if (Object.hasOwn(value, key))
          return [key, field.read(value[key], `${path}.${key}`, report)]
        if (field.absent !== undefined) return [key, field.absent()]
        return [key, report(`${path}.${key}`, 'is required')]
      })
      // A problem below was reported; what is returned then is never used.
      return Object.fromEntries(entries) as { readonly [K in keyof S]: Parsed<S[K]> }
    },
  }
}

/** The first alternative whose test accepts the value; `mend` where none does. */
export function either<A, B>(
  a: { when: (value: unknown) => boolean; field: Field<A> },
  b: Field<B>,
): Field<A | B> {
  return {
    paths: [...new Set([...a.field.paths, ...b.paths])],
    read(value, path, report) {
      return a.when(value) ? a.field.read(value, path, report) : b.read(value, path, report)
    },
  }
}

/** One of several tables, told apart by the word under `key`. */
export function variants<S extends Readonly<Record<string, Field<unknown>>>>(
  key: string,
  shapes: S,
): Field<Parsed<S[keyof S]>> {
  const word = oneOf(Object.keys(shapes))
  return {
    paths: [...new Set(Object.values(shapes).flatMap(({ paths }) => paths))],
    read(value, path, report) {
      if (!isTable(value)) return report(path, 'must be a table')
      const variant = word.read(value[key], `${path}.${key}`, report)
      const shape = variant === undefined ? undefined : shapes[variant]
      return shape?.read(value, path, report) as Parsed<S[keyof S]> | undefined
    },
  }
}

/** The field, with a value for when the key is absent. */
export function optional<T, const D>(field: Field<T>, absent: D): Field<T | D> {
  return { ...field, absent: () => absent }
}

/** A table that may be left out whole: its own defaults then apply. */
export function optionalTable<T>(field: Field<T>): Field<T> {
  return { ...field, absent: () => field.read({}, '', () => undefined) as T }
}

export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

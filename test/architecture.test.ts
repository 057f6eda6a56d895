/** The rules of ARCHITECTURE.md and of the documents, which no compiler keeps. */
import { expect, it } from 'vitest'

import { knownKeys } from '../src/config/schema.ts'
import { heightOf, isAlone, placeOf, readRanks } from './architecture/ranks.ts'
import {
  codeOf,
  exists,
  filesIn,
  findCycle,
  type Import,
  importsOf,
  textOf,
} from './architecture/tree.ts'

const source = filesIn('src')
const tests = filesIn('test').filter((path) => !path.startsWith('test/architecture'))

/** Fails with the offenders, one on a line, below the rule they broke. */
function expectNone(offenders: readonly string[], rule: string): void {
  if (offenders.length > 0) expect.fail(`${rule}:\n  ${offenders.join('\n  ')}`)
}

/** The imports in src/ which the test finds wrong, as `from -> to`. */
function importsWhere(isWrong: (from: string, to: Import) => boolean): readonly string[] {
  return source.flatMap((from) =>
    importsOf(from)
      .filter((to) => isWrong(from, to))
      .map((to) => `${from} -> ${to.target}`),
  )
}

it('every folder of src has a rank in ARCHITECTURE.md', () => {
  const ranks = readRanks()
  const unknown = source.filter((path) => heightOf(path, ranks) === undefined && !isAlone(path))
  expectNone(unknown, 'The diagram of ARCHITECTURE.md does not show the folder of')
  const shown = ranks.flat().filter((name) => !source.some((path) => placeOf(path) === name))
  expectNone(shown, 'The diagram of ARCHITECTURE.md shows what is not in src')
})

it('a file imports only from ranks below its own or from its own folder', () => {
  const ranks = readRanks()
  const wrong = importsWhere((from, to) => {
    if (!to.isOurs || placeOf(from) === placeOf(to.target)) return false
    const [own, other] = [heightOf(from, ranks), heightOf(to.target, ranks)]
    if (!to.target.startsWith('src/') || own === undefined || other === undefined) return true
    // The files of the bottom rank lie in one folder, src/ itself
    return other >= own && !(own === 0 && other === 0)
  })
  expectNone(wrong, 'An import leads up, aside, or out of src')
})

it('what stands alone imports nothing of the Worker, and nothing of the Worker imports it', () => {
  const wrong = importsWhere(
    (from, to) =>
      to.isOurs && (isAlone(from) || isAlone(to.target)) && placeOf(from) !== placeOf(to.target),
  )
  expectNone(wrong, 'What origins use is joined to the Worker')
  expect(source.some(isAlone), 'something stands alone').toBe(true)
})

it('every import leads to a file', () => {
  const wrong = importsWhere((_from, to) => to.isOurs && !exists(to.target))
  expectNone(wrong, 'There is no such file')
})

it('no imports form a cycle, within a folder or across', () => {
  const cycle = findCycle(source)
  if (cycle !== null) expect.fail(`A cycle: ${cycle.join(' -> ')}`)
})

it('only index.ts imports platform', () => {
  const wrong = importsWhere(
    (from, to) =>
      to.target.startsWith('src/platform/') && !['index', 'platform'].includes(placeOf(from)),
  )
  expectNone(wrong, 'Only index.ts joins the ports to the platform')
})

it('only platform and index.ts import the runtime', () => {
  const wrong = importsWhere(
    (from, to) =>
      to.target.startsWith('cloudflare:') && !['index', 'platform'].includes(placeOf(from)),
  )
  expectNone(wrong, 'Only platform/ and index.ts speak to Cloudflare')
})

it('a library is spoken only in its places', () => {
  const places: Readonly<Record<string, readonly string[]>> = {
    aws4fetch: ['keys'],
    hono: ['app', 'login', 'gateway', 'operator', 'origin'],
    jose: ['token', 'keys', 'oidc', 'origin'],
    oauth4webapi: ['oidc'],
    express: ['origin'],
    fastify: ['origin'],
  }
  const wrong = importsWhere((from, to) => {
    if (to.isOurs || to.target.startsWith('cloudflare:')) return false
    return !(places[to.target] ?? []).includes(placeOf(from))
  })
  expectNone(wrong, 'A library is imported where it has no place')
})

it('what origins import needs jose alone: of a framework it takes types', () => {
  const wrong = source
    .filter((path) => isAlone(path))
    .flatMap((path) =>
      [...codeOf(path).matchAll(/^import (?!type\b).*from '(?!\.)(.*)'$/gm)]
        .filter(([, name]) => name !== 'jose')
        .map(([line]) => `${path}: ${line}`),
    )
  expectNone(wrong, 'It would have to be installed at every origin')
})

it('only platform reads the clock or makes randomness', () => {
  const clock = /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b/g
  const chance = /\bgetRandomValues\b|\brandomUUID\b|\bMath\.random\b/g
  const wrong = source
    // At an origin there is no platform: the clock is the default of an option
    .filter((path) => placeOf(path) !== 'platform' && path !== 'src/origin/options.ts')
    .flatMap((path) => {
      const code = codeOf(path)
      // A seal's nonce must never be given from outside, or it could be given twice
      const nonce = path === 'src/seal.ts' ? 'getRandomValues' : ''
      return [...code.matchAll(clock), ...code.matchAll(chance)]
        .filter(([name]) => name !== nonce)
        .map(([name]) => `${path}: ${name}`)
    })
  expectNone(wrong, 'Time and chance come in by a port')
})

it('no file is longer than 400 lines', () => {
  const long = ['src', 'test', 'scripts', 'examples', 'bench']
    .flatMap((folder) => filesIn(folder))
    .map((path) => ({ path, lines: textOf(path).trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > 400)
    .map(({ path, lines }) => `${path}: ${String(lines)} lines`)
  expectNone(long, 'Too long to be read at one sitting')
})

it('no file or export of src has a name that says nothing', () => {
  const empty = /(?:^|[-_./a-z])(?:utils?|helpers?|managers?|misc|common)(?:$|[-_./A-Z])/i
  const files = source.filter((path) => empty.test(path.slice('src'.length)))
  const names = source.flatMap((path) =>
    [...codeOf(path).matchAll(/^export (?:async )?(?:class|function|interface|type|const) (\w+)/gm)]
      .map((match) => match[1]!)
      .filter((name) => /(?:Util|Utils|Helper|Helpers|Manager)$/.test(name))
      .map((name) => `${path}: ${name}`),
  )
  expectNone([...files, ...names], 'Such a name says nothing of what is inside')
})

it('src has no barrels', () => {
  const indexes = source.filter((path) => path.endsWith('/index.ts') && path !== 'src/index.ts')
  const passing = source.filter(
    (path) => path !== 'src/index.ts' && /^export (?:type )?[*{][^'"]*\bfrom\b/m.test(codeOf(path)),
  )
  expectNone([...indexes, ...passing], 'Import a thing from the file that has it')
})

it('nothing is left undone, and no test is switched off or singled out', () => {
  const undone = [...source, ...filesIn('scripts'), ...filesIn('examples')].filter((path) =>
    /\b(?:TODO|FIXME|XXX)\b/.test(textOf(path)),
  )
  const off = tests.filter((path) =>
    /\b(?:it|test|describe)(?:\.\w+)*\.(?:skip|only|todo|fails)\b/.test(codeOf(path)),
  )
  expectNone([...undone, ...off], 'Something is left for later')
})

/** The words of a union of texts. */
function wordsOf(type: string, path: string): readonly string[] {
  const union = new RegExp(`export type ${type} =([^\\n]*(?:\\n\\s+\\|.*)*)`).exec(codeOf(path))
  return [...(union?.[1] ?? '').matchAll(/'(\w+)'/g)].map((match) => match[1]!)
}

it('every denial reason, check on a token and kind of fault is met by a test', () => {
  const reasons = [...codeOf('src/denial.ts').matchAll(/\breason: '(\w+)'/g)].map(
    (match) => match[1]!,
  )
  const checks = ['SignatureCheck', 'TokenCheck'].flatMap((type) => wordsOf(type, 'src/denial.ts'))
  const kinds = wordsOf('FaultKind', 'src/fault.ts')
  expect(reasons.length, 'reasons found in src/denial.ts').toBeGreaterThan(10)
  expect(checks.length, 'checks found in src/denial.ts').toBeGreaterThan(20)
  expect(kinds.length, 'kinds found in src/fault.ts').toBeGreaterThan(3)

  const all = tests
    .filter((path) => path.endsWith('.test.ts'))
    .map(codeOf)
    .join('\n')
  const unmet = [...reasons, ...checks, ...kinds].filter(
    (name) => !new RegExp(`['"\`]${name}['"\`]`).test(all),
  )
  expectNone(unmet, 'No test names')
})

/** The entries of docs/attacks.md: `## slug`, and the text below it. */
function attacks(): readonly { slug: string; text: string }[] {
  const [, ...sections] = `\n${textOf('docs/attacks.md')}`.split(/\n## /)
  return sections.map((section) => {
    const [slug = '', ...lines] = section.split('\n')
    return { slug: slug.trim(), text: lines.join('\n') }
  })
}

it('every attack names a test that exists', () => {
  const wrong = attacks().flatMap(({ slug, text }) => {
    const named = [...text.matchAll(/^(?:[-*] )?Test: `(test\/[^`]+\.test\.ts)` "(.+)"\s*$/gm)]
    if (named.length === 0) return [`${slug}: has no line: Test: \`test/...test.ts\` "name"`]
    return named.flatMap(([, file = '', name = '']) => {
      if (!exists(file)) return [`${slug}: there is no ${file}`]
      return textOf(file).includes(name) ? [] : [`${slug}: ${file} has no test "${name}"`]
    })
  })
  expectNone(wrong, 'docs/attacks.md promises a test that is not there')
})

it('every attack names the code that stops it, and that code names the attack', () => {
  const entries = attacks()
  const wrong = entries.flatMap(({ slug, text }) => {
    const named = [...text.matchAll(/^(?:[-*] )?Code: (.*)$/gm)].flatMap(([, line = '']) =>
      [...line.matchAll(/`(src\/[^`]+)`/g)].map((match) => match[1]!),
    )
    if (named.length === 0) return [`${slug}: has no line: Code: \`src/...\``]
    return named.flatMap((file) => {
      if (!exists(file)) return [`${slug}: there is no ${file}`]
      return attacksIn(file).includes(slug) ? [] : [`${slug}: ${file} lacks "attack: ${slug}"`]
    })
  })
  const slugs = new Set(entries.map(({ slug }) => slug))
  const unlisted = source.flatMap((path) =>
    attacksIn(path)
      .filter((slug) => !slugs.has(slug))
      .map((slug) => `${path}: attack: ${slug} has no entry`),
  )
  expectNone([...wrong, ...unlisted], 'docs/attacks.md and src disagree')
})

function attacksIn(path: string): readonly string[] {
  return [...textOf(path).matchAll(/\battack: ([a-z0-9-]+)/g)].map((match) => match[1]!)
}

it('docs/operations.md tells of every event that is logged', () => {
  const page = textOf('docs/operations.md')
  const logged = source.flatMap((path) =>
    [...textOf(path).matchAll(/\b(?:log|consoleLog)\(\s*'[a-z]+',\s*'([a-z_.]+)'/g)].map(
      (match) => match[1]!,
    ),
  )
  expect(logged.length).toBeGreaterThan(30)
  const missing = logged.filter((event) => !page.includes(`\`${event}\``))
  expectNone(missing, 'docs/operations.md does not tell of')
})

it('docs/configuration.md names every key of the configuration, and no other', () => {
  const page = textOf('docs/configuration.md')
  const named = new Set([...page.matchAll(/`([^`\s]+)`/g)].map((match) => match[1]!))
  // The lists of conditions, and the rules, hold the same keys, described once
  const described = (key: string) =>
    key
      .replace(/\.claims_(?:any|none)\[\]/, '.claims[]')
      .replace(/^SITES\[\]\.operator\./, 'SITES[].routes[].access.')
  const missing = knownKeys
    .filter((key) => !named.has(described(key)))
    .map((key) => `${key}: not in the page`)
  const unknown = [...named]
    .filter(
      (name) =>
        /^(?:(?:SITES|PROVIDERS|ISSUERS|RATE_LIMITS|CUSTODIANS)\[\]|REVOCATION\.)/.test(name) &&
        !knownKeys.includes(name),
    )
    .map((name) => `${name}: not a key`)
  expectNone([...missing, ...unknown], 'docs/configuration.md and src/config/schema.ts disagree')
})

it('every command that a document names is there', () => {
  const { scripts } = JSON.parse(textOf('package.json')) as { readonly scripts: object }
  const pages = [...filesIn('docs', '.md'), 'README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md']
  const wrong = [...pages, 'CHANGELOG.md', 'SECURITY.md', 'wrangler.toml'].flatMap((path) =>
    [...textOf(path).matchAll(/\bnpm (?:run (?:-s )?([\w:]+)|(start|test)\b)/g)]
      .map(([, run, own]) => run ?? own ?? '')
      .filter((name) => !(name in scripts))
      .map((name) => `${path}: npm run ${name}`),
  )
  expectNone(wrong, 'A document names a command that package.json does not have')
})

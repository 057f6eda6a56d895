/**
 * Each example of examples/origins/ as its own program, against a site that signs with the Worker's own code: honest
 * assertions, bad ones, a crowd of made-up keys, and a key that is withdrawn.
 */
import { printTable } from '../../bench/report.ts'
import { bearer, cases } from './origins/cases.ts'
import { type Language, languages } from './origins/languages.ts'
import type { Server } from './program.ts'
import { keySetAge, LocalSite, makeKey } from './origins/site.ts'

/** `install`: packages of the languages, and Debian's as root. */
export async function run(install: boolean): Promise<boolean> {
  const skipped: string[] = []
  const failures: string[] = []
  /** What stands in the column of a language that was not tried. */
  const absent = new Map<string, string>()
  const columns = new Map<string, ReadonlyMap<string, Outcome>>()
  for (const language of languages) {
    try {
      const why = await language.prepare(install)
      if (why === undefined) columns.set(language.name, await tried(language))
      else {
        absent.set(language.name, 'skipped')
        skipped.push(`${language.name}: ${why}`)
      }
    } catch (error) {
      absent.set(language.name, 'failed')
      failures.push(`${language.name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  skipped.push('.NET, Envoy, Kong: their examples are texts, and are not run by this command')
  const names = [...new Set([...columns.values()].flatMap((column) => [...column.keys()]))]
  printTable(
    names.map((name) => ({
      assertion: name,
      ...Object.fromEntries(
        languages.map((language) => [
          language.name,
          columns.get(language.name)?.get(name)?.text ?? absent.get(language.name) ?? '',
        ]),
      ),
    })),
  )
  for (const [language, column] of columns)
    for (const [name, { ok, text }] of column)
      if (!ok) failures.push(`${language}: ${name}: ${text}`)
  for (const line of skipped) console.log(`skipped: ${line}`)
  for (const line of failures) console.log(`failed: ${line}`)
  console.log(`\n${failures.length === 0 ? 'As it should be' : `${failures.length} failed`}`)
  return failures.length === 0
}

interface Outcome {
  readonly ok: boolean
  readonly text: string
}

async function tried(language: Language): Promise<ReadonlyMap<string, Outcome>> {
  const site = await LocalSite.start()
  let server: Server | undefined
  try {
    server = await language.start({ SITE: site.issuer, AUDIENCE: 'orders' })
    const outcomes = new Map<string, Outcome>()
    for (const { name, accepted, headers } of cases)
      outcomes.set(name, await judged(server, await headers(site), accepted))
    outcomes.set('30 unknown kids: reads of the key set', await flooded(server, site))

    const old = site.key
    await site.withdraw()
    await new Promise((resolve) => setTimeout(resolve, (keySetAge + 0.5) * 1000))
    const withdrawn = bearer(await site.assertion({}, old))
    outcomes.set('by a withdrawn key, past the age', await judged(server, withdrawn, false))
    outcomes.set('by its successor', await judged(server, bearer(await site.assertion()), true))
    return outcomes
  } finally {
    await server?.close()
    site.close()
  }
}

/** Accepted is 200 for the right person, refused is 401 with a challenge. */
async function judged(
  { url }: Server,
  headers: Record<string, string>,
  accepted: boolean,
): Promise<Outcome> {
  // Where a proxy hands on plain headers, a client's own must not arrive
  const spoofed = { ...headers, 'sallyport-subject': 'eve' }
  const answer = await fetch(url, { headers: spoofed, signal: AbortSignal.timeout(20_000) })
  const text = await answer.text()
  if (answer.status === 401 && answer.headers.get('www-authenticate')?.startsWith('Bearer'))
    return { ok: !accepted, text: accepted ? 'REFUSED' : 'refused' }
  if (answer.status !== 200) return { ok: false, text: `ANSWERED ${String(answer.status)}` }
  const { subject } = JSON.parse(text) as { readonly subject: unknown }
  return { ok: accepted && subject === 'ada', text: accepted ? `accepted` : 'ACCEPTED' }
}

/** Few reads for all of them: two in half an age, the most that any of the libraries allows itself. */
async function flooded(server: Server, site: LocalSite): Promise<Outcome> {
  const before = site.reads
  const startedAt = Date.now()
  for (let i = 0; i < 30; i++)
    await judged(server, bearer(await site.assertion({}, await makeKey(`made-up-${i}`))), false)
  const halfAges = Math.ceil((Date.now() - startedAt) / 500 / keySetAge)
  const reads = site.reads - before
  return { ok: reads <= 2 * halfAges, text: String(reads) }
}

/**
 * `SITES[].proxies` → `TrustedProxy`.
 */
import type { Report } from './field.ts'
import type { TrustedProxy } from './proxy.ts'
import type { WrittenSite } from './schema.ts'
import { type Env, secretNamed } from './secrets.ts'

/** 192 bits, written in base64. */
const shortestSecret = 32

export function parseProxies(
  { proxies, session }: WrittenSite,
  path: string,
  env: Env,
  report: Report,
): readonly TrustedProxy[] {
  for (const aspect of proxies.length === 0 ? [] : (['country', 'network'] as const)) {
    // The connection is the proxy's: of the browser's nothing is known.
    if (session.when_moved[aspect] !== 'ignore')
      report(`${path}.session.when_moved.${aspect}`, 'cannot be told behind proxies: leave it out')
  }
  const seen = new Set<string>()
  return proxies.map(({ kind, secret, certificates, plain }, i) => {
    const at = `${path}.proxies[${i}]`
    if ((secret === undefined) === (certificates === undefined))
      report(at, 'must have exactly one of secret and certificates')
    if (secret === undefined) {
      const fingerprints = (certificates ?? []).map((one) => one.replaceAll(':', '').toLowerCase())
      return { kind, proof: { kind: 'certificate', fingerprints: new Set(fingerprints) }, plain }
    }
    const value = secretNamed(secret.secret, `${at}.secret`, env, report)
    const text = value.reveal()
    if (text !== '' && (text.length < shortestSecret || !/^[!-~]+$/.test(text)))
      report(`${at}.secret`, `must be at least ${shortestSecret} visible characters: ${making}`)
    // Which of two proxies asked would be told by nothing.
    if (seen.has(text)) report(`${at}.secret`, 'is the secret of another proxy of the site')
    seen.add(text)
    return { kind, proof: { kind: 'secret', secret: value }, plain }
  })
}

const making = '`openssl rand -base64 32`'

/** The ranks, read from the diagram of ARCHITECTURE.md, so that the page and the law are one. */
import { textOf } from './tree.ts'

/**
 * From the highest rank to the lowest. `platform` is not on this line: it stands beside `gateway`,
 * so that it may use whatever ports are declared below, and its siblings may not use it.
 */
export function readRanks(): readonly (readonly string[])[] {
  const line = /^index ─ .*$/m.exec(textOf('ARCHITECTURE.md'))?.[0]
  if (line === undefined) throw new Error('ARCHITECTURE.md has no line "index ─ …" of ranks')
  return line.split(' ─ ').map((rank) => rank.replaceAll(/[{}]/g, '').trim().split(/\s+/))
}

/** What stands in src/ and is no part of the Worker: nothing leads in or out. */
export function isAlone(path: string): boolean {
  const names = /^alone: (.*)$/m.exec(textOf('ARCHITECTURE.md'))?.[1]?.split(' ')
  if (names === undefined) throw new Error('ARCHITECTURE.md has no line "alone: …" of folders')
  return path.startsWith('src/') && names.includes(placeOf(path))
}

/** The name by which the diagram knows a file: its folder's in src/, or its own at the top. */
export function placeOf(path: string): string {
  return path.split('/')[1]!.replace(/\.ts$/, '')
}

/** How high a file stands; 0 is the bottom, undefined is a folder the diagram does not show. */
export function heightOf(path: string, ranks: readonly (readonly string[])[]): number | undefined {
  const place = placeOf(path)
  const rank = ranks.findIndex((names) => names.includes(place === 'platform' ? 'gateway' : place))
  if (rank !== -1) return ranks.length - 1 - rank
  // The diagram names the chief files of the bottom; a small one beside them need not be named
  return path.split('/').length === 2 ? 0 : undefined
}

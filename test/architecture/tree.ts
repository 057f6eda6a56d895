/** What the architecture test knows of the tree: files, their text, and what they import. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'

const root = join(import.meta.dirname, '..', '..')

/** Paths from the root of the repository, with `/`, sorted; none if there is no such folder. */
export function filesIn(folder: string, extension = '.ts'): readonly string[] {
  if (!exists(folder)) return []
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
    .filter((path) => path.endsWith(extension) && !path.includes('node_modules/'))
    .toSorted()
}

export function exists(path: string): boolean {
  return statSync(join(root, path), { throwIfNoEntry: false }) !== undefined
}

export function textOf(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

/** The code without its comments, for rules which comments are free to break. */
export function codeOf(path: string): string {
  return textOf(path)
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/(^|\s)\/\/.*$/gm, '$1')
}

export interface Import {
  /** A path from the root for our own files, the name of the package for all else. */
  readonly target: string
  readonly isOurs: boolean
}

/** Everything the file takes from elsewhere; types count, since they bind just as well. */
export function importsOf(path: string): readonly Import[] {
  const code = codeOf(path)
  const specifiers = [
    ...code.matchAll(/^\s*(?:import|export)\b[^'"`;=()]*?\bfrom\s*['"]([^'"]+)['"]/gm),
    ...code.matchAll(/^\s*import\s*['"]([^'"]+)['"]/gm),
    ...code.matchAll(/\bimport\s*\(\s*['"]([^'"]+)['"]/g),
  ].map((match) => match[1]!)
  return specifiers.map((specifier) =>
    specifier.startsWith('.')
      ? { target: posix.join(dirname(path), specifier), isOurs: true }
      : { target: packageName(specifier), isOurs: false },
  )
}

function packageName(specifier: string): string {
  if (specifier.includes(':')) return specifier
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** The first cycle found among the files, as the path around it, or null. */
export function findCycle(files: readonly string[]): readonly string[] | null {
  const done = new Set<string>()
  const trail: string[] = []

  const visit = (file: string): readonly string[] | null => {
    if (done.has(file)) return null
    if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file]
    trail.push(file)
    for (const { target, isOurs } of importsOf(file)) {
      const cycle = isOurs && exists(target) ? visit(target) : null
      if (cycle !== null) return cycle
    }
    trail.pop()
    done.add(file)
    return null
  }

  for (const file of files) {
    const cycle = visit(file)
    if (cycle !== null) return cycle
  }
  return null
}

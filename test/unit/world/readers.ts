/** Models of what origins do to a path before they look at it. */

export type Reader = (path: string) => string

const bySegment = (change: (segment: string) => string) => (path: string) =>
  path.split('/').map(change).join('/')

const decode: Reader = (path) => {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

export const readers: Readonly<Record<string, Reader>> = {
  'decodes once': decode,
  'decodes twice': (path) => decode(decode(path)),
  'collapses slashes': (path) => path.replaceAll(/\/+/g, '/'),
  'takes a backslash for a slash': (path) => path.replaceAll('\\', '/'),
  'removes dot segments': (path) => {
    const kept: string[] = []
    for (const segment of path.slice(1).split('/')) {
      if (segment === '..') kept.pop()
      else if (segment !== '.') kept.push(segment)
    }
    return `/${kept.join('/')}`
  },
  'cuts the parameters off each segment': bySegment((segment) => segment.replace(/;.*$/, '')),
  'cuts off everything behind a semicolon': (path) => path.replace(/;.*$/, ''),
  'ends at a NUL, a question mark or a fragment': (path) => path.replace(/[\0?#].*$/s, ''),
  'ignores case': (path) => path.toLowerCase(),
  'brings Unicode into one form': (path) => path.normalize('NFKC'),
  'folds letters': (path) => path.normalize('NFKC').toUpperCase().toLowerCase(),
  'trims names as file systems do': bySegment((segment) => segment.replace(/[. ]+$/, '')),
  'trims spaces': bySegment((segment) => segment.trim()),
  'drops control and format characters': (path) => path.replaceAll(/[\p{Cc}\p{Cf}]/gu, ''),
  'drops a slash at the end': (path) => path.replace(/(?<=.)\/$/, ''),
}

import type { TestProject } from 'vitest/node'

/** Stub: starts the demo's OpenID provider on loopback and provides its issuer to the tests. */
export default function setup(project: TestProject): void {
  void project
}

/** The two sides of a conversation with a provider, without a Worker around them. */
import type { Outbound } from '../../../src/oidc/outbound.ts'
import type { OidcParties } from '../../../src/oidc/tokens.ts'
import { KeySet } from '../../../src/token/key-set.ts'
import { FakeProvider } from './provider.ts'
import { providerOf } from './vars.ts'

export interface Talk extends OidcParties {
  readonly fake: FakeProvider
}

/** What the port promises, short of the checks that `platform/outbound.ts` makes. */
export function outboundTo(fake: FakeProvider): Outbound {
  return (_provider, url, init) => {
    const body = init.body?.toString()
    return fake.fetch(
      new Request(url, { ...init, ...(body === undefined ? {} : { body }) } as object),
    )
  }
}

export async function startTalk(changes: Parameters<typeof providerOf>[0] = {}): Promise<Talk> {
  const fake = await FakeProvider.start()
  const metadata = fake.discovery() as never
  return {
    fake,
    provider: providerOf(changes),
    metadata,
    directory: {
      metadata: async () => metadata,
      keys: async () => KeySet.parse({ keys: fake.keys ?? [fake.signer.publicJwk] })!,
      keysAtHand: () => undefined,
    },
    outbound: outboundTo(fake),
  }
}

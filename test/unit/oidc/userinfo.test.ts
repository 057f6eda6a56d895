import { expect, it } from 'vitest'

import { fetchUserinfo } from '../../../src/oidc/userinfo.ts'
import { startTalk } from '../world/parties.ts'

const tokens = { accessToken: 'access-1' }

it('takes claims for the subject of the ID token, and for nobody else', async () => {
  const talk = await startTalk()
  expect(await fetchUserinfo(talk, tokens, 'ada')).toMatchObject({ phone_number: '+44 1' })
  await expect(fetchUserinfo(talk, tokens, 'eve')).rejects.toMatchObject({
    kind: 'provider_malformed',
  })
  talk.fake.instead.set('/userinfo', () => new Response(null, { status: 500 }))
  await expect(fetchUserinfo(talk, tokens, 'ada')).rejects.toMatchObject({
    kind: 'provider_failed',
  })
})

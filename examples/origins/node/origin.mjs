/**
 * An origin in plain Node that trusts Sallyport's assertions, and the verifier that nginx asks (`auth_request`):
 * SITE=https://shop.example.com AUDIENCE=orders [PORT=8080] node origin.mjs
 */
import { createServer } from 'node:http'

import { createAssertionVerifier } from 'sallyport/origin'
import { answerTo } from 'sallyport/origin/answer'

const { SITE, AUDIENCE, PORT = '8080' } = process.env
const verifier = createAssertionVerifier({ site: SITE ?? '', audience: AUDIENCE ?? '' })

const server = createServer((request, response) => {
  void answer(request, response)
})

async function answer(request, response) {
  const verified = await verifier.verifyRequest(request)
  if (!verified.ok) {
    const { status, headers, body } = answerTo(verified.refusal)
    response.writeHead(status, headers).end(body)
    return
  }
  const { identityProvider, subject } = verified.value
  response.writeHead(200, {
    'content-type': 'application/json',
    // For nginx, which hands them on. Escaped: a name may hold what no header can.
    'sallyport-identity-provider': encodeURIComponent(identityProvider),
    'sallyport-subject': encodeURIComponent(subject),
  })
  response.end(JSON.stringify({ identity_provider: identityProvider, subject }))
}

server.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${String(server.address().port)}`)
})

// The page's own part: who is here, and plain calls of the API. It never sees a token.

import { at } from './elements.js'
import { look, onLook, ownHeaders, session } from './session.js'

const ownPost = { method: 'POST', headers: ownHeaders }

onLook(() => {
  at('who').textContent =
    session === null
      ? 'Nobody is signed in.'
      : `${session.claims.name ?? session.sub} (${session.claims.email ?? session.sub})`
  at('cookies').textContent = document.cookie === '' ? 'empty' : document.cookie
  tick()
})

function tick() {
  if (session === null) {
    at('times').textContent = ''
    return
  }
  const now = Date.now() / 1000
  const left = session.expires_at === null ? 0 : Math.max(0, Math.round(session.expires_at - now))
  const idle = Math.max(0, Math.round((session.refresh_by - now) / 60))
  at('times').textContent =
    (left > 0
      ? `The access cookie runs out in ${left} s;`
      : 'The access cookie has run out; the next call renews it;') +
    ` the session lasts ${idle} minutes more without a call.`
}

async function show(response) {
  const body = await response.text()
  let pretty = body
  try {
    pretty = JSON.stringify(JSON.parse(body), null, 2)
  } catch {
    // Not JSON: shown as it is.
  }
  at('output').textContent = `${response.status} ${response.statusText}\n\n${pretty}`
}

at('call').addEventListener('click', async () => {
  await show(await fetch('/api/me'))
  await look()
})

at('call-twenty').addEventListener('click', async () => {
  const responses = await Promise.all(Array.from({ length: 20 }, (_, i) => fetch(`/api/item/${i}`)))
  at('output').textContent = responses.map(({ status }) => status).join(' ')
  await look()
})

at('refresh').addEventListener('click', async () => {
  await show(await fetch('/auth/refresh', ownPost))
  await look()
})

at('sign-out').addEventListener('click', async () => {
  const response = await fetch('/auth/logout', ownPost)
  if (!response.ok) return show(response)
  const { logout_url } = await response.json()
  location.assign(logout_url)
})

// A page that comes back from the browser's cache must not show who was there before.
addEventListener('pageshow', ({ persisted }) => {
  if (persisted) void look()
})
setInterval(tick, 1000)
await look()

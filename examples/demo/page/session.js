// Who is signed in, for all parts of the page. The page knows it only by asking: no script sees a cookie or a token.

const listeners = []

/** What `/auth/session` answered last; null where nobody is signed in. */
export let session = null

/** Calls `listener` each time the page has asked. */
export function onLook(listener) {
  listeners.push(listener)
}

/** Asks again. */
export async function look() {
  const response = await fetch('/auth/session?anonymous=null')
  session = response.ok ? await response.json() : null
  for (const part of document.querySelectorAll('[data-for]'))
    part.hidden = (part.dataset.for === 'signed-in') !== (session !== null)
  for (const listener of listeners) listener()
}

/** Why something has ended: for want of a session, or as `otherwise` says. */
export async function whyEnded(otherwise = 'Ended by the other side') {
  await look()
  return session === null ? 'Ended: signed out' : otherwise
}

/** What only changes the world with our own page behind it carries this header. */
export const ownHeaders = { 'X-CSRF': '1' }

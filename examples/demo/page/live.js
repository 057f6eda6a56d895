// An event stream: one event a second, until somebody stops it or the session ends.

import { addLine, at, say } from './elements.js'
import { whyEnded } from './session.js'

let events = null

at('live-start').addEventListener('click', () => {
  events = new EventSource('/api/events')
  toggle(true)
  say('live', 'idle', 'Connecting…')
  events.addEventListener('open', () => say('live', 'on', 'Open'))
  events.addEventListener('message', ({ lastEventId, data }) => {
    const event = JSON.parse(data)
    addLine(
      'live',
      `#${lastEventId}`,
      `${new Date(event.at).toLocaleTimeString()} for ${event.for}`,
    )
  })
  events.addEventListener('error', async ({ target }) => {
    // The browser asks again by itself; it gives up where the answer is no stream: a 401, once nobody is signed in.
    if (target.readyState === EventSource.CONNECTING)
      return say('live', 'idle', 'Lost; connecting again…')
    toggle(false)
    say('live', 'ended', await whyEnded())
  })
})

at('live-stop').addEventListener('click', () => {
  events.close()
  toggle(false)
  say('live', 'idle', 'Stopped')
})

function toggle(isOpen) {
  at('live-start').hidden = isOpen
  at('live-stop').hidden = !isOpen
}

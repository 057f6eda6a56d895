// A WebSocket: each line comes back with the name that the API has for who sent it.

import { addLine, at, say } from './elements.js'
import { look, whyEnded } from './session.js'

// The close code of a connection whose authority ended, and what its reason means.
const unauthorized = 4401
const endings = { revoked: 'Ended: signed out', expired: 'Ended: the session ran out' }

let socket = null

at('socket-open').addEventListener('click', () => {
  socket = new WebSocket('/api/socket', 'sallyport-demo.echo')
  at('socket-start').hidden = true
  say('socket', 'idle', 'Connecting…')
  socket.addEventListener('message', ({ data }) => {
    const { hello, from, text } = JSON.parse(data)
    if (hello === undefined) return addLine('socket', from, text)
    toggle(true)
    say('socket', 'on', `Open; the API knows you as ${hello}`)
  })
  socket.addEventListener('close', async ({ code, reason, wasClean }) => {
    toggle(false)
    if (code === 1000 && wasClean) return say('socket', 'idle', 'Closed')
    if (code !== unauthorized) return say('socket', 'ended', await whyEnded())
    await look()
    say('socket', 'ended', endings[reason] ?? 'Ended: nobody could be asked whether you still may')
  })
})

at('socket-form').addEventListener('submit', (event) => {
  event.preventDefault()
  const line = at('socket-line')
  socket.send(line.value)
  line.value = ''
  line.focus()
})

at('socket-close').addEventListener('click', () => socket.close(1000))

function toggle(isOpen) {
  at('socket-start').hidden = isOpen
  at('socket-form').hidden = !isOpen
  if (isOpen) at('socket-line').focus()
}

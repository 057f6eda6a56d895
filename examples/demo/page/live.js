// An event stream, a WebSocket and an upload: the browser's own ways to the API, with nothing but the cookies.

const at = (id) => document.getElementById(id)

/** A line more at the end of a panel, which shows the last of them. */
function say(panel, line) {
  const lines = [...(panel.dataset.used === 'true' ? panel.textContent.split('\n') : []), line]
  panel.dataset.used = 'true'
  panel.textContent = lines.slice(-50).join('\n')
  panel.scrollTop = panel.scrollHeight
}

/** Who ends a connection from the other side does it for a reason that `/auth/session` knows. */
async function whyEnded() {
  const response = await fetch('/auth/session?anonymous=null')
  const session = response.ok ? await response.json() : null
  return session === null ? 'Ended: nobody is signed in.' : 'Ended by the other side.'
}

let events

function listen() {
  events = new EventSource('/api/events')
  at('events-start').disabled = true
  at('events-stop').disabled = false
  events.addEventListener('message', ({ data }) => say(at('events'), data))
  events.addEventListener('error', () => {
    // The browser connects again by itself, unless it was told that it may not.
    if (events?.readyState === EventSource.CLOSED) void stopListening()
  })
}

async function stopListening(why) {
  events?.close()
  events = undefined
  at('events-start').disabled = false
  at('events-stop').disabled = true
  say(at('events'), why ?? (await whyEnded()))
}

at('events-start').addEventListener('click', listen)
at('events-stop').addEventListener('click', () => stopListening('Stopped.'))

let socket

function showSocket(isOpen) {
  at('socket-open').textContent = isOpen ? 'Close' : 'Connect'
  at('socket-text').disabled = !isOpen
  at('socket-send').disabled = !isOpen
}

function connect() {
  socket = new WebSocket(`${location.origin.replace('http', 'ws')}/api/socket`, ['echo'])
  socket.addEventListener('open', () => {
    showSocket(true)
    at('socket-text').focus()
  })
  socket.addEventListener('message', ({ data }) => say(at('socket'), data))
  socket.addEventListener('close', async ({ code }) => {
    socket = undefined
    showSocket(false)
    say(at('socket'), code === 1000 ? 'Closed.' : await whyEnded())
  })
}

at('socket-open').addEventListener('click', () => (socket ? socket.close(1000) : connect()))
at('socket-form').addEventListener('submit', (event) => {
  event.preventDefault()
  const { value } = at('socket-text')
  if (value !== '') socket?.send(value)
  at('socket-text').value = ''
})

const hex = (bytes) =>
  [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('')

/** `fetch` does not tell how much has gone out. */
function send(body, onProgress) {
  const request = new XMLHttpRequest()
  request.open('POST', '/api/upload')
  request.setRequestHeader('X-CSRF', '1')
  request.upload.addEventListener('progress', ({ loaded, total }) => onProgress(loaded / total))
  return new Promise((resolve, reject) => {
    request.addEventListener('load', () => resolve(request))
    request.addEventListener('error', () => reject(new Error('the connection broke')))
    request.send(body)
  })
}

async function upload(blob) {
  const panel = at('upload')
  const progress = at('upload-progress')
  progress.hidden = false
  progress.value = 0
  panel.textContent = `Sending ${(blob.size / 1e6).toFixed(1)} MB…`
  try {
    const [answer, own] = await Promise.all([
      send(blob, (part) => (progress.value = part)),
      blob.arrayBuffer().then((bytes) => crypto.subtle.digest('SHA-256', bytes)),
    ])
    if (answer.status !== 200) {
      panel.textContent = `${answer.status}\n\n${answer.responseText}`
      return
    }
    const { bytes, sha256 } = JSON.parse(answer.responseText)
    const same = sha256 === hex(own) ? 'the same as here' : `not ${hex(own)}`
    panel.textContent = `${bytes} bytes arrived.\nTheir SHA-256 is ${same}:\n${sha256}`
  } catch (error) {
    panel.textContent = `It did not arrive: ${error.message}.`
  } finally {
    progress.hidden = true
  }
}

at('upload-made').addEventListener('click', () => {
  const noise = Array.from({ length: 320 }, () => crypto.getRandomValues(new Uint8Array(65_536)))
  void upload(new Blob(noise))
})
at('upload-file').addEventListener('change', ({ target }) => {
  if (target.files.length > 0) void upload(target.files[0])
  target.value = ''
})

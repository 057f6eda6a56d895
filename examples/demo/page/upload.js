// An upload: the API hashes the bytes as they stream through the Worker, and the page compares with its own hash.

import { at, say } from './elements.js'
import { look, ownHeaders, whyEnded } from './session.js'

/** Bytes. The page hashes a file in one piece, so it must fit into memory; the API takes any size. */
const largest = 256 * 2 ** 20

at('upload-file').addEventListener('change', async ({ target }) => {
  const [file] = target.files
  if (file === undefined) return
  await upload(file)
  // So that the same file can be chosen again.
  target.value = ''
})

at('upload-made').addEventListener('click', () => upload(randomBytes(5 * 2 ** 20)))

async function upload(blob) {
  if (blob.size > largest)
    return say('upload', 'ended', 'More than 256 MB: this page cannot hash it')
  at('upload-controls').disabled = true
  at('upload-result').hidden = true
  say('upload', 'on', `Sending ${megabytes(blob.size)}…`)
  try {
    const [here, answer] = await Promise.all([sha256(blob), send(blob)])
    if (answer.status === 401) return say('upload', 'ended', await whyEnded())
    if (answer.status !== 200) return say('upload', 'ended', `Refused: ${answer.status}`)
    const { by, bytes, sha256: there } = JSON.parse(answer.text)
    at('upload-there').textContent = there
    at('upload-here').textContent = here
    at('upload-result').hidden = false
    const same = there === here && bytes === blob.size
    say(
      'upload',
      same ? 'on' : 'ended',
      same
        ? `${megabytes(bytes)} from ${by} arrived whole: the hashes are equal`
        : `${megabytes(bytes)} arrived, and they are not what was sent`,
    )
    await look()
  } catch {
    // An upload that is refused at once looks like this too: the answer comes while the browser still sends.
    say('upload', 'ended', await whyEnded('The connection broke'))
  } finally {
    at('upload-controls').disabled = false
    at('upload-progress').hidden = true
  }
}

/** By XMLHttpRequest: `fetch` does not tell how much has been sent. */
function send(blob) {
  const progress = at('upload-progress')
  progress.value = 0
  progress.hidden = false
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', '/api/upload')
    for (const [name, value] of Object.entries(ownHeaders)) request.setRequestHeader(name, value)
    request.upload.addEventListener('progress', ({ loaded, total }) => {
      progress.value = total === 0 ? 1 : loaded / total
    })
    request.addEventListener('load', () =>
      resolve({ status: request.status, text: request.responseText }),
    )
    request.addEventListener('error', () => reject(new Error('The connection broke')))
    request.send(blob)
  })
}

async function sha256(blob) {
  const digest = await crypto.subtle.digest('SHA-256', await blob.arrayBuffer())
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function randomBytes(size) {
  const bytes = new Uint8Array(size)
  // The browser makes 64 KB at a time.
  for (let from = 0; from < size; from += 65_536)
    crypto.getRandomValues(bytes.subarray(from, from + 65_536))
  return new Blob([bytes])
}

const megabytes = (bytes) =>
  bytes < 100_000 ? `${bytes} bytes` : `${(bytes / 2 ** 20).toFixed(1)} MB`

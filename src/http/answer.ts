/**
 * What every answer of our own carries.
 */

/** Headers of an answer that Sallyport made itself: never cached, recognisable. attack: cached-set-cookie */
export function ownHeaders(more: Readonly<Record<string, string>> = {}): Headers {
  return new Headers({
    'cache-control': 'no-store',
    'sallyport-response': 'true',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    ...more,
  })
}

/** The page's own policy: nothing loads, nothing frames it, forms go to this origin only. */
export function pageHeaders(nonce?: string): Headers {
  const script = nonce === undefined ? '' : ` script-src 'nonce-${nonce}';`
  return ownHeaders({
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy':
      `default-src 'none'; style-src 'sha256-${styleHash}';${script} form-action 'self'; ` +
      "frame-ancestors 'none'; base-uri 'none'",
  })
}

/** See Other (RFC 9110 section 15.4.4): whatever the method was, the next is GET. */
export function seeOther(location: string, cookies: readonly string[] = []): Response {
  const headers = ownHeaders({ location })
  for (const cookie of cookies) headers.append('set-cookie', cookie)
  return new Response(null, { status: 303, headers })
}

const style =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1.5rem;' +
  'color:#1c2330;background:#fbfbf9}h1{font-size:1.4rem}a,button{color:#0b57d0;font:inherit}' +
  'code{color:#5b6472}@media(prefers-color-scheme:dark){body{color:#e6e8ee;background:#14171d}' +
  'a,button{color:#8ab4f8}code{color:#9aa3b2}}'
/** SHA-256 of `style`, base64; a test recomputes it. */
export const styleHash = 'yGDo8uFP4SLs6kWMti7/I6O+dNBkqdFmcsAQymuYEBk='

/** A small page. Every argument but `body` is escaped; `body` is ours, made with `escapeHtml`. */
export function page(title: string, body: string): string {
  return (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">' +
    '<meta name="viewport" content="width=device-width,initial-scale=1">' +
    `<title>${escapeHtml(title)}</title><style>${style}</style></head>` +
    `<body><main><h1>${escapeHtml(title)}</h1>${body}</main></body></html>`
  )
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

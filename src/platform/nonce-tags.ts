/**
 * A nonce in the tags of a page, while it streams by.
 */
import type { NonceTags } from '../http/page-headers.ts'

export const nonceTags: NonceTags = (page, nonce) => {
  if (page.body === null) return page
  return new HTMLRewriter()
    .on('script, style, link', {
      element(element) {
        element.setAttribute('nonce', nonce)
      },
    })
    .transform(page)
}

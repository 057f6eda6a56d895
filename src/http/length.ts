/**
 * The length that a message states for its body (RFC 9110 section 8.6), in bytes; `undefined` where it states none, or
 * anything but digits.
 */
export function statedLength(headers: Pick<Headers, 'get'>): number | undefined {
  const written = headers.get('content-length')
  return written !== null && /^[0-9]{1,15}$/.test(written) ? Number(written) : undefined
}

/** Whether the body is stated to be no longer: who does not say is not believed to be short. */
export function isShort(headers: Pick<Headers, 'get'>, most: number): boolean {
  const length = statedLength(headers)
  return length !== undefined && length <= most
}

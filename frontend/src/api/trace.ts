/** A new `traceparent` (W3C Trace Context): the request and what it sets off on the server share its trace id. */
export function newTraceparent(random: (bytes: number) => Uint8Array = randomBytes): string {
  return `00-${hex(random(16))}-${hex(random(8))}-01`;
}

function randomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

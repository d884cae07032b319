let last = "";

/** The trace id of the latest request, empty before the first. */
export const lastTraceId = (): string => last;

/** A new `traceparent` (W3C Trace Context): the request and what it sets off on the server share its trace id. */
export function newTraceparent(random: (bytes: number) => Uint8Array = randomBytes): string {
  last = hex(random(16));
  return `00-${last}-${hex(random(8))}-01`;
}

function randomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

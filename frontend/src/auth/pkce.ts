/** OIDC authorization code flow with PKCE (RFC 7636), for a public client. */

export interface Provider {
  authorization_endpoint: string;
  token_endpoint: string;
}

export interface Client {
  issuer: string;
  clientId: string;
  audience: string;
  redirectUri: string;
}

export interface Tokens {
  access_token: string;
  refresh_token?: string;
  expires_in?: number;
}

export async function discover(issuer: string): Promise<Provider> {
  const response = await fetch(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
  if (!response.ok) throw new Error(`the issuer ${issuer} answered ${response.status}`);
  return (await response.json()) as Provider;
}

export function newVerifier(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(48)));
}

export async function challengeOf(verifier: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  return base64url(new Uint8Array(digest));
}

export function signInAddress(
  provider: Provider,
  client: Client,
  { state, challenge }: { state: string; challenge: string },
): string {
  const address = new URL(provider.authorization_endpoint);
  const parameters = {
    response_type: "code",
    client_id: client.clientId,
    redirect_uri: client.redirectUri,
    scope: "openid",
    state,
    code_challenge: challenge,
    code_challenge_method: "S256",
    ...(client.audience && { audience: client.audience }),
  };
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
  return address.href;
}

export function exchange(provider: Provider, client: Client, code: string, verifier: string): Promise<Tokens> {
  return ask(provider, {
    grant_type: "authorization_code",
    client_id: client.clientId,
    redirect_uri: client.redirectUri,
    code,
    code_verifier: verifier,
  });
}

export function refresh(provider: Provider, client: Client, token: string): Promise<Tokens> {
  return ask(provider, { grant_type: "refresh_token", client_id: client.clientId, refresh_token: token });
}

async function ask(provider: Provider, body: Record<string, string>): Promise<Tokens> {
  const response = await fetch(provider.token_endpoint, { method: "POST", body: new URLSearchParams(body) });
  const answer = (await response.json().catch(() => ({}))) as Tokens & { error?: string; error_description?: string };
  if (!response.ok || !answer.access_token)
    throw new Error(answer.error_description ?? answer.error ?? `the issuer answered ${response.status}`);
  return answer;
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

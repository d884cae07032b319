import { config } from "../config";
import { challengeOf, discover, exchange, newVerifier, refresh, signInAddress, type Client, type Tokens } from "./pkce";

/** `signed-out`: credentials are needed and there are none. */
export type SessionState = "open" | "signed-out" | "signing-in" | "signed-in";

const PENDING = "lorry.sign-in"; // between leaving for the issuer and coming back; holds no token
const EARLY_MS = 30_000;

/**
 * Who is calling. Tokens are kept in memory only: a reload signs in again, which an issuer with a session of its own
 * does without a question.
 */
class Session {
  state: SessionState;
  failure = "";
  private access = "";
  private renewal = "";
  private expires = Number.POSITIVE_INFINITY;
  private renewing: Promise<void> | null = null;
  private readonly listeners = new Set<() => void>();

  constructor() {
    this.state = config.authMode === "jwt" ? "signed-out" : "open";
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = (): string => `${this.state} ${this.failure}`;

  /** The bearer token to send, null where none is needed or none is there. */
  async token(): Promise<string | null> {
    if (this.access && this.renewal && Date.now() > this.expires - EARLY_MS) {
      this.renewing ??= this.renew().finally(() => (this.renewing = null));
      await this.renewing;
    }
    return this.access || null;
  }

  /** The API did not accept the token. */
  refused(): void {
    if (config.authMode !== "jwt") return;
    this.access = "";
    this.change("signed-out");
  }

  /** A token that the reader pasted, for a deployment that names no client to sign in with. */
  acceptToken(token: string): void {
    this.access = token.trim().replace(/^Bearer\s+/i, "");
    this.renewal = "";
    this.expires = Number.POSITIVE_INFINITY;
    this.change(this.access ? "signed-in" : "signed-out");
  }

  signOut(): void {
    this.access = this.renewal = "";
    this.change("signed-out");
  }

  /** Leaves for the issuer's page. */
  async signIn(): Promise<void> {
    try {
      const provider = await discover(config.issuer);
      const [verifier, state] = [newVerifier(), newVerifier()];
      sessionStorage.setItem(PENDING, JSON.stringify({ verifier, state, back: location.href }));
      location.assign(signInAddress(provider, oidcClient(), { state, challenge: await challengeOf(verifier) }));
    } catch (reason) {
      this.change("signed-out", reasonOf(reason));
    }
  }

  /** Finishes what `signIn` began, if the page was opened by the issuer. */
  async resume(): Promise<void> {
    const answer = new URLSearchParams(location.search);
    const stored = sessionStorage.getItem(PENDING);
    if (stored === null || !answer.has("state")) return;
    sessionStorage.removeItem(PENDING);
    const pending = JSON.parse(stored) as { verifier: string; state: string; back: string };
    history.replaceState(null, "", pending.back);
    const code = answer.get("code");
    if (answer.get("state") !== pending.state || code === null) {
      const why = answer.get("error_description") ?? answer.get("error");
      return this.change("signed-out", why ?? "the answer of the issuer does not belong to this page");
    }
    this.change("signing-in");
    try {
      this.accept(await exchange(await discover(config.issuer), oidcClient(), code, pending.verifier));
    } catch (reason) {
      this.change("signed-out", reasonOf(reason));
    }
  }

  private async renew(): Promise<void> {
    try {
      this.accept(await refresh(await discover(config.issuer), oidcClient(), this.renewal));
    } catch {
      this.refused();
    }
  }

  private accept(tokens: Tokens): void {
    this.access = tokens.access_token;
    this.renewal = tokens.refresh_token ?? this.renewal;
    this.expires = tokens.expires_in ? Date.now() + tokens.expires_in * 1000 : Number.POSITIVE_INFINITY;
    this.change("signed-in");
  }

  private change(state: SessionState, failure = ""): void {
    this.state = state;
    this.failure = failure;
    for (const listener of this.listeners) listener();
  }
}

function oidcClient(): Client {
  const { issuer, clientId, audience, root } = config;
  return { issuer, clientId, audience, redirectUri: new URL(root, location.href).href };
}

const reasonOf = (reason: unknown): string => (reason instanceof Error ? reason.message : String(reason));

export const session = new Session();

import { useState, useSyncExternalStore, type FormEvent } from "react";
import { config } from "../config";
import { Button, Field } from "../ui/basics";
import { session } from "./session";

export function useSession() {
  useSyncExternalStore(session.subscribe, session.snapshot);
  return session;
}

/** What stands in place of a page that needs credentials. */
export function SignIn() {
  const { state, failure } = useSession();
  return (
    <section className="card mx-auto mt-10 flex max-w-md flex-col gap-4 p-6" aria-label="Sign in">
      <h1 className="text-lg font-semibold">{state === "signing-in" ? "Signing in\u2026" : "Sign in to continue"}</h1>
      {config.authMode === "iam" ? (
        <SignedCallersOnly />
      ) : config.clientId ? (
        <ByIssuer busy={state === "signing-in"} />
      ) : (
        <ByToken />
      )}
      {failure && (
        <p role="alert" className="text-bad">
          Signing in failed: {failure}
        </p>
      )}
    </section>
  );
}

function ByIssuer({ busy }: { busy: boolean }) {
  return (
    <>
      <p className="text-muted">
        Your downloads continue on the server meanwhile. You come back to this page after signing in at{" "}
        {new URL(config.issuer).host}.
      </p>
      <Button look="primary" disabled={busy} onClick={() => void session.signIn()}>
        Sign in
      </Button>
    </>
  );
}

function ByToken() {
  const [token, setToken] = useState("");
  const send = (event: FormEvent) => {
    event.preventDefault();
    session.acceptToken(token);
  };
  return (
    <form onSubmit={send} className="flex flex-col gap-3">
      <Field
        label="Access token"
        hint="A token of this service's issuer. It stays in this page's memory and is gone after a reload."
      >
        {(ids) => (
          <input
            {...ids}
            className="field font-mono"
            type="password"
            autoComplete="off"
            value={token}
            onChange={(event) => setToken(event.target.value)}
          />
        )}
      </Field>
      <Button look="primary" type="submit" disabled={token.trim() === ""}>
        Use this token
      </Button>
    </form>
  );
}

function SignedCallersOnly() {
  return (
    <p className="text-muted">
      This service accepts requests with AWS signatures, which a browser cannot make. Use the{" "}
      <code className="font-mono">lorry</code> command, or put a proxy that signs in front of it.
    </p>
  );
}

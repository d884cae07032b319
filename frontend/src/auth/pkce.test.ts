// @vitest-environment node
import { expect, it } from "vitest";
import { challengeOf, newVerifier, signInAddress } from "./pkce";

it("the challenge is that of RFC 7636, appendix B", async () => {
  expect(await challengeOf("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")).toBe(
    "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
  );
});

it("a verifier has 64 unreserved characters and is new each time", () => {
  expect(newVerifier()).toMatch(/^[\w-]{64}$/);
  expect(newVerifier()).not.toBe(newVerifier());
});

it("the sign-in address keeps what the issuer's own has", () => {
  const provider = { authorization_endpoint: "https://issuer.example/authorize?tenant=7", token_endpoint: "" };
  const client = {
    issuer: "",
    clientId: "lorry web",
    audience: "lorry",
    redirectUri: "https://lorry.example/dashboard",
  };
  const query = new URL(signInAddress(provider, client, { state: "s", challenge: "c" })).searchParams;
  expect(Object.fromEntries(query)).toEqual({
    tenant: "7",
    response_type: "code",
    client_id: "lorry web",
    redirect_uri: "https://lorry.example/dashboard",
    scope: "openid",
    state: "s",
    code_challenge: "c",
    code_challenge_method: "S256",
    audience: "lorry",
  });
});

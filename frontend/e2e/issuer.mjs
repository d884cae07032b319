// An OIDC issuer on this machine: it asks no questions, but verifies PKCE (RFC 7636).
import { createHash, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { createServer } from "node:http";

export const AUDIENCE = "lorry-dashboard";
export const CLIENT = "dashboard";

export async function startIssuer() {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const codes = new Map();
  const issuer = { url: "", user: "alice", exchanges: [], stop: () => {} };

  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const token = (user) => {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: issuer.url, aud: AUDIENCE, sub: user, iat: now, exp: now + 3600 };
    const signed = `${encode({ alg: "RS256", typ: "JWT", kid: "one" })}.${encode(claims)}`;
    return `${signed}.${sign("RSA-SHA256", Buffer.from(signed), privateKey).toString("base64url")}`;
  };
  issuer.token = token;

  const routes = {
    "/.well-known/openid-configuration": () => ({
      issuer: issuer.url,
      jwks_uri: `${issuer.url}/jwks`,
      authorization_endpoint: `${issuer.url}/authorize`,
      token_endpoint: `${issuer.url}/token`,
    }),
    "/jwks": () => ({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "one", alg: "RS256", use: "sig" }] }),
    "/authorize": (query) => {
      const code = randomUUID();
      codes.set(code, { challenge: query.get("code_challenge"), client: query.get("client_id"), user: issuer.user });
      const back = new URL(query.get("redirect_uri"));
      back.searchParams.set("code", code);
      back.searchParams.set("state", query.get("state"));
      return { location: back.href };
    },
    "/token": (query) => {
      const known = codes.get(query.get("code"));
      codes.delete(query.get("code"));
      const challenge = createHash("sha256")
        .update(query.get("code_verifier") ?? "")
        .digest("base64url");
      issuer.exchanges.push(Object.fromEntries(query));
      if (!known || known.challenge !== challenge || known.client !== query.get("client_id"))
        return { status: 400, error: "invalid_grant" };
      return { access_token: token(known.user), token_type: "Bearer", expires_in: 3600 };
    },
  };
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://issuer");
    let body = "";
    request.on("data", (data) => (body += data));
    request.on("end", () => {
      const answer = routes[pathname]?.(body ? new URLSearchParams(body) : searchParams) ?? { status: 404 };
      response.setHeader("Access-Control-Allow-Origin", "*");
      response.setHeader("Content-Type", "application/json");
      if (answer.location) response.writeHead(302, { Location: answer.location });
      else response.writeHead(answer.status ?? 200);
      response.end(answer.location ? "" : JSON.stringify(answer));
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  issuer.url = `http://127.0.0.1:${server.address().port}`;
  issuer.stop = () => new Promise((resolve) => server.close(resolve));
  return issuer;
}

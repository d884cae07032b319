/** What the server says of this deployment, in a meta element of the page. */
export interface Config {
  /** Path or URL that the routes of the API begin with, such as "/lorry". */
  api: string;
  /** Where the pages of the dashboard are: "/lorry/dashboard". */
  root: string;
  version: string;
  authMode: "none" | "jwt" | "iam";
  /** Of the OIDC client that people sign in with; empty where they cannot. */
  issuer: string;
  clientId: string;
  audience: string;
  websocket: string;
  /** Base URL of Jaeger's pages; empty for none. */
  jaeger: string;
  /** Of the Sentry project that receives errors of these pages; empty for none. */
  sentryDsn: string;
}

const DEFAULTS: Config = {
  api: "",
  root: "/",
  version: "development",
  authMode: "none",
  issuer: "",
  clientId: "",
  audience: "",
  websocket: "",
  jaeger: "",
  sentryDsn: "",
};

export function readConfig(page: Document): Config {
  const content = page.querySelector<HTMLMetaElement>('meta[name="lorry-config"]')?.content ?? "";
  if (!content.startsWith("{")) return DEFAULTS; // of `npm run dev`, where no server fills it in
  return { ...DEFAULTS, ...(JSON.parse(content) as Partial<Config>) };
}

export const config = readConfig(document);

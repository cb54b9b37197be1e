// A real identity provider (OpenID Connect) on this machine: node provider.mjs PORT CLIENT_ID SECRET REDIRECT_URI
// Everyone may sign in under a name that is in accounts; there are no passwords. It prints "ready" when it answers.
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const [port, clientId, secret, redirectUri] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const accounts = {
  anna: { email: "anna@example.com", email_verified: true, groups: ["staff", "churn-agents"] },
  bert: { email: "bert@example.com", email_verified: true, groups: ["churn-agents", "churn-admins"] },
  carl: { email: "carl@example.com", email_verified: true, groups: ["staff"] },
  dora: { email: "dora@example.com", email_verified: false, groups: ["churn-agents"] },
  fred: { email: "fred@example.com", groups: ["churn-agents"] },
  emil: { email: "agent-person", email_verified: true, groups: ["churn-admins"] },
};
const provider = new Provider(issuer, {
  clients: [{ client_id: clientId, client_secret: secret, redirect_uris: [redirectUri], grant_types: ["authorization_code"] }],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["groups"] },
  cookies: { keys: ["of the tests"] },
  features: { devInteractions: { enabled: false } },
  findAccount: (_, id) => (accounts[id] ? { accountId: id, claims: () => ({ sub: id, ...accounts[id] }) } : undefined),
  interactions: { url: (_, interaction) => `/who/${interaction.uid}` },
  pkce: { required: () => true },
  async loadExistingGrant(ctx) {
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope("openid email profile");
    await grant.save();
    return grant;
  },
});
const answer = provider.callback();
createServer(async (request, response) => {
  if (!request.url.startsWith("/who/")) return answer(request, response);
  if (request.method === "GET") {
    response.setHeader("Content-Type", "text/html");
    response.end(
      '<title>Company</title><form method="post"><label>Who are you? <input name="login"></label>' +
        '<button>Sign in</button><button name="refuse" value="yes">Refuse</button></form>',
    );
    return;
  }
  const parts = [];
  for await (const part of request) parts.push(part);
  const form = new URLSearchParams(Buffer.concat(parts).toString());
  const result = form.get("refuse")
    ? { error: "access_denied", error_description: "the user refused" }
    : { login: { accountId: form.get("login") } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}).listen(Number(port), "127.0.0.1", () => console.log("ready"));

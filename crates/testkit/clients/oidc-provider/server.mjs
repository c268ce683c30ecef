// A certified OpenID provider with one client. Who signs in is said by `login_hint`: `ann@acme.test` or `ann@acme.test+group1+group2`.
// Settings come as JSON in the first argument: port, client, clockOffset (seconds), amr.
const settings = JSON.parse(process.argv[2]);

const now = Date.now;
Date.now = () => now() + (settings.clockOffset ?? 0) * 1000;

const { generateKeyPairSync } = await import("node:crypto");
const { default: Provider } = await import("oidc-provider");

// A fresh key at every start: a restart is a rotation.
const key = (type, options) => generateKeyPairSync(type, options).privateKey.export({ format: "jwk" });
const jwks = { keys: [{ ...key("rsa", { modulusLength: 2048 }), use: "sig", alg: "RS256" }, { ...key("ec", { namedCurve: "P-256" }), use: "sig", alg: "ES256" }] };

const provider = new Provider(`http://127.0.0.1:${settings.port}`, {
  jwks,
  clients: [settings.client],
  cookies: { keys: ["only for tests"] },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "groups"], acr: null, amr: null, auth_time: null, sid: null },
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      // Asks nothing: the tests have no hand to press a button.
      logoutSource: (ctx, form) => { ctx.body = form; },
    },
  },
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_ctx, id) => {
    const [email, ...groups] = id.split("+");
    const [name] = email.split("@");
    return { accountId: id, claims: () => ({ sub: `sub-${name}`, email, email_verified: true, name, groups }) };
  },
  pkce: { required: () => true },
});

// Signs in and consents at once, as whoever the hint says.
provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith("/interaction/")) return next();
  const { prompt, params, grantId, session } = await provider.interactionDetails(ctx.req, ctx.res);
  if (prompt.name === "login") {
    const login = { accountId: params.login_hint, amr: settings.amr ?? ["pwd"], ts: Math.floor(Date.now() / 1000) };
    return provider.interactionFinished(ctx.req, ctx.res, { login });
  }
  const grant = grantId ? await provider.Grant.find(grantId) : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  return provider.interactionFinished(ctx.req, ctx.res, { consent: { grantId: await grant.save() } });
});

provider.listen(settings.port, "127.0.0.1");

import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from "@tanstack/react-router";

import { Crash } from "./components/Crash/Crash";
import { NotFound } from "./components/NotFound/NotFound";
import { Shell } from "./components/Shell/Shell";

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });

const overview = createRoute({
  getParentRoute: () => root,
  path: "/",
  component: lazyRouteComponent(() => import("./routes/overview"), "OverviewPage"),
});

const marketplace = createRoute({
  getParentRoute: () => root,
  path: "/marketplace",
  validateSearch: (search): { category?: string } => ({ category: text(search["category"]) }),
  component: lazyRouteComponent(() => import("./routes/marketplace"), "MarketplacePage"),
});

const connector = createRoute({
  getParentRoute: () => root,
  path: "/marketplace/$slug",
  component: lazyRouteComponent(() => import("./routes/connector"), "ConnectorPage"),
});

const wizard = createRoute({
  getParentRoute: () => root,
  path: "/marketplace/$slug/install",
  component: lazyRouteComponent(() => import("./routes/install-wizard"), "InstallWizardPage"),
});

const installs = createRoute({
  getParentRoute: () => root,
  path: "/installs",
  component: lazyRouteComponent(() => import("./routes/installs"), "InstallsPage"),
});

const install = createRoute({
  getParentRoute: () => root,
  path: "/installs/$installId",
  validateSearch: (search): { tab?: string } => ({ tab: text(search["tab"]) }),
  component: lazyRouteComponent(() => import("./routes/install"), "InstallPage"),
});

const search = createRoute({
  getParentRoute: () => root,
  path: "/search",
  validateSearch: (params): { q?: string } => ({ q: text(params["q"]) }),
  component: lazyRouteComponent(() => import("./routes/search"), "SearchPage"),
});

const connect = createRoute({
  getParentRoute: () => root,
  path: "/connect",
  component: lazyRouteComponent(() => import("./routes/connect"), "ConnectPage"),
});

const apiKeys = createRoute({
  getParentRoute: () => root,
  path: "/api-keys",
  component: lazyRouteComponent(() => import("./routes/api-keys"), "ApiKeysPage"),
});

const audit = createRoute({
  getParentRoute: () => root,
  path: "/audit",
  validateSearch: (params): { action?: string } => ({ action: text(params["action"]) }),
  component: lazyRouteComponent(() => import("./routes/audit"), "AuditPage"),
});

const members = createRoute({
  getParentRoute: () => root,
  path: "/members",
  component: lazyRouteComponent(() => import("./routes/members"), "MembersPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([
    overview,
    marketplace,
    connector,
    wizard,
    installs,
    install,
    search,
    connect,
    apiKeys,
    audit,
    members,
  ]),
  defaultPreload: "intent",
  defaultErrorComponent: Crash,
  scrollRestoration: true,
  // Global ids carry a colon (`install:…`), which a path may.
  pathParamsAllowedCharacters: [":"],
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

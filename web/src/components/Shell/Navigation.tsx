import { Link, type LinkProps } from "@tanstack/react-router";

import { Icon, type IconName } from "../Icon/Icon";

interface Entry {
  to: NonNullable<LinkProps["to"]>;
  label: string;
  icon: IconName;
}

const WORK: readonly Entry[] = [
  { to: "/", label: "Overview", icon: "home" },
  { to: "/marketplace", label: "Marketplace", icon: "store" },
  { to: "/installs", label: "Installs", icon: "plug" },
  { to: "/search", label: "Search", icon: "search" },
  { to: "/connect", label: "Connect a client", icon: "link" },
];

const RUN: readonly Entry[] = [
  { to: "/api-keys", label: "API keys", icon: "key" },
  { to: "/audit", label: "Audit log", icon: "audit" },
  { to: "/members", label: "Members", icon: "people" },
];

function entry({ to, label, icon }: Entry) {
  return (
    <Link key={to} to={to} activeOptions={{ exact: to === "/", includeSearch: false }}>
      <Icon name={icon} />
      {label}
    </Link>
  );
}

export function Navigation() {
  return (
    <nav className="nav" aria-label="Main">
      {WORK.map(entry)}
      <hr />
      {RUN.map(entry)}
    </nav>
  );
}

import { Link, Outlet, useLocation } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";

import { useViewer } from "../../session/ViewerContext";
import { Button } from "../Button/Button";
import { Icon } from "../Icon/Icon";
import { Logo } from "../Logo/Logo";
import { Navigation } from "./Navigation";
import { UserMenu } from "./UserMenu";

function Brand() {
  return (
    <Link to="/" className="brand">
      <Logo />
      Patchbay
    </Link>
  );
}

/** Moves focus to the page after a navigation, as a full page load would. */
function useFocusOnNavigation(pathname: string) {
  const main = useRef<HTMLElement>(null);
  const shown = useRef(pathname);
  useEffect(() => {
    if (shown.current === pathname) return;
    shown.current = pathname;
    main.current?.focus({ preventScroll: true });
  }, [pathname]);
  return main;
}

/** What stands around every page: navigation left, or behind a button where the screen is narrow. */
export function Shell() {
  const { tenant } = useViewer();
  const { pathname } = useLocation();
  // Open on the page where it was opened: going to another one closes it.
  const [openAt, setOpenAt] = useState<string | null>(null);
  const main = useFocusOnNavigation(pathname);
  const open = openAt === pathname;
  useEffect(() => {
    const close = (event: KeyboardEvent) => event.key === "Escape" && setOpenAt(null);
    document.addEventListener("keydown", close);
    return () => document.removeEventListener("keydown", close);
  }, []);

  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header className="topbar">
        <Brand />
        <Button
          kind="quiet"
          size="icon"
          aria-label={open ? "Close navigation" : "Open navigation"}
          aria-expanded={open}
          aria-controls="side"
          onClick={() => setOpenAt(open ? null : pathname)}
        >
          <Icon name={open ? "cross" : "menu"} />
        </Button>
      </header>
      <aside className="side" id="side" data-open={open} aria-label="Console">
        <Brand />
        <div className="tenant" title={tenant.slug}>
          {tenant.name}
        </div>
        <Navigation />
        <UserMenu />
      </aside>
      {open && (
        <button
          type="button"
          className="scrim"
          aria-label="Close navigation"
          tabIndex={-1}
          onClick={() => setOpenAt(null)}
        />
      )}
      <main className="main" id="main" tabIndex={-1} ref={main}>
        <Outlet />
      </main>
    </div>
  );
}

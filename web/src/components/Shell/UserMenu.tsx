import { useCallback, useEffect, useId, useRef, useState } from "react";
import { useMutation } from "urql";

import { graphql } from "../../gql";
import { session } from "../../session/store";
import { useViewer } from "../../session/ViewerContext";
import { chooseTheme, chosenTheme, type Theme } from "../../theme";
import { Button } from "../Button/Button";
import { Icon, type IconName } from "../Icon/Icon";
import { roleName } from "../roles";

const SignOut = graphql(`
  mutation SignOut {
    signOut {
      ok
    }
  }
`);

const THEMES: ReadonlyArray<{ theme: Theme; label: string; icon: IconName }> = [
  { theme: "system", label: "System", icon: "monitor" },
  { theme: "light", label: "Light", icon: "sun" },
  { theme: "dark", label: "Dark", icon: "moon" },
];

function initials(name: string): string {
  const letters = name.split(/\s+/u).map((word) => word.slice(0, 1));
  return letters.slice(0, 2).join("").toUpperCase();
}

function ThemeSwitch() {
  const [theme, setTheme] = useState(chosenTheme);
  return (
    <fieldset className="segmented">
      <legend className="visually-hidden">Theme</legend>
      {THEMES.map((option) => (
        <label key={option.theme}>
          <input
            type="radio"
            name="theme"
            checked={theme === option.theme}
            onChange={() => {
              chooseTheme(option.theme);
              setTheme(option.theme);
            }}
          />
          <Icon name={option.icon} size={15} />
          {option.label}
        </label>
      ))}
    </fieldset>
  );
}

function useCloseFromOutside(close: () => void) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const onPointer = (event: PointerEvent) => {
      if (event.target instanceof Node && !element.current?.contains(event.target)) close();
    };
    const onKey = (event: KeyboardEvent) => event.key === "Escape" && close();
    document.addEventListener("pointerdown", onPointer);
    document.addEventListener("keydown", onKey);
    return () => {
      document.removeEventListener("pointerdown", onPointer);
      document.removeEventListener("keydown", onKey);
    };
  }, [close]);
  return element;
}

/** Who is signed in, the theme, and the way out. */
export function UserMenu() {
  const viewer = useViewer();
  const [open, setOpen] = useState(false);
  const [{ fetching, error }, signOut] = useMutation(SignOut);
  const close = useCallback(() => setOpen(false), []);
  const panelId = useId();
  const element = useCloseFromOutside(close);
  const name = viewer.user?.displayName ?? "API key";

  const leave = async () => {
    const { data } = await signOut({});
    if (data?.signOut.ok) session.end();
  };

  return (
    <div className="side-foot" ref={element}>
      {open && (
        <div className="menu stack stack-s" id={panelId}>
          <div>
            <strong>{name}</strong>
            <div className="muted small">{viewer.user?.email}</div>
            <div className="muted small">
              {roleName(viewer.role)} of {viewer.tenant.name}
            </div>
          </div>
          <ThemeSwitch />
          <Button busy={fetching} onClick={leave}>
            <Icon name="out" /> Sign out
          </Button>
          {error && <p className="field-error">Signing out did not work. Try again.</p>}
        </div>
      )}
      <button
        type="button"
        className="user"
        aria-expanded={open}
        aria-controls={open ? panelId : undefined}
        onClick={() => setOpen(!open)}
      >
        <span className="avatar" aria-hidden="true">
          {initials(name)}
        </span>
        <span className="user-text">
          <span>{name}</span>
          <span className="muted small">{roleName(viewer.role)}</span>
        </span>
      </button>
    </div>
  );
}

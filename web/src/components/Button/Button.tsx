import type { ButtonHTMLAttributes, ReactNode } from "react";

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: "plain" | "primary" | "danger" | "quiet";
  size?: "normal" | "small" | "icon";
  /** Shows a spinner and ignores clicks, but stays focusable so that the keyboard does not lose its place. */
  busy?: boolean;
  children: ReactNode;
}

export function Button({ kind = "plain", size = "normal", busy = false, ...rest }: Props) {
  const { children, onClick, type = "button", ...attributes } = rest;
  return (
    <button
      {...attributes}
      // oxlint-disable-next-line react/button-has-type -- the type is a prop with a safe default
      type={type}
      className="button"
      data-kind={kind}
      data-size={size}
      aria-disabled={busy || undefined}
      onClick={(event) => {
        if (busy) event.preventDefault();
        else onClick?.(event);
      }}
    >
      {busy && <span className="spinner" aria-hidden="true" />}
      {children}
    </button>
  );
}

import { useEffect, useRef } from "react";

import { Icon } from "../Icon/Icon";

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  /** Takes the focus when it appears: only where searching is all that the page is for. */
  focused?: boolean;
}

export function SearchBox({ label, value, onChange, focused = false }: Props) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (focused) input.current?.focus();
  }, [focused]);
  return (
    <div className="search-box" role="search">
      <Icon name="search" />
      <input
        className="input"
        type="search"
        aria-label={label}
        placeholder={label}
        value={value}
        ref={input}
        spellCheck={false}
        onChange={(event) => onChange(event.target.value)}
      />
    </div>
  );
}

import { CopyButton } from "../CopyButton/CopyButton";

interface Props {
  code: string;
  /** What the code is, for the copy button and for screen readers. */
  label: string;
}

export function CodeBlock({ code, label }: Props) {
  return (
    <div className="code">
      {/* Scrollable regions must be reachable by keyboard. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre tabIndex={0} aria-label={label} role="region">
        <code>{code}</code>
      </pre>
      <CopyButton text={code} label={label} />
    </div>
  );
}

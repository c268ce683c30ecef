import { type ReactNode, useId } from "react";

import { Icon } from "../Icon/Icon";
import { InlineMarkdown } from "../Markdown/Markdown";

/** What the control inside a field must carry so that label, hint and error are announced with it. */
export interface ControlProps {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": boolean | undefined;
  "aria-required": boolean | undefined;
}

interface Props {
  label: string;
  hint?: ReactNode;
  error?: string | null | undefined;
  required?: boolean;
  /** Marks what may stay empty; off where everything on the form is required or obvious. */
  markOptional?: boolean;
  children: (control: ControlProps) => ReactNode;
}

export function Field({ label, hint, error, required, markOptional = true, children }: Props) {
  const id = useId();
  const described = [hint ? `${id}-hint` : "", error ? `${id}-error` : ""].filter(Boolean).join(" ");
  return (
    <div className="field">
      <label className="field-label" htmlFor={id}>
        {label}
        {!required && markOptional && <span className="field-optional">optional</span>}
      </label>
      {hint && (
        <div className="field-hint" id={`${id}-hint`}>
          {hint}
        </div>
      )}
      {children({
        id,
        "aria-describedby": described || undefined,
        "aria-invalid": error ? true : undefined,
        "aria-required": required || undefined,
      })}
      {error && <FieldError id={`${id}-error`} message={error} />}
    </div>
  );
}

export function FieldError({ id, message }: { id?: string; message: string }) {
  return (
    <div className="field-error" id={id}>
      <Icon name="alert" size={16} />
      <span>
        <InlineMarkdown text={message} />
      </span>
    </div>
  );
}

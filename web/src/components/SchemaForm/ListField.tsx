import { Button } from "../Button/Button";
import { FieldError } from "../Field/Field";
import { Icon } from "../Icon/Icon";
import { InlineMarkdown } from "../Markdown/Markdown";
import type { FieldSpec } from "./schema";

interface Props {
  field: FieldSpec;
  values: readonly string[];
  error: string | undefined;
  onChange: (values: string[]) => void;
}

/** A list of texts or numbers, one input per entry. Enter adds the next one. */
export function ListField({ field, values, error, onChange }: Props) {
  // There is always one input to type into, also when nothing is given yet.
  const rows = values.length > 0 ? values : [""];
  const replace = (index: number, value: string) =>
    onChange(rows.map((row, at) => (at === index ? value : row)));

  return (
    <fieldset className="field">
      <legend>
        {field.title}
        {!field.required && <span className="field-optional">optional</span>}
      </legend>
      {field.description && (
        <span className="field-hint">
          <InlineMarkdown text={field.description} />
        </span>
      )}
      <div className="list-field">
        {rows.map((row, index) => (
          // oxlint-disable-next-line react/no-array-index-key -- entries have no identity but their place
          <div key={index} className="input-with-action">
            <input
              className="input"
              aria-label={`${field.title}, entry ${index + 1}`}
              aria-invalid={error ? true : undefined}
              name={`${field.name}.${index}`}
              value={row}
              spellCheck={false}
              placeholder={field.item?.example ?? field.example ?? undefined}
              onChange={(event) => replace(index, event.target.value)}
              onKeyDown={(event) => {
                if (event.key !== "Enter") return;
                event.preventDefault();
                if (row !== "") onChange([...rows, ""]);
              }}
            />
            {rows.length > 1 && (
              <Button
                kind="quiet"
                size="icon"
                aria-label={`Remove entry ${index + 1} of ${field.title}`}
                onClick={() => onChange(rows.filter((_, at) => at !== index))}
              >
                <Icon name="cross" />
              </Button>
            )}
          </div>
        ))}
        <div>
          <Button size="small" onClick={() => onChange([...rows, ""])}>
            <Icon name="plus" size={15} /> Add another
          </Button>
        </div>
      </div>
      {error && <FieldError message={error} />}
    </fieldset>
  );
}

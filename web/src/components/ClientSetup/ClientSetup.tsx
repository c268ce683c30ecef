import { useState } from "react";

import { CodeBlock } from "../CodeBlock/CodeBlock";
import { InlineMarkdown } from "../Markdown/Markdown";
import { Tabs } from "../Tabs/Tabs";
import { snippetsFor } from "./snippets";

interface Props {
  url: string;
  /** The key's text right after it was made; it can be shown only then. */
  secret: string | null;
}

export function ClientSetup({ url, secret }: Props) {
  const snippets = snippetsFor(url, secret);
  const [chosen, setChosen] = useState("claude-code");
  const snippet = snippets.find((candidate) => candidate.id === chosen) ?? snippets[0];
  if (!snippet) return null;
  return (
    <Tabs label="Client" tabs={snippets} selected={snippet.id} onSelect={setChosen}>
      <div className="stack stack-s">
        <p className="muted">
          <InlineMarkdown text={snippet.where} />
        </p>
        <CodeBlock code={snippet.code} label={`set-up for ${snippet.label}`} />
      </div>
    </Tabs>
  );
}

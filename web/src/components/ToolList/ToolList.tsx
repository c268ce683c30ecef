import { type FragmentType, graphql, readFragment } from "../../gql";
import { Badge } from "../Badge/Badge";
import { InlineMarkdown } from "../Markdown/Markdown";

export const ToolListFields = graphql(`
  fragment ToolList on ConnectorTool {
    name
    title
    description
    readOnly
    destructive
  }
`);

interface Props {
  tools: ReadonlyArray<FragmentType<typeof ToolListFields>>;
}

function rank(tool: { readOnly: boolean; destructive: boolean }): number {
  if (tool.readOnly) return 0;
  return tool.destructive ? 2 : 1;
}

/** Tools as people decide about them: what only reads first, what may destroy last and marked. */
export function ToolList({ tools: references }: Props) {
  const tools = references
    .map((reference) => readFragment(ToolListFields, reference))
    .toSorted((one, other) => rank(one) - rank(other));
  return (
    <ul className="list">
      {tools.map((tool) => (
        <li key={tool.name} className="tool">
          <div className="row row-between">
            <h3>
              {tool.title} <code className="muted">{tool.name}</code>
            </h3>
            {tool.readOnly && <Badge tone="good">Reads only</Badge>}
            {!tool.readOnly && !tool.destructive && <Badge tone="warn">Writes</Badge>}
            {tool.destructive && <Badge tone="bad">May destroy</Badge>}
          </div>
          <p className="muted small">
            <InlineMarkdown text={tool.description} />
          </p>
        </li>
      ))}
    </ul>
  );
}

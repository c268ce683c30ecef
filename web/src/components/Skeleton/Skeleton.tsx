interface Props {
  /** How many cards or rows are coming, roughly. */
  count?: number;
  shape?: "cards" | "rows" | "page";
  label?: string;
}

function Lines({ widths }: { widths: string[] }) {
  return (
    <div className="stack stack-s" aria-hidden="true">
      {widths.map((width, index) => (
        // oxlint-disable-next-line react/no-array-index-key -- the lines never move
        <span key={index} className="skeleton" style={{ width }} />
      ))}
    </div>
  );
}

/** Holds the place of what is being loaded, so that nothing jumps when it arrives. */
export function Skeleton({ count = 3, shape = "rows", label = "Loading" }: Props) {
  const items = Array.from({ length: count }, (_, index) => index);
  return (
    <div role="status" aria-label={label} className={shape === "cards" ? "grid" : "stack"}>
      {shape === "page" && <Lines widths={["38%", "64%"]} />}
      {items.map((item) => (
        <div key={item} className="card">
          <Lines widths={shape === "rows" ? ["70%", "45%"] : ["45%", "90%", "75%"]} />
        </div>
      ))}
    </div>
  );
}
